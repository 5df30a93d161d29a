//! How long outages last, when some of them were not seen to end.

use super::Outage;
use std::time::Duration;

/// The mean length of outages up to the longest that was watched, by the estimate of Kaplan and Meier ("Nonparametric
/// Estimation from Incomplete Observations", JASA 53, 1958): an outage that was not seen to end counts for as long as it was
/// watched, and not as if it had ended then. None of nothing.
pub(crate) fn restricted_mean(outages: &[&Outage]) -> Option<Duration> {
    let mut lengths: Vec<(Duration, bool)> = outages
        .iter()
        .map(|o| (o.length().lower(), o.recovered.is_some()))
        .collect();
    // Of two that are as long, the one that ended did so first.
    lengths.sort_by_key(|(length, ended)| (*length, !ended));
    let mut surviving = 1.0;
    let mut before = Duration::ZERO;
    let mut area = 0.0;
    for (i, (length, ended)) in lengths.iter().enumerate() {
        area += surviving * (*length - before).as_secs_f64();
        before = *length;
        if *ended {
            #[expect(clippy::cast_precision_loss, reason = "a few outages")]
            let at_risk = (lengths.len() - i) as f64;
            surviving *= 1.0 - 1.0 / at_risk;
        }
    }
    (!lengths.is_empty()).then(|| Duration::try_from_secs_f64(area).unwrap_or(Duration::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(lengths: &[(u64, bool)]) -> f64 {
        let s = Duration::from_secs;
        let outages: Vec<Outage> = lengths
            .iter()
            .map(|(length, ended)| Outage {
                failed: s(0),
                failed_earliest: s(0),
                detected: s(0),
                recovered: ended.then(|| s(*length)),
                recovered_earliest: ended.then(|| s(*length)),
                watched_until: s(*length),
                segments: 1,
            })
            .collect();
        let mean = restricted_mean(&outages.iter().collect::<Vec<_>>());
        mean.unwrap_or_default().as_secs_f64()
    }

    #[test]
    fn without_censoring_it_is_the_mean() {
        assert!((mean(&[(1, true), (2, true), (6, true)]) - 3.0).abs() < 1e-9);
        assert_eq!(restricted_mean(&[]), None);
    }

    /// By hand: S is 1 to 1 s, 3/4 to 3 s (the one of 2 s is lost from the risk), then 3/8 to 4 s.
    #[test]
    fn what_did_not_end_makes_it_longer() {
        let censored = mean(&[(1, true), (2, false), (3, true), (4, false)]);
        assert!(
            (censored - (1.0 + 0.75 * 2.0 + 0.375)).abs() < 1e-9,
            "{censored}"
        );
        assert!(censored > mean(&[(1, true), (2, true), (3, true), (4, true)]));
    }
}
