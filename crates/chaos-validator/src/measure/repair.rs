//! How long it took to recover from outages.

use super::{Outage, Timing, error_rate::to_f64, interval::student, survival::restricted_mean};
use chaos_core::seconds;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// With fewer outages than this a mean says nothing, and the longest is judged: if each one is short enough
/// so is their mean. (Davidovič, "Incident Metrics in SRE", 2021.)
const MEAN_FROM: usize = 3;

/// From this many outages on an interval of the mean is narrow enough to say anything.
const INTERVAL_FROM: usize = 5;

/// How long it took to recover from the outages of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Repair {
    /// The mean (MTTR). With an outage that is still open: what it is at least.
    pub mean: Timing,
    /// The longest.
    pub longest: Timing,
    /// The mean up to the longest that was watched, by Kaplan and Meier: what is to be made of outages some of which are still
    /// open.
    #[serde(default, with = "seconds::option")]
    pub restricted_mean: Option<Duration>,
    /// What is judged: the longest of one or two, the mean of more.
    pub judged: Timing,
    /// What the judged time is at least.
    #[serde(with = "seconds")]
    pub lower: Duration,
    /// What it is at most; none with an outage that is still open.
    #[serde(with = "seconds::option")]
    pub upper: Option<Duration>,
    /// The 95 % interval of the mean in other runs like this one; only with five outages or more, all of which are over. Their
    /// lengths are taken for lognormal.
    #[serde(default)]
    pub interval: Option<MeanInterval>,
    /// How many outages there were.
    pub outages: usize,
}

/// What a mean time may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MeanInterval {
    /// At least.
    #[serde(with = "seconds")]
    pub lower: Duration,
    /// At most.
    #[serde(with = "seconds")]
    pub upper: Duration,
}

impl Repair {
    /// None without an outage.
    pub(crate) fn of(outages: &[&Outage]) -> Option<Self> {
        if outages.is_empty() {
            return None;
        }
        let open = outages.iter().any(|o| o.recovered.is_none());
        let timing = |time| {
            if open {
                Timing::AtLeast(time)
            } else {
                Timing::Exactly(time)
            }
        };
        let lengths = || outages.iter().map(|o| o.length().lower());
        let bounds = || outages.iter().map(|o| o.length_bounds());
        let mean = timing(average(lengths()));
        let longest = timing(lengths().max().unwrap_or_default());
        let uppers: Option<Vec<Duration>> = bounds().map(|b| b.1).collect();
        let few = outages.len() < MEAN_FROM;
        Some(Self {
            mean,
            longest,
            restricted_mean: restricted_mean(outages),
            judged: if few { longest } else { mean },
            lower: if few {
                bounds().map(|b| b.0).max().unwrap_or_default()
            } else {
                average(bounds().map(|b| b.0))
            },
            upper: uppers.map(|uppers| {
                if few {
                    uppers.into_iter().max().unwrap_or_default()
                } else {
                    average(uppers.into_iter())
                }
            }),
            interval: if open { None } else { interval(lengths()) },
            outages: outages.len(),
        })
    }
}

/// The 95 % interval of the mean of a lognormal time by Cox's method, with Student's quantile for the normal one (Olsson,
/// "Confidence Intervals for the Mean of a Log-Normal Distribution", Journal of Statistics Education 13, 2005).
fn interval(times: impl Iterator<Item = Duration>) -> Option<MeanInterval> {
    let logs: Vec<f64> = times
        .map(|time| time.as_secs_f64().ln())
        .filter(|log| log.is_finite())
        .collect();
    if logs.len() < INTERVAL_FROM {
        return None;
    }
    let n = to_f64(logs.len() as u64);
    let mean = logs.iter().sum::<f64>() / n;
    let variance = logs.iter().map(|log| (log - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let half = student(n - 1.0) * (variance / n + variance.powi(2) / (2.0 * (n - 1.0))).sqrt();
    let centre = mean + variance / 2.0;
    let end = |log: f64| Duration::try_from_secs_f64(log.exp()).ok();
    Some(MeanInterval {
        lower: end(centre - half)?,
        upper: end(centre + half)?,
    })
}

fn average(times: impl Iterator<Item = Duration>) -> Duration {
    let (sum, n) = times.fold((Duration::ZERO, 0), |(sum, n), t| (sum + t, n + 1));
    sum / n.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outage(failed: u64, recovered: Option<u64>) -> Outage {
        let s = Duration::from_secs;
        Outage {
            failed: s(failed),
            failed_earliest: s(failed),
            detected: s(failed),
            recovered: recovered.map(s),
            recovered_earliest: recovered.map(s),
            watched_until: s(100),
            segments: 1,
        }
    }

    #[test]
    fn the_longest_of_two_is_judged_and_the_mean_of_three() {
        let outages = [
            outage(0, Some(2)),
            outage(10, Some(16)),
            outage(20, Some(21)),
        ];
        let two = Repair::of(&[&outages[0], &outages[1]]).unwrap();
        assert_eq!(two.judged, Timing::Exactly(Duration::from_secs(6)));
        let three = Repair::of(&[&outages[0], &outages[1], &outages[2]]).unwrap();
        assert_eq!(three.judged, Timing::Exactly(Duration::from_secs(3)));
        assert_eq!(Repair::of(&[]), None);
    }

    #[test]
    fn five_outages_that_are_over_have_an_interval() {
        let outages: Vec<Outage> = [2, 3, 4, 5, 7].map(|t| outage(0, Some(t))).into();
        let refs: Vec<&Outage> = outages.iter().collect();
        let interval = Repair::of(&refs).unwrap().interval.unwrap();
        // With Student's 2.776: exp(1.4615 ± 2.776 · 0.2292).
        assert!(
            (interval.lower.as_secs_f64() - 2.283).abs() < 0.01,
            "{interval:?}"
        );
        assert!(
            (interval.upper.as_secs_f64() - 8.147).abs() < 0.02,
            "{interval:?}"
        );
        assert_eq!(Repair::of(&refs[..4]).unwrap().interval, None);
        let open = outage(10, None);
        let refs: Vec<&Outage> = refs.into_iter().chain([&open]).collect();
        assert_eq!(Repair::of(&refs).unwrap().interval, None);
    }

    #[test]
    fn an_open_outage_is_never_left_out_of_the_mean() {
        let outages = [outage(0, Some(1)), outage(10, None)];
        let repair = Repair::of(&[&outages[0], &outages[1]]).unwrap();
        assert_eq!(repair.judged, Timing::AtLeast(Duration::from_secs(90)));
        assert_eq!(
            (repair.lower, repair.upper),
            (Duration::from_secs(90), None)
        );
    }
}
