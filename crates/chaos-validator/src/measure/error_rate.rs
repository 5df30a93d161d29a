//! The share of requests that failed.

use super::interval::wilson;
use crate::load::{Class, Counts, Exchange};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, time::Duration};

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
    /// The error rate of `exchanges`; none when nothing counts.
    pub(crate) fn of(exchanges: &[Exchange]) -> Option<Self> {
        let counts: Counts = exchanges.iter().collect();
        let n = counts.done();
        if n == 0 {
            return None;
        }
        let unknown = counts.unsent + counts.cancelled;
        let effective = to_f64(n) / design_effect(exchanges);
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

/// By how much bursts make the variance of the share larger than independent failures would: the variance
/// of 1 s blocks against p(1 − p)/m (Kish, "Survey Sampling", 1965, design effect of cluster samples).
fn design_effect(exchanges: &[Exchange]) -> f64 {
    let mut blocks: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
    for exchange in exchanges.iter().filter(|e| e.class().counts()) {
        let (bad, n) = blocks.entry(exchange.intended().as_secs()).or_default();
        *bad += u64::from(exchange.class().is_bad());
        *n += 1;
    }
    let bad: u64 = blocks.values().map(|b| b.0).sum();
    let n: u64 = blocks.values().map(|b| b.1).sum();
    let p = share(bad, n);
    if blocks.len() < 2 || bad == 0 || bad == n {
        return 1.0;
    }
    let k = to_f64(blocks.len() as u64);
    let per_block = to_f64(n) / k;
    let variance = blocks
        .values()
        .map(|(bad, n)| (share(*bad, *n) - p).powi(2))
        .sum::<f64>()
        / (k - 1.0);
    (variance / (p * (1.0 - p) / per_block)).max(1.0)
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
fn to_f64(count: u64) -> f64 {
    count as f64
}

/// How many exchanges ended in each way.
pub(crate) fn by_class(exchanges: &[Exchange]) -> BTreeMap<Class, u64> {
    let mut classes = BTreeMap::new();
    for exchange in exchanges {
        *classes.entry(exchange.class()).or_default() += 1;
    }
    classes
}

/// `, most often "refused"`; empty without a failure.
pub(crate) fn commonest_failure(exchanges: &[Exchange]) -> String {
    let Some((class, _)) = by_class(exchanges)
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

    fn trace(bad: impl Fn(u64) -> bool) -> Vec<Exchange> {
        (0..1000)
            .map(|i| {
                let at = Duration::from_millis(i * 20);
                let class = if bad(i) { Class::Refused } else { Class::Ok };
                Exchange::new(i, at, at, at, class)
            })
            .collect()
    }

    #[test]
    fn bursts_widen_the_interval_and_not_the_value() {
        let spread = ErrorRate::of(&trace(|i| i % 20 == 0)).unwrap();
        let burst = ErrorRate::of(&trace(|i| i < 50)).unwrap();
        assert_eq!((spread.share, burst.share), (0.05, 0.05));
        let width = |rate: &ErrorRate| rate.interval.1 - rate.interval.0;
        assert!(width(&burst) > 2.0 * width(&spread), "{burst:?} {spread:?}");
    }

    #[test]
    fn what_is_not_known_is_in_the_bounds() {
        let mut exchanges = trace(|i| i < 10);
        for i in 0..10 {
            let at = Duration::from_secs(30);
            exchanges.push(Exchange::new(1000 + i, at, at, at, Class::Unsent));
        }
        let rate = ErrorRate::of(&exchanges).unwrap();
        assert_eq!((rate.n, rate.share), (1000, 0.01));
        assert_eq!(rate.bounds, (10.0 / 1010.0, 20.0 / 1010.0));
    }

    #[test]
    fn no_traffic_has_no_error_rate() {
        assert_eq!(ErrorRate::of(&[]), None);
    }
}
