//! What plugins return.

use super::{BoxError, ConfigError};
use std::time::Duration;

/// What a plugin returns: a fault that cannot be planned, a change that cannot be made or reversed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FaultError {
    /// The configuration, or a nested one, cannot be used.
    #[error(transparent)]
    Config(ConfigError),
    /// Somebody else's state is where the change would go.
    #[error("{resource} is already in use: {found}")]
    Conflict {
        /// What would have been changed.
        resource: String,
        /// What is there instead.
        found: String,
    },
    /// The fault cannot work on this kind of target.
    #[error("cannot be put on {target}: {why}")]
    Unsupported {
        /// The target, in words.
        target: String,
        /// Why not, and what would work.
        why: String,
    },
    /// The target is not there: no such process, container or address.
    #[error("{target} is not there: {why}")]
    NoTarget {
        /// The target, in words.
        target: String,
        /// What was looked for and found.
        why: String,
    },
    /// The change reported success and cannot be seen on the host.
    #[error("`{change}` reported success but is not in place")]
    NoEffect {
        /// The change, in words.
        change: String,
    },
    /// The host said no.
    #[error("could not {operation}")]
    Host {
        /// What was tried, as it reads after "could not".
        operation: String,
        /// What the host said.
        #[source]
        source: BoxError,
    },
    /// The operation did not end within its limit.
    #[error("`{operation}` did not finish within {limit:?}")]
    TimedOut {
        /// What was tried.
        operation: String,
        /// The limit.
        limit: Duration,
    },
    /// The plugin panicked.
    #[error("`{operation}` panicked: {message}")]
    Panicked {
        /// What was tried.
        operation: String,
        /// The panic's message.
        message: String,
    },
}

impl FaultError {
    /// An operation on the host that failed; `operation` reads after "could not".
    pub fn host(operation: impl Into<String>, source: impl Into<BoxError>) -> Self {
        Self::Host {
            operation: operation.into(),
            source: source.into(),
        }
    }

    /// Somebody else's state is in the way.
    pub fn conflict(resource: impl Into<String>, found: impl Into<String>) -> Self {
        Self::Conflict {
            resource: resource.into(),
            found: found.into(),
        }
    }

    /// The fault cannot work on this kind of target.
    pub fn unsupported(target: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Unsupported {
            target: target.into(),
            why: why.into(),
        }
    }

    /// The target is not there.
    pub fn no_target(target: impl Into<String>, why: impl Into<String>) -> Self {
        Self::NoTarget {
            target: target.into(),
            why: why.into(),
        }
    }
}

impl From<ConfigError> for FaultError {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}
