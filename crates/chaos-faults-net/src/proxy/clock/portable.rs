//! The runtime's timers.

use std::{
    future::{Future, pending},
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};
use tokio::time::{Sleep, sleep_until};

/// Whether it does without the timers of the runtime.
pub(crate) const IS_OWN: bool = false;

/// What a worker's thread runs. Here it needs nothing.
pub(crate) fn start() -> io::Result<impl Future<Output = ()>> {
    Ok(pending())
}

/// Wakes a task at a time.
#[derive(Debug, Default)]
pub(crate) struct Timer(Option<Pin<Box<Sleep>>>);

impl Timer {
    /// Whether it is `at`; if not, the task is woken then.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, at: Instant) -> Poll<()> {
        let at = at.into();
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep_until(at)));
        if sleep.deadline() != at {
            sleep.as_mut().reset(at);
        }
        sleep.as_mut().poll(cx)
    }

    /// Wakes nobody.
    pub(crate) fn clear(&mut self) {
        self.0 = None;
    }
}
