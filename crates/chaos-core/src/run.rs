//! The facts of a run: what happened, when, and what is left.

use crate::{Leftover, Phase, Samples, StopReason, Verdict, seconds, seed::Seed};
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    time::{Duration, SystemTime},
};

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
#[non_exhaustive]
pub enum Outcome {
    /// Every hypothesis held.
    Held,
    /// A hypothesis did not hold.
    Deviated {
        /// Which, and why.
        why: String,
    },
    /// It cannot be told, for instance because a fault was lost half-way.
    Inconclusive {
        /// Why not.
        why: String,
    },
    /// The steady state did not hold before the fault; nothing was injected.
    NotSteady {
        /// What was not steady.
        why: String,
    },
    /// A stop condition or an observer ended it; everything was recovered.
    Aborted {
        /// Which, and why.
        by: String,
    },
    /// Somebody ended it; everything was recovered.
    Interrupted {
        /// How.
        by: String,
    },
    /// A promise could not be kept.
    Failed {
        /// Why.
        why: String,
        /// What of the faults is still on the host.
        left: Vec<Leftover>,
    },
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held => f.write_str("held"),
            Self::Deviated { why } => write!(f, "deviated: {why}"),
            Self::Inconclusive { why } => write!(f, "inconclusive: {why}"),
            Self::NotSteady { why } => write!(
                f,
                "not steady before the fault, nothing was injected: {why}"
            ),
            Self::Aborted { by } => write!(f, "aborted by {by}, recovered"),
            Self::Interrupted { by } => write!(f, "interrupted by {by}, recovered"),
            Self::Failed { why, left } if left.is_empty() => {
                write!(f, "failed: {why}; everything was undone")
            }
            Self::Failed { why, left } => {
                write!(
                    f,
                    "failed: {why}; {} changes are left on the host",
                    left.len()
                )
            }
        }
    }
}

/// What happened to a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EdgeKind {
    /// It was seen in place.
    Injected,
    /// It was seen gone.
    Recovered,
    /// Its time is over, and nothing of it can be taken back: a signal was sent, a process is gone.
    Over,
    /// It was gone before its time.
    Lost,
    /// Its target answers again.
    Answered,
}

/// A confirmed edge of a fault. Times count from the start of the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Edge {
    /// What happened.
    pub kind: EdgeKind,
    /// The fault's kind.
    pub fault: String,
    /// The target in words.
    pub target: String,
    /// Which of the run's faults, from 0.
    pub index: usize,
    /// Which repetition, from 0.
    pub repetition: u64,
    /// When it was asked for.
    #[serde(with = "seconds")]
    pub requested: Duration,
    /// When it was confirmed.
    #[serde(with = "seconds")]
    pub confirmed: Duration,
    /// How often the fault has done something, as far as it or the host counts that; known at its recovery.
    pub hits: Option<u64>,
    /// What went with it: the sites, what was found instead, what was left alone.
    pub detail: Option<String>,
}

/// When a phase was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PhaseSpan {
    /// The phase.
    pub phase: Phase,
    /// Its start.
    #[serde(with = "seconds")]
    pub start: Duration,
    /// Its end.
    #[serde(with = "seconds")]
    pub end: Duration,
}

/// What a hypothesis or an observer decided of a phase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Judged {
    /// The hypothesis.
    pub name: String,
    /// The phase.
    pub phase: Phase,
    /// The verdict.
    pub verdict: Verdict,
}

/// The facts of a run. Times count from its start, on one monotonic clock.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Run {
    /// The experiment's name.
    pub name: String,
    /// The seed that repeats it.
    pub seed: Seed,
    /// When it started, by the wall clock.
    #[serde(with = "wall_clock")]
    pub started: SystemTime,
    /// How long it took, recovery included.
    #[serde(with = "seconds")]
    pub took: Duration,
    /// How it ended.
    pub outcome: Outcome,
    /// The phases that were begun.
    pub phases: Vec<PhaseSpan>,
    /// What happened to the faults.
    pub edges: Vec<Edge>,
    /// The changes as they were planned.
    pub changes: Vec<String>,
    /// What the hypotheses decided.
    pub judged: Vec<Judged>,
    /// What is still on the host.
    pub left: Vec<Leftover>,
    /// What a reader should know: foreign state left alone, an observer that panicked.
    pub warnings: Vec<String>,
    /// Why it was stopped before its time, if it was.
    pub stopped: Option<StopReason>,
    /// What the probes saw.
    pub samples: Samples,
}

impl Run {
    /// The span of a phase, if it was begun.
    pub fn phase(&self, phase: Phase) -> Option<PhaseSpan> {
        self.phases.iter().copied().find(|span| span.phase == phase)
    }

    /// When the first fault was seen in place.
    pub fn injected(&self) -> Option<Duration> {
        self.edge_times(EdgeKind::Injected).min()
    }

    /// When the last fault was seen gone, or was over.
    pub fn recovered(&self) -> Option<Duration> {
        let recovered = self.edge_times(EdgeKind::Recovered);
        recovered.chain(self.edge_times(EdgeKind::Over)).max()
    }

    fn edge_times(&self, kind: EdgeKind) -> impl Iterator<Item = Duration> {
        self.edges
            .iter()
            .filter(move |edge| edge.kind == kind)
            .map(|edge| edge.confirmed)
    }
}

mod wall_clock {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use std::time::SystemTime;

    pub(super) fn serialize<S: Serializer>(
        time: &SystemTime,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&humantime::format_rfc3339_millis(*time))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<SystemTime, D::Error> {
        let text = String::deserialize(deserializer)?;
        humantime::parse_rfc3339(&text).map_err(D::Error::custom)
    }
}
