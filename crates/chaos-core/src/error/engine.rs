//! What a user of the engine sees.

use super::{BoxError, ConfigError, FaultError, Refusal, UndoLogError};
use std::{error::Error as _, fmt};

/// What a user of the engine sees. Every message says what happened to the host.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The experiment cannot be built.
    #[error("the configuration cannot be used; the host was not touched")]
    Config(#[from] ConfigError),
    /// Refused before the first change; every reason is listed.
    #[error("refused; the host was not touched{}", list(.0))]
    Refused(Vec<Refusal>),
    /// A fault that was to start later, or again, was refused; what the others had changed was put back.
    #[error("a fault that was due later was refused; everything was undone{}", list(.0))]
    RefusedLater(Vec<Refusal>),
    /// The undo log could not be written before the first change.
    #[error("could not use the undo log; the host was not touched")]
    UndoLog(#[source] UndoLogError),
    /// The undo log failed half-way; what had been changed was put back.
    #[error("could not write the undo log after {done} changes; all of them were undone")]
    UndoLogLost {
        /// How many changes had been made.
        done: usize,
        /// What went wrong.
        #[source]
        source: UndoLogError,
    },
    /// A change failed; it and the ones before it were put back.
    #[error("`{change}` failed; everything was undone")]
    Apply {
        /// The change that failed.
        change: String,
        /// Why.
        #[source]
        source: FaultError,
    },
    /// Some changes could not be undone. They stay in the undo log.
    #[error("the host may still be changed: {} of {total} changes of injection {injection} could not be undone{}\n  to retry: Engine::recover_orphans(), or `chaos recover`", .left.len(), left_list(.left))]
    Left {
        /// The injection.
        injection: String,
        /// How many changes were to be undone.
        total: usize,
        /// The ones that are left, and why.
        left: Vec<Leftover>,
    },
    /// The fault was not in place for the whole time; everything was undone.
    #[error("the fault was not in place for the whole time: {why}; everything was undone")]
    NotInPlace {
        /// What happened to it.
        why: String,
    },
    /// The watchdog could not be started or does not answer.
    #[error("could not start the watchdog; the host was not touched")]
    Watchdog(#[source] BoxError),
    /// The recovery thread could not be started.
    #[error("could not start the recovery thread; the host was not touched")]
    Warden(#[source] std::io::Error),
    /// The engine or a plugin panicked where nobody expected it.
    #[error("the engine panicked ({message}); everything was undone")]
    Panicked {
        /// What the panic said.
        message: String,
    },
    /// The recovery thread ended, which only the end of the process should do.
    #[error("the recovery thread is gone; changes stay in the undo log until the next `recover`")]
    WardenGone,
}

/// As a test that returns it prints it: the message, and what caused it.
impl fmt::Debug for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        let mut source = self.source();
        while let Some(error) = source {
            write!(f, "\n  caused by: {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

/// A change that is still on the host.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct Leftover {
    /// The change.
    pub change: String,
    /// Why it could not be undone.
    pub why: String,
}

impl Leftover {
    /// A change that is still on the host, and why.
    pub fn new(change: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            change: change.into(),
            why: why.into(),
        }
    }
}

fn list(refusals: &[Refusal]) -> String {
    refusals.iter().map(|r| format!("\n  {r}")).collect()
}

fn left_list(left: &[Leftover]) -> String {
    left.iter()
        .map(|l| format!("\n  left in place: {} ({})", l.change, l.why))
        .collect()
}
