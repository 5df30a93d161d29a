//! Tokio's timer, which wakes within a millisecond or two.

use std::time::Instant;

/// Wakes up at a time.
#[derive(Debug)]
pub(in super::super) struct Alarm;

impl Alarm {
    pub(in super::super) fn coarse() -> Self {
        Self
    }

    /// There is nothing finer.
    pub(in super::super) fn fine() -> Self {
        Self
    }

    /// Waits until then.
    pub(in super::super) async fn wait(&mut self, until: Instant) {
        tokio::time::sleep_until(until.into()).await;
    }
}
