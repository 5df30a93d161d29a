//! What of a fault could be noticed, and when.

use super::{Outage, Windows};
use chaos_core::{Run, seconds};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// When the target failed, when that could be known, and what was left of it after the fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Detection {
    /// From the moment the fault was seen in place to the first request that failed.
    #[serde(with = "seconds")]
    pub fault_to_failure: Duration,
    /// From the first request that failed to the moment when the requests could tell that the target was out (TTD).
    #[serde(with = "seconds")]
    pub time_to_detect: Duration,
    /// How long the target was out after the last fault was seen gone.
    #[serde(with = "seconds")]
    pub residual_downtime: Duration,
}

impl Detection {
    /// None without an outage.
    pub(crate) fn of(run: &Run, windows: &Windows, outages: &[Outage]) -> Option<Self> {
        let first = outages.first()?;
        let removed = windows.removed.unwrap_or(Duration::MAX);
        let left = |outage: &Outage| outage.end().saturating_sub(outage.failed.max(removed));
        Some(Self {
            fault_to_failure: first
                .failed
                .saturating_sub(run.injected().unwrap_or(first.failed)),
            time_to_detect: first.detected.saturating_sub(first.failed),
            residual_downtime: outages.iter().map(left).sum(),
        })
    }
}
