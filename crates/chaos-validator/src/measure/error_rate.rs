//! The share of requests that failed.

use super::{Tally, interval::wilson};
use crate::load::{Class, Counts, Exchange};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The share of requests that failed in a window, 0 to 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ErrorRate {
    /// Bad of good and bad.
    pub share: f64,
    /// What it may be in this run, when each request that was not sent or was cancelled was good, or bad.
    pub bounds: (f64, f64),
    /// The 95 % interval for other runs like this one: Wilson, widened because failures come in bursts. In
    /// one run with one long burst even this is too narrow; only repetitions tell.
    pub interval: (f64, f64),
    /// How many requests were good or bad.
    pub n: u64,
    /// How many of them were bad.
    pub bad: u64,
}

impl ErrorRate {
    /// The error rate of so many; none when nothing counts. `design_effect`: by how much the variance of the share is larger
    /// than that of independent failures.
    pub(crate) fn of(counts: Counts, design_effect: f64) -> Option<Self> {
        let n = counts.done();
        if n == 0 {
            return None;
        }
        let unknown = counts.unsent + counts.cancelled;
        let effective = to_f64(n) / design_effect;
        let value = share(counts.bad, n);
        Some(Self {
            share: value,
            bounds: (
                share(counts.bad, n + unknown),
                share(counts.bad + unknown, n + unknown),
            ),
            interval: wilson(value * effective, effective),
            n,
            bad: counts.bad,
        })
    }
}

/// `part` of `whole`, 0 to 1; 0 of nothing.
pub(crate) fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        to_f64(part) / to_f64(whole)
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts stay below 2^52")]
pub(super) fn to_f64(count: u64) -> f64 {
    count as f64
}

/// `, most often "refused"`; empty without a failure.
pub(crate) fn commonest_failure(exchanges: &[Exchange]) -> String {
    let tally: Tally = exchanges.iter().collect();
    let Some((class, _)) = tally
        .by_class()
        .into_iter()
        .filter(|(class, _)| class.is_bad())
        .max_by_key(|(_, n)| *n)
    else {
        return String::new();
    };
    let status = exchanges
        .iter()
        .rev()
        .find(|e| e.class() == class)
        .and_then(Exchange::status)
        .filter(|_| class == Class::BadStatus);
    match status {
        Some(status) => format!(", most often with status {status}"),
        None => format!(", most often \"{class}\""),
    }
}

/// The time that `n` requests take at `rate` per second; none without a rate.
pub(crate) fn time_of(n: u32, rate: f64) -> Duration {
    if rate > 0.0 {
        Duration::try_from_secs_f64(f64::from(n) / rate).unwrap_or(Duration::MAX)
    } else {
        Duration::ZERO
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(exchanges: &[Exchange]) -> Option<ErrorRate> {
        exchanges.iter().collect::<Tally>().error_rate()
    }

    fn trace(bad: impl Fn(u64) -> bool) -> Vec<Exchange> {
        (0..1000)
            .map(|i| {
                let at = Duration::from_millis(i * 20);
                let class = if bad(i) { Class::Refused } else { Class::Ok };
                Exchange::new(at, at, at, class)
            })
            .collect()
    }

    #[test]
    fn bursts_widen_the_interval_and_not_the_value() {
        let spread = rate(&trace(|i| i % 20 == 0)).unwrap();
        let burst = rate(&trace(|i| i < 50)).unwrap();
        assert_eq!((spread.share, burst.share), (0.05, 0.05));
        let width = |rate: &ErrorRate| rate.interval.1 - rate.interval.0;
        assert!(width(&burst) > 2.0 * width(&spread), "{burst:?} {spread:?}");
    }

    #[test]
    fn what_is_not_known_is_in_the_bounds() {
        let mut exchanges = trace(|i| i < 10);
        for _ in 0..10 {
            let at = Duration::from_secs(30);
            exchanges.push(Exchange::new(at, at, at, Class::Unsent));
        }
        let seen = rate(&exchanges).unwrap();
        assert_eq!((seen.n, seen.share), (1000, 0.01));
        assert_eq!(seen.bounds, (10.0 / 1010.0, 20.0 / 1010.0));
    }

    #[test]
    fn no_traffic_has_no_error_rate() {
        assert_eq!(rate(&[]), None);
    }
}
