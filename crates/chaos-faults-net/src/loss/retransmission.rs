//! What losses do to a stream.

use crate::proxy::{Fate, Hits, Piece, Room, Stage};
use rand::{RngExt, rngs::StdRng};
use std::time::Duration;

/// The losses in one direction of one connection.
#[derive(Debug)]
pub(super) struct Retransmission {
    share: f64,
    /// Of the chunk that is on its way.
    stall: Duration,
    rng: StdRng,
    hits: Hits,
}

impl Retransmission {
    pub(super) fn new(share: f64, rng: StdRng, hits: Hits) -> Self {
        Self {
            share,
            stall: Duration::ZERO,
            rng,
            hits,
        }
    }

    /// What a packet carries on Ethernet: 1500 bytes less the headers of IPv4 and TCP with time stamps.
    const SEGMENT: usize = 1448;
    /// So many packets behind a lost one make as many duplicate acknowledgements.
    const DUPLICATES: usize = 3;
    const RTO_MIN: Duration = Duration::from_millis(200);
    const RTO_MAX: Duration = Duration::from_secs(120);
    const RETRIES: u32 = 15;

    /// How long `len` bytes are held up by their losses.
    fn draw(&mut self, len: usize) -> Duration {
        let segments = len.div_ceil(Self::SEGMENT).max(1);
        let stalls = (0..segments).map(|segment| {
            let behind = segments - segment - 1;
            if !self.lost() || (behind >= Self::DUPLICATES && !self.lost()) {
                Duration::ZERO
            } else {
                self.timeouts()
            }
        });
        // Lost packets are repaired side by side, so the slowest counts.
        stalls.max().unwrap_or_default()
    }

    /// How long one packet takes whose retransmission has to wait for the timer.
    fn timeouts(&mut self) -> Duration {
        let mut stall = Duration::ZERO;
        let mut timeout = Self::RTO_MIN;
        for _ in 0..Self::RETRIES {
            stall += timeout;
            timeout = Self::RTO_MAX.min(timeout * 2);
            if !self.lost() {
                break;
            }
        }
        stall
    }

    fn lost(&mut self) -> bool {
        self.rng.random_bool(self.share)
    }
}

impl Stage for Retransmission {
    fn judge(&mut self, piece: &Piece<'_>) -> Fate {
        if let Some(len) = piece.chunk {
            self.stall = self.draw(len);
            if !self.stall.is_zero() {
                self.hits.hit();
            }
        }
        Fate::at(piece.at + self.stall)
    }

    fn room(&self) -> Room {
        Room {
            delay: Duration::from_secs(1),
            ..Room::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chaos_core::Seed;

    fn stalls(percent: f64, len: usize) -> Vec<Duration> {
        let rng = Seed::new(1).rng();
        let mut stage = Retransmission::new(percent / 100.0, rng, Hits::default());
        (0..10_000).map(|_| stage.draw(len)).collect()
    }

    #[expect(clippy::cast_precision_loss, reason = "at most ten thousand")]
    fn share(stalls: &[Duration], which: impl Fn(Duration) -> bool) -> f64 {
        stalls.iter().filter(|s| which(**s)).count() as f64 / stalls.len() as f64
    }

    #[test]
    fn short_messages_wait_for_the_timer_as_often_as_they_are_lost() {
        let stalls = stalls(15.0, 100);
        let late = share(&stalls, |s| !s.is_zero());
        let twice = share(&stalls, |s| s >= Duration::from_millis(600));
        assert!((late - 0.15).abs() < 0.015, "{late}");
        assert!((twice - 0.0225).abs() < 0.006, "{twice}");
        let least = stalls.iter().filter(|s| !s.is_zero()).min();
        assert_eq!(least, Some(&Duration::from_millis(200)));
    }

    #[test]
    fn in_a_long_message_only_the_tail_waits_for_the_timer() {
        // 20 packets at 5 %: 3 at the tail lost once, 17 before lost twice.
        let expected = 1.0 - 0.95_f64.powi(3) * (1.0 - 0.0025_f64).powi(17);
        let late = share(&stalls(5.0, 20 * 1448), |s| !s.is_zero());
        assert!((late - expected).abs() < 0.015, "{late} {expected}");
    }

    #[test]
    fn everything_lost_is_late_by_what_tcp_bears() {
        let stalls = stalls(100.0, 1);
        // 0.2 s doubled ten times up to 120 s, as tcp_retries2 says: about a quarter of an hour.
        assert!(stalls.iter().all(|s| *s == stalls[0]));
        assert!(
            (800..1000).contains(&stalls[0].as_secs()),
            "{:?}",
            stalls[0]
        );
    }
}
