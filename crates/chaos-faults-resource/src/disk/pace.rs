//! So many bytes a second.

use std::time::{Duration, Instant};

/// How far behind its rate a worker may fall before it stops catching up.
const LATE: Duration = Duration::from_secs(1);

/// When the next bytes are due.
#[derive(Debug)]
pub(super) struct Pace {
    rate: Option<u64>,
    due: Instant,
}

impl Pace {
    /// The largest piece at full speed.
    pub(super) const LONGEST: u64 = 1 << 20;
    /// What a disk reads and writes at least.
    pub(super) const BLOCK: u64 = 4096;

    pub(super) const fn new(rate: Option<u64>, now: Instant) -> Self {
        Self { rate, due: now }
    }

    /// How many bytes to read or write at once: a tenth of a second's worth, in whole blocks.
    pub(super) fn piece(&self) -> u64 {
        let piece = self.rate.map_or(Self::LONGEST, |rate| rate / 10);
        let piece = piece.clamp(Self::BLOCK, Self::LONGEST);
        piece - piece % Self::BLOCK
    }

    /// So many bytes were read or written by now; when the next ones are due.
    pub(super) fn next(&mut self, bytes: u64, now: Instant) -> Instant {
        if let Some(rate) = self.rate {
            let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(rate.max(1));
            let takes = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
            let earliest = now.checked_sub(LATE).unwrap_or(now);
            self.due = self.due.max(earliest) + takes;
        }
        self.due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_kept() {
        for (rate, late) in [(10_000, 0), (1 << 20, 3), (200 << 20, 1)] {
            let start = Instant::now();
            let mut pace = Pace::new(Some(rate), start);
            let (mut now, mut bytes) = (start, 0);
            while now < start + Duration::from_secs(20) {
                let piece = pace.piece();
                now = now.max(pace.next(piece, now)) + Duration::from_millis(late);
                bytes += piece;
            }
            let asked = (now - start).as_secs_f64() * rate as f64;
            let error = (bytes as f64 - asked).abs() / asked;
            assert!(error < 0.03, "{rate}: {bytes} instead of {asked}");
        }
    }

    #[test]
    fn a_slow_disk_is_not_caught_up_with_for_ever() {
        let start = Instant::now();
        let mut pace = Pace::new(Some(1000), start);
        let now = start + Duration::from_secs(100);
        assert_eq!(pace.next(1000, now), now);
        assert_eq!(Pace::new(None, start).next(1000, now), start);
    }

    #[test]
    fn pieces_are_whole_blocks() {
        for (rate, piece) in [(None, 1 << 20), (Some(1), 4096), (Some(99_000), 8192)] {
            assert_eq!(Pace::new(rate, Instant::now()).piece(), piece);
        }
    }
}
