//! Latency quantiles in which failures are not lost.

use crate::load::{Class, Counts, Exchange};
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

/// The latencies of exchanges by rank, with the failures behind them: a request that failed has no
/// latency below infinity, however fast it failed.
#[derive(Debug, Clone)]
pub(crate) struct Ranked<I> {
    exchanges: I,
    good: u64,
    failed: u64,
    timeout: Duration,
}

impl<'a, I: Iterator<Item = &'a Exchange> + Clone> Ranked<I> {
    /// Ranks what counts; a failure is known to be no answer within `timeout`.
    pub(crate) fn of(exchanges: I, timeout: Duration) -> Self {
        let (mut good, mut failed) = (0, 0);
        exchanges.clone().for_each(|exchange| {
            good += u64::from(exchange.class().is_good());
            failed += u64::from(exchange.class().is_bad());
        });
        Self {
            exchanges,
            good,
            failed,
            timeout,
        }
    }

    /// Ranks what was counted before.
    pub(crate) fn counted(exchanges: I, counts: Counts, timeout: Duration) -> Self {
        Self {
            exchanges,
            good: counts.good,
            failed: counts.bad,
            timeout,
        }
    }

    /// What is ranked, and what does not count.
    pub(crate) fn exchanges(&self) -> I {
        self.exchanges.clone()
    }

    pub(crate) fn len(&self) -> u64 {
        self.good + self.failed
    }

    /// The order statistics ⌈qn⌉ (definition 1 of Hyndman and Fan, "Sample Quantiles in Statistical
    /// Packages", The American Statistician 50, 1996).
    pub(crate) fn timings<const N: usize>(&self, quantiles: [f64; N]) -> Option<[Timing; N]> {
        match self.len() {
            0 => None,
            n => Some(self.at(quantiles.map(|q| rank(q, n)))),
        }
    }

    /// What is at these ranks, from 0.
    fn at<const N: usize>(&self, ranks: [u64; N]) -> [Timing; N] {
        let good = self.exchanges.clone().filter(|e| e.class().is_good());
        // What is beyond the last good one is not looked for.
        let among_good = ranks.map(|rank| rank.min(self.good.saturating_sub(1)));
        let found = match self.good {
            0 => [0; N],
            _ => select(good.map(Exchange::latency_code), among_good),
        };
        let mut timings = [Timing::AtLeast(self.timeout); N];
        for ((timing, rank), code) in timings.iter_mut().zip(ranks).zip(found) {
            if rank < self.good {
                *timing = Timing::Exactly(Exchange::latency_of_code(code));
            }
        }
        timings
    }

    pub(crate) fn quantile(&self, q: f64) -> Option<Timing> {
        self.timings([q]).map(|[timing]| timing)
    }

    /// The quantiles of all, and those of the good ones alone.
    pub(crate) fn quantiles(&self) -> (Option<Quantiles>, Option<Quantiles>) {
        const QUANTILES: [f64; 5] = [0.5, 0.95, 0.99, 0.999, 1.0];
        let rank_in = |n: u64| QUANTILES.map(|q| if n == 0 { 0 } else { rank(q, n) });
        let ([a, b, c, d, e], [f, g, h, i, j]) = (rank_in(self.len()), rank_in(self.good));
        // In one go: each look at them takes its time.
        let [a, b, c, d, e, f, g, h, i, j] = self.at([a, b, c, d, e, f, g, h, i, j]);
        let named = |[p50, p95, p99, p999, max]: [Timing; 5]| Quantiles {
            p50,
            p95,
            p99,
            p999,
            max,
        };
        (
            (self.len() > 0).then(|| named([a, b, c, d, e])),
            (self.good > 0).then(|| named([f, g, h, i, j])),
        )
    }
}

/// The rank, from 0, of the order statistic ⌈qn⌉.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a rank of less than 2^52"
)]
pub(super) fn rank(q: f64, n: u64) -> u64 {
    // 0.95 * 100 is a little more than 95 in binary.
    (q * n as f64 - 1e-9).ceil().max(1.0) as u64 - 1
}

/// The codes at these ranks, from 0, when all are in ascending order. Exact, and without a copy of them: digit by digit from
/// the top, counting how many have which (a radix selection).
pub(crate) fn select<const N: usize>(
    codes: impl Iterator<Item = u32> + Clone,
    ranks: [u64; N],
) -> [u32; N] {
    /// How far to the right each digit is, and its width.
    const DIGITS: [(u32, u32); 3] = [(21, 11), (10, 11), (0, 10)];
    // What is known of each from the top, and its rank among those of which the same is known.
    let mut found = [0_u32; N];
    let mut ranks = ranks;
    for (shift, width) in DIGITS {
        let mut tops = found.to_vec();
        tops.sort_unstable();
        tops.dedup();
        let mut counts = vec![[0_u64; 1 << 11]; tops.len()];
        codes.clone().for_each(|code| {
            let top = code.checked_shr(shift + width).unwrap_or(0);
            if let Some(at) = tops.iter().position(|t| *t == top) {
                counts[at][(code >> shift) as usize & ((1 << width) - 1)] += 1;
            }
        });
        for (known, rank) in found.iter_mut().zip(&mut ranks) {
            let at = tops.iter().position(|t| t == known).unwrap_or_default();
            let mut digit = 0;
            for n in &counts[at][..1 << width] {
                if *rank < *n {
                    break;
                }
                *rank -= n;
                digit += 1;
            }
            *known = *known << width | digit;
        }
    }
    found
}

/// How late the generator was at these quantiles; of nothing, not at all.
pub(crate) fn lateness<'a, const N: usize>(
    exchanges: impl Iterator<Item = &'a Exchange> + Clone,
    quantiles: [f64; N],
) -> [Duration; N] {
    let sent = exchanges.filter(|e| e.class() != Class::Cancelled);
    match sent.clone().count() as u64 {
        0 => [Duration::ZERO; N],
        n => {
            let ranks = quantiles.map(|q| rank(q, n));
            select(sent.map(Exchange::late_code), ranks).map(Exchange::late_of_code)
        }
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
    /// 99.9 % were faster.
    pub p999: Timing,
    /// The slowest.
    pub max: Timing,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn exchange(seq: u64, latency_ms: u64, class: Class) -> Exchange {
        let at = Duration::from_millis(seq);
        Exchange::new(at, at, at + Duration::from_millis(latency_ms), class)
    }

    #[test]
    fn quantiles_are_order_statistics() {
        let exchanges: Vec<_> = (1..=100).map(|i| exchange(i, i, Class::Ok)).collect();
        let quantiles = Ranked::of(exchanges.iter(), Duration::from_secs(1))
            .quantiles()
            .0
            .unwrap();
        let ms = |ms| Timing::Exactly(Duration::from_millis(ms));
        assert_eq!(quantiles.p50, ms(50));
        assert_eq!(quantiles.p95, ms(95));
        assert_eq!(quantiles.p99, ms(99));
        assert_eq!(quantiles.max, ms(100));
    }

    /// Normal answers and time-outs are far apart, and a sketch that interpolates between them invents latencies that nobody
    /// had.
    #[test]
    fn a_quantile_at_the_edge_of_two_modes_is_one_that_was_seen() {
        let exchanges: Vec<_> = (0..10_000)
            .map(|i| match i % 1000 {
                0 => exchange(i, 1_900, Class::Ok),
                i => exchange(i, 1 + i % 3, Class::Ok),
            })
            .collect();
        let p999 = Ranked::of(exchanges.iter(), Duration::from_secs(2)).quantile(0.999);
        assert_eq!(p999, Some(Timing::Exactly(Duration::from_millis(3))));
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
        let ranked = Ranked::of(exchanges.iter(), Duration::from_secs(2));
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
            Ranked::of(exchanges.iter(), Duration::from_secs(1)).quantiles(),
            (None, None)
        );
    }

    proptest! {
        #[test]
        fn what_is_selected_is_what_a_sort_finds(
            mut codes in prop::collection::vec(any::<u32>(), 1..300),
            near in prop::collection::vec(0_u32..3000, 0..300),
            at in prop::array::uniform4(0.0_f64..1.0),
        ) {
            codes.extend(near);
            let ranks = at.map(|q| rank(q, codes.len() as u64));
            let found = select(codes.iter().copied(), ranks);
            codes.sort_unstable();
            prop_assert_eq!(found, ranks.map(|rank| codes[rank as usize]));
        }
    }
}
