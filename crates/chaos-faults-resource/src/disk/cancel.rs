//! Work on another thread that must not begin anything once nobody waits for it.

use std::sync::{Arc, Mutex, PoisonError};

/// Whether the work is still wanted.
#[derive(Debug, Clone, Default)]
pub(super) struct Cancel(Arc<Mutex<bool>>);

/// Cancels the work when it is dropped.
#[derive(Debug)]
pub(super) struct CancelOnDrop(Cancel);

impl Cancel {
    pub(super) fn on_drop(&self) -> CancelOnDrop {
        CancelOnDrop(self.clone())
    }

    /// Does it unless it was cancelled. Whoever cancels waits for it, so it is either done then or never.
    pub(super) fn unless<T>(&self, work: impl FnOnce() -> T) -> Option<T> {
        let cancelled = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (!*cancelled).then(work)
    }

    fn cancel(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
    }
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_begins_after_it_was_cancelled() {
        let cancel = Cancel::default();
        let guard = cancel.on_drop();
        assert_eq!(cancel.unless(|| 7), Some(7));
        drop(guard);
        assert_eq!(cancel.unless(|| 7), None);
    }
}
