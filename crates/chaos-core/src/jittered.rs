//! A delay that varies.

use crate::{ConfigError, units::Time};
use rand::{RngExt, rngs::StdRng};
use std::{fmt, time::Duration};

/// A longer delay is a mistake or an outage.
const MOST: Duration = Duration::from_secs(3600);

/// A delay, give or take a jitter: evenly distributed and never below zero.
///
/// # Examples
/// ```
/// use chaos_core::{Jittered, Seed};
/// use std::time::Duration;
///
/// let late = Jittered::new(Duration::from_millis(100), Duration::from_millis(20));
/// late.check()?;
/// let drawn = late.draw(&mut Seed::new(1).rng());
/// assert!((80..=120).contains(&drawn.as_millis()));
/// # Ok::<(), chaos_core::ConfigError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Jittered {
    /// The middle.
    pub delay: Duration,
    /// How much it varies, both ways.
    pub jitter: Duration,
}

impl Jittered {
    /// A delay that varies so much, both ways.
    pub const fn new(delay: Duration, jitter: Duration) -> Self {
        Self { delay, jitter }
    }

    /// Checks what a configuration says in its fields `delay` and `jitter`.
    ///
    /// # Errors
    /// One of them is more than an hour, or both are 0.
    pub fn check(&self) -> Result<(), ConfigError> {
        for (field, time) in [("delay", self.delay), ("jitter", self.jitter)] {
            if time > MOST {
                let problem = format!("{} is more than an hour", Time::new(time));
                return Err(ConfigError::field(field, problem).help("0 to 1h"));
            }
        }
        if self.delay.is_zero() && self.jitter.is_zero() {
            return Err(ConfigError::field("delay", "0 delays nothing")
                .help("a time above 0 and up to 1h, such as 200ms"));
        }
        Ok(())
    }

    /// The next delay.
    pub fn draw(&self, rng: &mut StdRng) -> Duration {
        // From minus to plus the jitter.
        let off = (rng.random::<f64>() * 2.0 - 1.0) * self.jitter.as_secs_f64();
        let delay = Duration::try_from_secs_f64(self.delay.as_secs_f64() + off);
        delay.unwrap_or(Duration::ZERO)
    }
}

impl fmt::Display for Jittered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} ± {:?}", self.delay, self.jitter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Seed;

    #[test]
    fn the_jitter_goes_both_ways_and_never_below_zero() {
        let ms = Duration::from_millis;
        let drawn = |delay, jitter| -> Vec<Duration> {
            let late = Jittered::new(ms(delay), ms(jitter));
            let mut rng = Seed::new(1).rng();
            (0..1000).map(|_| late.draw(&mut rng)).collect()
        };
        let around = drawn(100, 50);
        assert!(around.iter().all(|d| (ms(50)..=ms(150)).contains(d)));
        assert!(around.iter().any(|d| *d < ms(60)) && around.iter().any(|d| *d > ms(140)));
        assert!(drawn(10, 100).contains(&Duration::ZERO));
        assert!(drawn(10, 0).iter().all(|d| *d == ms(10)));
    }
}
