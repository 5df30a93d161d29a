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

    /// Whether this fault is to be put in place some time.
    pub(super) fn starts(&self, index: usize) -> bool {
        let is_start = |what: &What| matches!(what, What::Start(other) if *other == index);
        self.0.iter().any(|(_, what)| is_start(what))
    }

    /// Takes out what is due by now, and when it was, in the order of time.
    pub(super) fn due(&mut self, now: Instant) -> Vec<(Instant, What)> {
        let (mut due, later): (Vec<_>, Vec<_>) = self.0.drain(..).partition(|(at, _)| *at <= now);
        self.0 = later;
        due.sort_by_key(|(at, _)| *at);
        due
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
