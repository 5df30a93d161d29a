//! A delay that varies.

use crate::{
    Distribution,
    proxy::{Datagram, DatagramStage, Fate, Hits, Onward, Piece, Room, Stage},
};
use rand::{RngExt, rngs::StdRng};
use std::time::Duration;

/// A delay that varies.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Delay {
    pub(super) latency: Duration,
    pub(super) jitter: Duration,
    pub(super) distribution: Distribution,
    /// How much each depends on the one before, 0 to 100.
    pub(super) correlation: f64,
}

/// The latency of one direction of one connection.
#[derive(Debug)]
pub(super) struct Delayed {
    fault: Delay,
    /// What was drawn last, 0 to 1.
    last: f64,
    /// Of the chunk that is on its way.
    delay: Duration,
    rng: StdRng,
    hits: Hits,
}

impl Delayed {
    pub(super) fn new(fault: Delay, rng: StdRng, hits: Hits) -> Self {
        Self {
            fault,
            last: 0.5,
            delay: Duration::ZERO,
            rng,
            hits,
        }
    }

    fn draw(&mut self) -> Duration {
        let Delay {
            latency,
            jitter,
            distribution,
            correlation,
        } = self.fault;
        if jitter.is_zero() {
            return latency;
        }
        // As the kernel's emulator does it: a part of what is drawn is what was drawn before.
        let share = correlation / 100.0;
        self.last = self.rng.random::<f64>() * (1.0 - share) + self.last * share;
        let p = self.last.clamp(1e-9, 1.0 - 1e-9);
        let off = distribution.quantile(p).unwrap_or(2.0 * p - 1.0) * jitter.as_secs_f64();
        Duration::try_from_secs_f64(latency.as_secs_f64() + off).unwrap_or(Duration::ZERO)
    }
}

impl Stage for Delayed {
    fn judge(&mut self, piece: &Piece<'_>) -> Fate {
        if piece.chunk.is_some() {
            self.delay = self.draw();
            self.hits.hit();
        }
        Fate::at(piece.at + self.delay)
    }

    fn room(&self) -> Room {
        Room {
            delay: self.fault.latency + self.fault.jitter * 3,
            ..Room::default()
        }
    }
}

impl DatagramStage for Delayed {
    fn judge(&mut self, datagram: &Datagram<'_>) -> Onward {
        self.hits.hit();
        Onward::At(datagram.at + self.draw())
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Latency, *};
    use chaos_core::Seed;

    fn delays(fault: Latency, seed: u64) -> Vec<Duration> {
        let rng = Seed::new(seed).rng();
        let mut delay = Delayed::new(fault.delay(), rng, Hits::default());
        (0..1000).map(|_| delay.draw()).collect()
    }

    #[test]
    fn jitter_goes_both_ways_evenly() {
        let drawn = delays(Latency::ms(100).jitter_ms(50), 1);
        let ms = |ms| Duration::from_millis(ms);
        assert!(drawn.iter().all(|d| (ms(50)..=ms(150)).contains(d)));
        let below = drawn.iter().filter(|d| **d < ms(75)).count();
        let above = drawn.iter().filter(|d| **d > ms(125)).count();
        assert!((200..300).contains(&below), "{below}");
        assert!((200..300).contains(&above), "{above}");
    }

    #[test]
    fn a_delay_is_never_negative() {
        let drawn = delays(Latency::ms(10).jitter_ms(100), 1);
        assert!(drawn.contains(&Duration::ZERO));
        assert!(drawn.iter().all(|d| *d <= Duration::from_millis(110)));
    }

    #[test]
    fn the_same_seed_draws_the_same() {
        let fault = || Latency::ms(100).jitter_ms(50);
        assert_eq!(delays(fault(), 7), delays(fault(), 7));
        assert_ne!(delays(fault(), 7), delays(fault(), 8));
    }

    #[test]
    fn a_distribution_has_its_mean_and_deviation() {
        for distribution in [Distribution::Normal, Distribution::Pareto] {
            let fault = Latency::ms(500).jitter_ms(50).distribution(distribution);
            let drawn: Vec<f64> = delays(fault, 3).iter().map(Duration::as_secs_f64).collect();
            let mean = drawn.iter().sum::<f64>() / 1000.0;
            let variance = drawn.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / 1000.0;
            assert!((0.49..0.51).contains(&mean), "{distribution}: {mean}");
            let deviation = variance.sqrt();
            assert!(
                (0.03..0.08).contains(&deviation),
                "{distribution}: {deviation}"
            );
        }
    }

    #[test]
    fn with_correlation_a_delay_is_like_the_one_before() {
        let steps = |correlation| {
            let fault = Latency::ms(100).jitter_ms(50).correlation(correlation);
            let drawn = delays(fault, 5);
            let steps = drawn.windows(2).map(|two| two[0].abs_diff(two[1]));
            steps.sum::<Duration>()
        };
        assert!(steps(90.0) * 4 < steps(0.0));
    }
}
