//! How long it took to recover from outages.

use super::{Outage, Timing, survival::restricted_mean};
use chaos_core::seconds;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// With fewer outages than this a mean says nothing, and the longest is judged: if each one is short enough
/// so is their mean. (Davidovič, "Incident Metrics in SRE", 2021.)
const MEAN_FROM: usize = 3;

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
    /// How many outages there were.
    pub outages: usize,
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
            outages: outages.len(),
        })
    }
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
