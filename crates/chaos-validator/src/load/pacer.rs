//! Waiting for the next intended send time.

use super::{Schedule, alarm::Alarm};
use std::time::Instant;

/// Hands out the intended send times, each when it has come.
#[derive(Debug)]
pub(crate) struct Pacer {
    start: Instant,
    schedule: Schedule,
    next: u64,
    alarm: Alarm,
}

impl Pacer {
    /// In a runtime; `coarse`: by its own timer.
    pub(crate) fn new(start: Instant, schedule: Schedule, coarse: bool) -> Self {
        Self {
            start,
            schedule,
            next: 0,
            alarm: if coarse {
                Alarm::coarse()
            } else {
                Alarm::fine()
            },
        }
    }

    /// Waits for the next intended send time.
    ///
    /// # Cancellation
    /// Safe: a send time that was not handed out comes again.
    pub(crate) async fn next(&mut self) -> Instant {
        let due = self.start + self.schedule.due(self.next);
        if due > Instant::now() {
            self.alarm.wait(due).await;
        } else {
            // Catching up must not wait for a timer, and must not keep the exchanges from going on.
            tokio::task::yield_now().await;
        }
        self.next += 1;
        due
    }
}
