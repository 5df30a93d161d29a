//! The language of a database.

use schemars::JsonSchema;
use serde::Deserialize;

/// How a database is asked whether it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Protocol {
    /// It accepts a connection and keeps it for 50 ms. Says little of a database behind a proxy, and nothing of
    /// whether it has recovered.
    #[default]
    Tcp,
    /// As `pg_isready` does: a session is asked for, and anything but "cannot connect now" is an answer. No
    /// password is sent, and none is needed.
    Postgres,
    /// `PING` is answered, and not by "I am still loading".
    Redis,
}

impl Protocol {
    /// The port that its servers have when nobody says otherwise.
    pub(crate) const fn usual_port(self) -> Option<u16> {
        match self {
            Self::Tcp => None,
            Self::Postgres => Some(5432),
            Self::Redis => Some(6379),
        }
    }
}
