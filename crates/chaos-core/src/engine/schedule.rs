//! When the faults of a session start and end.

use std::time::{Duration, Instant};

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

/// So much later, as far as the clock can count.
pub(super) fn later(start: Instant, time: Duration) -> Instant {
    start
        .checked_add(time)
        .unwrap_or(start + Duration::from_secs(366 * 24 * 3600))
}

/// When the next round begins that can be kept. Rounds are counted from the first one, so that those of several faults stay
/// beside each other; one that is missed is left out.
pub(super) fn next_round(begun: Instant, every: Duration, now: Instant) -> Instant {
    let late = now.saturating_duration_since(begun).as_nanos();
    let rounds = late.div_ceil(every.as_nanos().max(1)).max(1);
    let rounds = u32::try_from(rounds).unwrap_or(u32::MAX);
    later(begun, every.checked_mul(rounds).unwrap_or(Duration::MAX)).max(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_stay_on_their_grid_and_missed_ones_are_left_out() {
        let (begun, ms) = (Instant::now(), Duration::from_millis);
        for (every, late, next) in [
            (400, 0, 400),
            (400, 1, 400),
            (400, 400, 400),
            (400, 401, 800),
            (400, 4000, 4000),
        ] {
            let round = next_round(begun, ms(every), begun + ms(late));
            assert_eq!(round, begun + ms(next), "{late}");
        }
        assert_eq!(
            next_round(begun, Duration::ZERO, begun + ms(7)),
            begun + ms(7)
        );
    }
}
