//! In which phases a probe counts.

use crate::Phase;
use serde::{Deserialize, Serialize};
use std::fmt;

/// In which phases of a run a probe is asked, and in which of them what it sees is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Mode {
    /// Asked and judged before the fault only.
    Start,
    /// Asked and judged after the fault only.
    End,
    /// Asked all the time, judged before and after the fault.
    #[default]
    Edge,
    /// Asked and judged all the time.
    Continuous,
    /// Asked and judged while the fault is in place only.
    #[serde(alias = "on-chaos")]
    OnChaos,
}

impl Mode {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Start,
        Self::End,
        Self::Edge,
        Self::Continuous,
        Self::OnChaos,
    ];

    /// Whether what is seen in a phase is judged.
    pub fn judges(self, phase: Phase) -> bool {
        match self {
            Self::Start => phase == Phase::Baseline,
            Self::End => phase == Phase::Recovery,
            Self::Edge => phase != Phase::Fault,
            Self::Continuous => true,
            Self::OnChaos => phase == Phase::Fault,
        }
    }

    /// Whether the probe is asked in a phase, or between two.
    pub(crate) fn asks(self, phase: Option<Phase>) -> bool {
        match self {
            Self::Edge | Self::Continuous => true,
            _ => phase.is_some_and(|phase| self.judges(phase)),
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Start => "start",
            Self::End => "end",
            Self::Edge => "edge",
            Self::Continuous => "continuous",
            Self::OnChaos => "on_chaos",
        })
    }
}
