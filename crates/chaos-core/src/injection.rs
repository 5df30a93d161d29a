//! A fault in place.

use crate::{
    EngineError, InjectionId,
    engine::{Recovered, SessionHandle},
};

/// Faults that are in place. Dropping it recovers them.
///
/// Dropping blocks until they are recovered, at most for the engine's `drop_grace`, and can only log what goes
/// wrong: it works without a runtime and while unwinding, but [`recover`](Self::recover) is better.
#[derive(Debug)]
#[must_use = "dropping an Injection recovers at once; keep it, and call `.recover().await`"]
pub struct Injection {
    session: SessionHandle,
}

impl Injection {
    pub(crate) fn new(session: SessionHandle) -> Self {
        Self { session }
    }

    /// The injection's name: part of the names of everything that it made.
    pub fn id(&self) -> &InjectionId {
        self.session.id()
    }

    /// Puts everything back, and sees that it is gone.
    ///
    /// # Cancellation
    /// The recovery goes on when the future is dropped.
    ///
    /// # Errors
    /// Something could not be undone; it stays in the undo log for another try. Or a fault with a later start
    /// had failed, and everything is recovered.
    pub async fn recover(mut self) -> Result<Recovered, EngineError> {
        self.session.recover().await
    }
}
