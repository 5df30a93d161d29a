//! Latency quantiles in which failures are not lost.

use crate::load::Exchange;
use chaos_core::seconds;
use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};

/// The quantile whose degradation is judged.
pub(crate) const DEGRADATION_QUANTILE: f64 = 0.95;

/// A time that was measured, or that was given up waiting for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Timing {
    /// So many seconds.
    Exactly(#[serde(with = "seconds")] Duration),
    /// So many seconds or more: it was not over when the watching ended (censored).
    AtLeast(#[serde(with = "seconds")] Duration),
}

impl Timing {
    /// The measured time, or what it is at least.
    pub const fn lower(self) -> Duration {
        match self {
            Self::Exactly(time) | Self::AtLeast(time) => time,
        }
    }

    /// The measured time, if it was.
    pub const fn exact(self) -> Option<Duration> {
        match self {
            Self::Exactly(time) => Some(time),
            Self::AtLeast(_) => None,
        }
    }
}

impl fmt::Display for Timing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(time) => write!(f, "{}", crate::report::Short(*time)),
            Self::AtLeast(time) => write!(f, "≥{}", crate::report::Short(*time)),
        }
    }
}

/// Latencies in ascending order, with the number of failures behind them: a request that failed has no
/// latency below infinity, however fast it failed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ranked {
    good: Vec<Duration>,
    failed: usize,
    timeout: Duration,
}

impl Ranked {
    /// Ranks what counts; a failure is known to be no answer within `timeout`.
    pub(crate) fn of(exchanges: &[Exchange], timeout: Duration) -> Self {
        let mut good: Vec<Duration> = exchanges
            .iter()
            .filter(|e| e.class().is_good())
            .map(Exchange::latency)
            .collect();
        good.sort_unstable();
        let failed = exchanges.iter().filter(|e| e.class().is_bad()).count();
        Self {
            good,
            failed,
            timeout,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.good.len() + self.failed
    }

    /// The order statistic ⌈qn⌉ (definition 1 of Hyndman and Fan, "Sample Quantiles in Statistical
    /// Packages", The American Statistician 50, 1996).
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a rank of a vector"
    )]
    pub(crate) fn quantile(&self, q: f64) -> Option<Timing> {
        let n = self.len();
        if n == 0 {
            return None;
        }
        // 0.95 * 100 is a little more than 95 in binary.
        let rank = (q * n as f64 - 1e-9).ceil().max(1.0) as usize;
        Some(match self.good.get(rank - 1) {
            Some(latency) => Timing::Exactly(*latency),
            None => Timing::AtLeast(self.timeout),
        })
    }

    /// The fastest.
    pub(crate) fn first(&self) -> Option<Timing> {
        self.quantile(0.0)
    }

    /// The slowest.
    pub(crate) fn last(&self) -> Option<Timing> {
        self.quantile(1.0)
    }

    pub(crate) fn quantiles(&self) -> Option<Quantiles> {
        Some(Quantiles {
            p50: self.quantile(0.5)?,
            p95: self.quantile(0.95)?,
            p99: self.quantile(0.99)?,
            max: self.last()?,
        })
    }
}

/// Some quantiles of the latency, with failures as infinitely slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Quantiles {
    /// Half were faster.
    pub p50: Timing,
    /// 95 % were faster.
    pub p95: Timing,
    /// 99 % were faster.
    pub p99: Timing,
    /// The slowest.
    pub max: Timing,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Class;

    fn exchange(seq: u64, latency_ms: u64, class: Class) -> Exchange {
        let at = Duration::from_millis(seq);
        Exchange::new(seq, at, at, at + Duration::from_millis(latency_ms), class)
    }

    #[test]
    fn quantiles_are_order_statistics() {
        let exchanges: Vec<_> = (1..=100).map(|i| exchange(i, i, Class::Ok)).collect();
        let quantiles = Ranked::of(&exchanges, Duration::from_secs(1))
            .quantiles()
            .unwrap();
        let ms = |ms| Timing::Exactly(Duration::from_millis(ms));
        assert_eq!(quantiles.p50, ms(50));
        assert_eq!(quantiles.p95, ms(95));
        assert_eq!(quantiles.p99, ms(99));
        assert_eq!(quantiles.max, ms(100));
    }

    #[test]
    fn fast_failures_are_slow_answers() {
        // 10 % refused within a tenth of a millisecond must not make the p95 better.
        let exchanges: Vec<_> = (0..100)
            .map(|i| match i % 10 {
                0 => exchange(i, 0, Class::Refused),
                _ => exchange(i, 20, Class::Ok),
            })
            .collect();
        let ranked = Ranked::of(&exchanges, Duration::from_secs(2));
        assert_eq!(
            ranked.quantile(0.95),
            Some(Timing::AtLeast(Duration::from_secs(2)))
        );
    }

    #[test]
    fn instrument_faults_have_no_latency() {
        let exchanges = [
            exchange(0, 5, Class::Unsent),
            exchange(1, 5, Class::Cancelled),
        ];
        assert_eq!(
            Ranked::of(&exchanges, Duration::from_secs(1)).quantiles(),
            None
        );
    }
}
