//! Which way data flows through a proxy.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Which way through a proxy a fault works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Direction {
    /// From the client to the dependency: requests.
    Upstream,
    /// From the dependency to the client: responses.
    #[default]
    Downstream,
    /// Both ways.
    Both,
}

impl Direction {
    /// Whether data that flows this way is meant.
    pub(crate) fn covers(self, flow: Flow) -> bool {
        matches!(
            (self, flow),
            (Self::Both, _)
                | (Self::Upstream, Flow::Upstream)
                | (Self::Downstream, Flow::Downstream)
        )
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Upstream => "upstream",
            Self::Downstream => "downstream",
            Self::Both => "both ways",
        })
    }
}

/// One of the two flows of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    Upstream,
    Downstream,
}

impl Flow {
    /// The other one.
    pub(crate) const fn back(self) -> Self {
        match self {
            Self::Upstream => Self::Downstream,
            Self::Downstream => Self::Upstream,
        }
    }

    /// Its name, as in files.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Upstream => "upstream",
            Self::Downstream => "downstream",
        }
    }
}
