//! By how much a quantile of the latency differs between two parts of a run, and how sure that is.

use super::{Part, Ranked, Timing, interval::Z, tally::Blocks};
use crate::load::Exchange;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The quantiles that are compared.
const QUANTILES: [f64; 4] = [0.5, 0.95, 0.99, 0.999];

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
fn known<'a, I>(ranked: &Ranked<I>) -> Option<[Known; 4]>
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
    let lower = [0, 1, 2, 3].map(|at| share(QUANTILES[at] * n - half(at)));
    let upper = [0, 1, 2, 3].map(|at| share(QUANTILES[at] * n + half(at) + 1.0));
    let [a, b, c, d] = lower.map(|share| share.unwrap_or(0.0));
    let [e, f, g, h] = upper.map(|share| share.unwrap_or(1.0));
    let [a, b, c, d, e, f, g, h] = ranked.timings([a, b, c, d, e, f, g, h])?;
    let (at_lower, at_upper) = ([a, b, c, d], [e, f, g, h]);
    Some([0, 1, 2, 3].map(|at| Known {
        value: values[at],
        lower: lower[at].map(|_| at_lower[at]),
        upper: upper[at].map(|_| at_upper[at]),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Class;
    use chaos_core::Seed;
    use rand::RngExt;

    /// 60 s of 100 requests per second with exponential latencies of 20 ms at the mean.
    fn trace() -> Vec<Exchange> {
        let mut random = Seed::new(7).rng();
        (0..6000_u64)
            .map(|i| {
                let at = Duration::from_millis(i * 10);
                let latency = -0.02 * (1.0 - random.random::<f64>()).ln();
                Exchange::new(at, at, at + Duration::from_secs_f64(latency), Class::Ok)
            })
            .collect()
    }

    #[test]
    fn a_known_delay_is_found() {
        let before = trace();
        let delay = Duration::from_millis(200);
        let with: Vec<Exchange> = trace()
            .iter()
            .map(|e| Exchange::new(e.intended(), e.sent(), e.done() + delay, e.class()))
            .collect();
        let shifts = Shift::of(Part::whole(&before), Part::whole(&with), Duration::MAX);
        // Six thousand requests have too few beyond the p99.9.
        assert_eq!(shifts[3].interval.1, None);
        for shift in &shifts[..3] {
            let (lower, upper) = (shift.interval.0.unwrap(), shift.interval.1.unwrap());
            assert!(lower <= 0.2 && 0.2 <= upper, "{shift:?}");
            assert!(upper - lower < 0.05, "{shift:?}");
        }
    }

    #[test]
    fn with_too_few_requests_there_is_no_interval() {
        let few = &trace()[..20];
        let shifts = Shift::of(Part::whole(few), Part::whole(few), Duration::MAX);
        assert_eq!(shifts[2].interval, (None, None));
        assert!(Shift::of(Part::whole(&[]), Part::whole(few), Duration::MAX).is_empty());
    }
}
