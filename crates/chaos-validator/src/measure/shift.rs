//! By how much a quantile of the latency differs between two parts of a run, and how sure that is.

use super::{Part, Ranked, Timing, interval::Z, tally::Blocks};
use crate::load::Exchange;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The quantiles that are compared.
const QUANTILES: [f64; 3] = [0.5, 0.95, 0.99];

/// By how much a quantile of the latency is higher with the fault than before.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Shift {
    /// Which: 0.95 for the p95.
    pub quantile: f64,
    /// Before the fault.
    pub baseline: Timing,
    /// With the fault.
    pub fault: Timing,
    /// The difference in seconds; when `fault` is censored it is at least this.
    pub seconds: f64,
    /// The 95 % interval of the difference in other runs like this one, in seconds; an end is missing when there are too few
    /// requests beyond the quantile to tell, or what is there was given up.
    pub interval: (Option<f64>, Option<f64>),
}

impl Shift {
    /// The quantiles that both parts have.
    pub(crate) fn of(before: Part<'_>, with: Part<'_>, timeout: Duration) -> Vec<Self> {
        let before = Ranked::of(before.iter(), timeout);
        let with = Ranked::of(with.iter(), timeout);
        let (before, with) = (known(&before), known(&with));
        let both = before.into_iter().flatten().zip(with.into_iter().flatten());
        both.zip(QUANTILES)
            .map(|((before, with), quantile)| {
                let less = |a: Timing, b: Timing| a.lower().as_secs_f64() - b.lower().as_secs_f64();
                // The most that it can be is the highest with the fault against the lowest before: never too narrow.
                let between = |high: Option<Timing>, low: Option<Timing>| {
                    let (high, low) = (high?.exact()?, low?.exact()?);
                    Some(high.as_secs_f64() - low.as_secs_f64())
                };
                Self {
                    quantile,
                    baseline: before.value,
                    fault: with.value,
                    seconds: less(with.value, before.value),
                    interval: (
                        between(with.lower, before.upper),
                        between(with.upper, before.lower),
                    ),
                }
            })
            .collect()
    }
}

/// A quantile with its 95 % interval.
#[derive(Debug, Clone, Copy)]
struct Known {
    value: Timing,
    lower: Option<Timing>,
    upper: Option<Timing>,
}

/// The order statistics whose ranks are so far from qn that in 95 % of all samples the true quantile lies between them:
/// qn ± z·√(q(1 − q)n·d) (David and Nagaraja, "Order Statistics", 2003, section 7.1), where d says by how much what is above
/// the quantile comes in bursts.
fn known<'a, I>(ranked: &Ranked<I>) -> Option<[Known; 3]>
where
    I: Iterator<Item = &'a Exchange> + Clone,
{
    let values = ranked.timings(QUANTILES)?;
    let n = super::error_rate::to_f64(ranked.len());
    let limits = values.map(|value| value.exact().unwrap_or(Duration::MAX));
    let mut above = QUANTILES.map(|_| Blocks::default());
    ranked
        .exchanges()
        .filter(|e| e.class().counts())
        .for_each(|exchange| {
            let (second, latency) = (exchange.intended().as_secs(), exchange.latency());
            for (above, limit) in above.iter_mut().zip(limits) {
                above.add(second, exchange.class().is_bad() || latency > limit);
            }
        });
    let half = |at: usize| {
        let q = QUANTILES[at];
        Z * (q * (1.0 - q) * n * above[at].design_effect()).sqrt()
    };
    // Which quantiles the bounds are, where there are requests beyond.
    let share = |rank: f64| (rank > 0.0 && rank <= n).then_some(rank / n);
    let lower = [0, 1, 2].map(|at| share(QUANTILES[at] * n - half(at)));
    let upper = [0, 1, 2].map(|at| share(QUANTILES[at] * n + half(at) + 1.0));
    let [a, b, c] = lower.map(|share| share.unwrap_or(0.0));
    let [d, e, f] = upper.map(|share| share.unwrap_or(1.0));
    let [a, b, c, d, e, f] = ranked.timings([a, b, c, d, e, f])?;
    let (at_lower, at_upper) = ([a, b, c], [d, e, f]);
    Some([0, 1, 2].map(|at| Known {
        value: values[at],
        lower: lower[at].map(|_| at_lower[at]),
        upper: upper[at].map(|_| at_upper[at]),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Class;

    /// xorshift64*.
    struct Random(u64);

    impl Random {
        fn share(&mut self) -> f64 {
            self.0 ^= self.0 >> 12;
            self.0 ^= self.0 << 25;
            self.0 ^= self.0 >> 27;
            (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as f64 / (1_u64 << 53) as f64
        }
    }

    /// 60 s of 100 requests per second with exponential latencies of 20 ms at the mean; `busy` says how many times as much in
    /// a second.
    fn trace(random: &mut Random, mut busy: impl FnMut(&mut Random) -> f64) -> Vec<Exchange> {
        let mut factor = 1.0;
        (0..6000_u64)
            .map(|i| {
                if i % 100 == 0 {
                    factor = busy(random);
                }
                let at = Duration::from_millis(i * 10);
                let latency = -0.02 * factor * (1.0 - random.share()).ln();
                Exchange::new(at, at, at + Duration::from_secs_f64(latency), Class::Ok)
            })
            .collect()
    }

    fn covered(busy: impl Fn(&mut Random) -> f64 + Copy) -> f64 {
        let mut random = Random(7);
        let runs = 200;
        let hits = (0..runs).filter(|_| {
            let (before, with) = (trace(&mut random, busy), trace(&mut random, busy));
            let shifts = Shift::of(Part::whole(&before), Part::whole(&with), Duration::MAX);
            // The truth is that nothing differs.
            let p95 = shifts[1].interval;
            p95.0.is_some_and(|l| l <= 0.0) && p95.1.is_some_and(|u| u >= 0.0)
        });
        hits.count() as f64 / f64::from(runs)
    }

    #[test]
    fn the_interval_holds_the_truth_as_often_as_it_says() {
        assert!(covered(|_| 1.0) >= 0.95);
        // Busy seconds now and then, three times as slow: bursts.
        let bursty = covered(|random| if random.share() < 0.1 { 3.0 } else { 1.0 });
        assert!(bursty >= 0.9, "{bursty}");
    }

    #[test]
    fn a_known_delay_is_found() {
        let mut random = Random(7);
        let before = trace(&mut random, |_| 1.0);
        let delay = Duration::from_millis(200);
        let with: Vec<Exchange> = trace(&mut random, |_| 1.0)
            .iter()
            .map(|e| Exchange::new(e.intended(), e.sent(), e.done() + delay, e.class()))
            .collect();
        for shift in Shift::of(Part::whole(&before), Part::whole(&with), Duration::MAX) {
            let (lower, upper) = (shift.interval.0.unwrap(), shift.interval.1.unwrap());
            assert!(lower <= 0.2 && 0.2 <= upper, "{shift:?}");
            assert!(upper - lower < 0.05, "{shift:?}");
        }
    }

    #[test]
    fn with_too_few_requests_there_is_no_interval() {
        let mut random = Random(7);
        let few = &trace(&mut random, |_| 1.0)[..20];
        let shifts = Shift::of(Part::whole(few), Part::whole(few), Duration::MAX);
        assert_eq!(shifts[2].interval, (None, None));
        assert!(Shift::of(Part::whole(&[]), Part::whole(few), Duration::MAX).is_empty());
    }
}
