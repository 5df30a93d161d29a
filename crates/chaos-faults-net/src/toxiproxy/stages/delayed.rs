//! `latency`: data is late, the end of the stream is not.

use super::is_end;
use crate::proxy::{Fate, Piece, Room, Stage};
use rand::{RngExt, rngs::StdRng};
use std::time::Duration;

/// `latency`: each chunk is late by so many milliseconds, give or take the jitter. It is not [`Latency`](crate::Latency)
/// for three reasons: the end of the stream is not late, the jitter is drawn in whole milliseconds, and both numbers may be
/// below zero.
#[derive(Debug)]
pub(in crate::toxiproxy) struct Delayed {
    latency: i64,
    jitter: i64,
    /// Of the chunk that is on its way.
    delay: Duration,
    rng: StdRng,
}

impl Delayed {
    /// In milliseconds.
    pub(in crate::toxiproxy) fn new(latency: i64, jitter: i64, rng: StdRng) -> Self {
        Self {
            latency: latency.min(Self::MOST),
            jitter: jitter.min(Self::MOST),
            delay: Duration::ZERO,
            rng,
        }
    }

    /// A century, in milliseconds: with that any clock can reckon.
    const MOST: i64 = 100 * 365 * 24 * 60 * 60 * 1000;

    fn draw(&mut self) -> Duration {
        let jitter = match self.jitter {
            1.. => self.rng.random_range(-self.jitter..self.jitter),
            _ => 0,
        };
        let delay = self.latency.saturating_add(jitter);
        Duration::from_millis(u64::try_from(delay).unwrap_or(0))
    }
}

impl Stage for Delayed {
    fn judge(&mut self, piece: &Piece<'_>) -> Fate {
        if is_end(piece) {
            return Fate::at(piece.at);
        }
        if piece.chunk.is_some() {
            self.delay = self.draw();
        }
        piece
            .at
            .checked_add(self.delay)
            .map_or_else(Fate::held, Fate::at)
    }

    fn room(&self) -> Room {
        let most = self.latency.saturating_add(self.jitter.max(0));
        Room {
            delay: Duration::from_millis(u64::try_from(most).unwrap_or(0)),
            ..Room::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::piece, *};
    use chaos_core::Seed;
    use std::time::Instant;

    fn delays(latency: i64, jitter: i64) -> Vec<u128> {
        let mut stage = Delayed::new(latency, jitter, Seed::new(1).rng());
        (0..1000).map(|_| stage.draw().as_millis()).collect()
    }

    #[test]
    fn the_jitter_is_even_and_goes_both_ways() {
        let drawn = delays(100, 50);
        assert!(drawn.iter().all(|ms| (50..150).contains(ms)), "{drawn:?}");
        let low = drawn.iter().filter(|ms| **ms < 75).count();
        let high = drawn.iter().filter(|ms| **ms >= 125).count();
        assert!((200..300).contains(&low) && (200..300).contains(&high));
    }

    #[test]
    fn numbers_that_make_no_sense_delay_nothing_or_for_ever() {
        assert!(delays(-5, 0).iter().all(|ms| *ms == 0));
        assert!(delays(-5, -7).iter().all(|ms| *ms == 0));
        assert!(delays(0, 10).iter().all(|ms| *ms < 10));
        let mut stage = Delayed::new(i64::MAX, i64::MAX, Seed::new(1).rng());
        let now = Instant::now();
        assert!(stage.judge(&piece(b"x", now)).at.is_none_or(|at| at >= now));
        assert!(stage.room().delay >= Duration::from_secs(1));
    }

    #[test]
    fn the_end_of_the_stream_is_not_late() {
        let mut stage = Delayed::new(100, 0, Seed::new(1).rng());
        let now = Instant::now();
        let late = now + Duration::from_millis(100);
        assert_eq!(stage.judge(&piece(b"x", now)).at, Some(late));
        assert_eq!(stage.judge(&piece(b"", now)).at, Some(now));
    }
}
