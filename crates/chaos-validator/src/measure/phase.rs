//! The numbers of one part of a run.

use super::{
    Availability, ErrorRate, Outage, Part, Quantiles, Tally, quantile::Ranked, window::Window,
};
use crate::load::{Class, Counts, Recording};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, time::Duration};

/// The numbers of one part of a run: of the requests that were meant to be sent in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PhaseMetrics {
    /// From when to when.
    pub window: Window,
    /// How many requests there were.
    pub counts: Counts,
    /// How they ended.
    pub classes: BTreeMap<Class, u64>,
    /// Which statuses the bad answers had.
    #[serde(default)]
    pub statuses: BTreeMap<u16, u64>,
    /// The share that failed; none without traffic.
    pub error_rate: Option<ErrorRate>,
    /// The latency from the intended send time, with failures as infinitely slow.
    pub latency: Option<Quantiles>,
    /// The latency of the good ones only: how slow it was for those who got an answer.
    pub good_latency: Option<Quantiles>,
    /// The share of time in which the target was up.
    pub availability: Option<Availability>,
    /// Requests per second that were meant to be sent.
    pub offered_per_second: f64,
    /// Good answers per second.
    pub good_per_second: f64,
}

impl PhaseMetrics {
    /// The numbers of what was seen.
    pub(crate) fn of(
        seen: Part<'_>,
        recording: &Recording,
        outages: &[Outage],
        window: Window,
    ) -> Self {
        let tally: Tally = seen.iter().collect();
        let counts = tally.counts();
        let ranked = Ranked::counted(seen.iter(), counts, recording.timeout());
        let (latency, good_latency) = ranked.quantiles();
        Self {
            window,
            counts,
            classes: tally.by_class(),
            statuses: tally.by_status(),
            error_rate: tally.error_rate(),
            latency,
            good_latency,
            availability: Availability::of(seen, counts, recording.rate(), outages, window),
            offered_per_second: per_second(counts.planned, window.length()),
            good_per_second: per_second(counts.good, window.length()),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts stay below 2^52")]
fn per_second(count: u64, length: Duration) -> f64 {
    if length.is_zero() {
        0.0
    } else {
        count as f64 / length.as_secs_f64()
    }
}
