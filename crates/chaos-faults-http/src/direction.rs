//! Which of the two messages of an exchange is meant.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Which message through a proxy a fault works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Direction {
    /// From the client to the dependency: the request.
    Upstream,
    /// From the dependency to the client: the response.
    Downstream,
}

impl Direction {
    /// What is meant when nothing is said of a fault that works on responses.
    pub(crate) const fn downstream() -> Self {
        Self::Downstream
    }

    /// The message that goes this way.
    pub(crate) const fn message(self) -> &'static str {
        match self {
            Self::Upstream => "request",
            Self::Downstream => "response",
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Upstream => "upstream",
            Self::Downstream => "downstream",
        })
    }
}
