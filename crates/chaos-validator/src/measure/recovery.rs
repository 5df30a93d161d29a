//! What is normal, and when it is normal again.

use super::{
    error_rate::{share, time_of},
    quantile::{Ranked, Timing},
};
use crate::load::Exchange;
use chaos_core::Verdict;
use std::time::Duration;

/// How much slower than in the baseline is still normal.
const SLOWER: f64 = 1.2;
/// Below this, nobody calls a difference of latencies a change.
const FLOOR: Duration = Duration::from_millis(5);
/// The share of failures that is always normal.
const BAD: f64 = 0.01;

/// What was normal in the baseline, as limits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Norm {
    bad: f64,
    p50: Duration,
    p95: Duration,
}

impl Norm {
    /// The limits that a baseline sets: its share of failures or 1 %, and its p50 and p95 times 1.2 plus the
    /// noise. That is what its halves differ by, or its p99 and p95 when that is more, at least 5 ms.
    pub(crate) fn of<'a>(baseline: impl Iterator<Item = &'a Exchange> + Clone) -> Self {
        let ranked = Ranked::of(baseline.clone(), Duration::MAX);
        let [p50, p95, p99] = match ranked.timings([0.5, 0.95, 0.99]) {
            Some(timings) => timings.map(Timing::exact),
            None => [None; 3],
        };
        // On a busy machine its tail is the only trace of its hiccups in a short baseline.
        let tail = p99.zip(p95).map_or(Duration::ZERO, |(p99, p95)| p99 - p95);
        let noise = noise(baseline.clone()).max(tail).max(FLOOR);
        let limit = |time: Option<Duration>| {
            time.map_or(Duration::MAX, |time| time.mul_f64(SLOWER) + noise)
        };
        let bad = baseline.filter(|e| e.class().is_bad()).count();
        Self {
            bad: share(bad as u64, ranked.len()).max(BAD),
            p50: limit(p50),
            p95: limit(p95),
        }
    }

    /// Whether the exchanges of a hold window are normal.
    pub(crate) fn judge(&self, window: &[Exchange], hold: Hold) -> Verdict {
        let mut tally = Tally::default();
        for exchange in window {
            tally.count(self, exchange, 1);
        }
        tally.verdict(self, hold)
    }

    /// The end of the first hold window after `removed` that is normal, and whether it is the first of all.
    /// `exchanges` are sorted by intended time.
    fn first_steady(&self, exchanges: &[Exchange], removed: Duration, hold: Hold) -> Option<Found> {
        let mut tally = Tally::default();
        let mut start = 0;
        let mut first = true;
        for exchange in exchanges {
            tally.count(self, exchange, 1);
            if !exchange.class().counts() {
                continue;
            }
            let Some(from) = exchange.intended().checked_sub(hold.length) else {
                continue;
            };
            if from < removed {
                continue;
            }
            while exchanges[start].intended() <= from {
                tally.count(self, &exchanges[start], -1);
                start += 1;
            }
            if tally.verdict(self, hold).is_held() {
                return Some(Found { from, first });
            }
            first = false;
        }
        None
    }

    /// The time from the removal of the fault until the target was normal, and stayed so for the hold.
    pub(crate) fn recovery(
        &self,
        exchanges: &[Exchange],
        removed: Duration,
        end: Duration,
        hold: Hold,
    ) -> Timing {
        match self.first_steady(exchanges, removed, hold) {
            // It never left the normal, as far as the time between two requests can tell.
            Some(Found { first: true, .. }) => Timing::Exactly(Duration::ZERO),
            Some(Found { from, .. }) => Timing::Exactly(from - removed),
            None => Timing::AtLeast(end.saturating_sub(removed)),
        }
    }
}

struct Found {
    from: Duration,
    first: bool,
}

/// The difference of the p95 of the two halves of a baseline: what a difference is without a cause (A/A).
pub(crate) fn noise<'a>(baseline: impl Iterator<Item = &'a Exchange> + Clone) -> Duration {
    let half = baseline.clone().count() / 2;
    let first = Ranked::of(baseline.clone().take(half), Duration::MAX).quantile(0.95);
    let second = Ranked::of(baseline.skip(half), Duration::MAX).quantile(0.95);
    match (first, second) {
        (Some(Timing::Exactly(a)), Some(Timing::Exactly(b))) => a.abs_diff(b),
        _ => Duration::ZERO,
    }
}

/// For how long the normal must hold to be believed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hold {
    length: Duration,
    least: i64,
}

impl Hold {
    /// 1 s, or as long as 10 requests take, but at most 10 s.
    pub(crate) fn at(rate: f64) -> Self {
        Self::new(
            time_of(10, rate).clamp(Duration::from_secs(1), Duration::from_secs(10)),
            rate,
        )
    }

    /// So long; with fewer than 80 % of the planned requests it does not count.
    #[expect(clippy::cast_possible_truncation, reason = "a count of requests")]
    pub(crate) fn new(length: Duration, rate: f64) -> Self {
        Self {
            length,
            least: (length.as_secs_f64() * rate * 0.8).floor().max(1.0) as i64,
        }
    }

    pub(crate) fn length(self) -> Duration {
        self.length
    }

    /// The newest hold window of settled exchanges that starts after `removed`.
    pub(crate) fn newest(self, settled: &[Exchange], removed: Duration) -> Option<&[Exchange]> {
        let last = settled.iter().rposition(|e| e.class().counts())?;
        let from = settled[last].intended().checked_sub(self.length)?;
        if from < removed {
            return None;
        }
        let start = settled.partition_point(|e| e.intended() <= from);
        Some(&settled[start..=last])
    }
}

/// What is in a window. A quantile is under its limit exactly if few enough are over it, so no sorting.
#[derive(Debug, Default)]
struct Tally {
    n: i64,
    bad: i64,
    over_p50: i64,
    over_p95: i64,
}

impl Tally {
    fn count(&mut self, norm: &Norm, exchange: &Exchange, by: i64) {
        if !exchange.class().counts() {
            return;
        }
        let bad = exchange.class().is_bad();
        let over = |limit| bad || exchange.latency() > limit;
        self.n += by;
        self.bad += by * i64::from(bad);
        self.over_p50 += by * i64::from(over(norm.p50));
        self.over_p95 += by * i64::from(over(norm.p95));
    }

    #[expect(clippy::cast_sign_loss, reason = "what was counted out was counted in")]
    fn verdict(&self, norm: &Norm, hold: Hold) -> Verdict {
        let part = |count: i64| share(count as u64, self.n as u64);
        if self.n < hold.least {
            Verdict::unknown(format!(
                "only {} of {} requests in the last {:?}",
                self.n, hold.least, hold.length
            ))
        } else if part(self.bad) > norm.bad {
            Verdict::deviated(format!(
                "{:.1} % of the requests of the last {:?} failed, normal is {:.1} %",
                part(self.bad) * 100.0,
                hold.length,
                norm.bad * 100.0
            ))
        } else if part(self.over_p95) > 0.05 || part(self.over_p50) > 0.5 {
            Verdict::deviated(format!(
                "requests of the last {:?} are slower than in the baseline",
                hold.length
            ))
        } else {
            Verdict::Held
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Class;

    const RATE: f64 = 50.0;

    /// 50 requests per second from `from` to `to` seconds; `shape` says latency in ms and class.
    fn trace(from: u64, to: u64, shape: impl Fn(Duration) -> (u64, Class)) -> Vec<Exchange> {
        (from * 50..to * 50)
            .map(|i| {
                let at = Duration::from_millis(i * 20);
                let (latency, class) = shape(at);
                Exchange::new(at, at, at + Duration::from_millis(latency), class)
            })
            .collect()
    }

    fn recovery(shape: impl Fn(Duration) -> (u64, Class)) -> Timing {
        let norm = Norm::of(trace(0, 5, |_| (10, Class::Ok)).iter());
        let after = trace(10, 20, shape);
        norm.recovery(
            &after,
            Duration::from_secs(10),
            Duration::from_secs(20),
            Hold::at(RATE),
        )
    }

    #[test]
    fn recovery_ends_where_the_normal_starts_not_where_it_is_believed() {
        let slow_until = |until: u64| {
            move |at: Duration| {
                if at < Duration::from_millis(until) {
                    (500, Class::Ok)
                } else {
                    (10, Class::Ok)
                }
            }
        };
        assert_eq!(recovery(slow_until(0)), Timing::Exactly(Duration::ZERO));
        // 5 % of 50 requests may be slow, so two of them are in the first normal window.
        let found = recovery(slow_until(12_500)).exact().unwrap();
        assert!(
            found.abs_diff(Duration::from_millis(2_500)) <= Duration::from_millis(60),
            "{found:?}"
        );
        assert_eq!(
            recovery(slow_until(20_000)),
            Timing::AtLeast(Duration::from_secs(10))
        );
    }

    #[test]
    fn failures_are_not_normal_however_fast() {
        let refused = recovery(|at| match at < Duration::from_secs(13) {
            true => (0, Class::Refused),
            false => (10, Class::Ok),
        });
        let found = refused.exact().unwrap();
        assert!(
            found.abs_diff(Duration::from_secs(3)) <= Duration::from_millis(40),
            "{found:?}"
        );
    }

    #[test]
    fn silence_is_not_normal() {
        let norm = Norm::of(trace(0, 5, |_| (10, Class::Ok)).iter());
        let hold = Hold::at(RATE);
        let few: Vec<_> = trace(10, 20, |_| (10, Class::Ok))
            .into_iter()
            .step_by(5)
            .collect();
        assert!(
            !norm
                .judge(hold.newest(&few, Duration::from_secs(10)).unwrap(), hold)
                .is_held()
        );
        assert_eq!(
            norm.recovery(&few, Duration::from_secs(10), Duration::from_secs(20), hold),
            Timing::AtLeast(Duration::from_secs(10))
        );
    }

    #[test]
    fn what_was_steady_live_is_steady_in_the_report() {
        let norm = Norm::of(trace(0, 5, |_| (10, Class::Ok)).iter());
        let removed = Duration::from_secs(10);
        let hold = Hold::at(RATE);
        let after = trace(10, 20, |at| match at < Duration::from_millis(11_730) {
            true => (0, Class::Reset),
            false => (10, Class::Ok),
        });
        let live = (1..=after.len())
            .find(|n| {
                hold.newest(&after[..*n], removed)
                    .is_some_and(|window| norm.judge(window, hold).is_held())
            })
            .unwrap();
        let timing = norm.recovery(&after[..live], removed, Duration::from_secs(20), hold);
        assert!(timing.exact().is_some(), "{timing:?}");
    }
}
