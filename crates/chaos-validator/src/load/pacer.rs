//! Waiting for the next intended send time.

use super::RequestRate;
use std::time::{Duration, Instant};

/// Hands out the intended send times, each when it has come.
///
/// The seam for better timers: tokio's has a granularity of 1 ms, which the exchanges show as lateness.
#[derive(Debug)]
pub(crate) struct Pacer {
    start: Instant,
    rate: RequestRate,
    next: u64,
}

impl Pacer {
    pub(crate) fn new(start: Instant, rate: RequestRate) -> Self {
        Self {
            start,
            rate,
            next: 0,
        }
    }

    /// Waits for the next intended send time: its place in the plan and when it was due.
    ///
    /// # Cancellation
    /// Safe: a send time that was not handed out comes again.
    pub(crate) async fn next(&mut self) -> (u64, Instant) {
        let due = self.start + self.rate.due(self.next);
        // A timer that is due at once would still yield for a tick; catching up must not.
        if due.saturating_duration_since(Instant::now()) > Duration::ZERO {
            tokio::time::sleep_until(due.into()).await;
        } else {
            tokio::task::yield_now().await;
        }
        let seq = self.next;
        self.next += 1;
        (seq, due)
    }
}
