//! When the faults of a session start and end.

use std::time::Instant;

/// What is due some time.
#[derive(Debug, Clone, Copy)]
pub(super) enum What {
    /// Put this fault in place.
    Start(usize),
    /// Take back what was started as this.
    End(usize),
}

/// What is due when.
#[derive(Debug, Default)]
pub(super) struct Schedule(Vec<(Instant, What)>);

impl Schedule {
    pub(super) fn push(&mut self, at: Instant, what: What) {
        self.0.push((at, what));
    }

    /// When something is due next.
    pub(super) fn next(&self) -> Option<Instant> {
        self.0.iter().map(|(at, _)| *at).min()
    }

    /// Takes out what is due by now, in the order of time.
    pub(super) fn due(&mut self, now: Instant) -> Vec<What> {
        let (mut due, later): (Vec<_>, Vec<_>) = self.0.drain(..).partition(|(at, _)| *at <= now);
        self.0 = later;
        due.sort_by_key(|(at, _)| *at);
        due.into_iter().map(|(_, what)| what).collect()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
