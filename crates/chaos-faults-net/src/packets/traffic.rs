//! Which way packets go.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Which packets of a network namespace, by their way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Traffic {
    /// What comes in.
    Ingress,
    /// What goes out.
    Egress,
    /// Both.
    #[default]
    Both,
}

impl fmt::Display for Traffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ingress => "from",
            Self::Egress => "to",
            Self::Both => "from and to",
        })
    }
}
