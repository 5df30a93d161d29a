//! What a target used from one moment to the next.

use chaos_core::seconds;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What a target used from one moment of the run to the next. Nothing is known of a time in which it was not there: a gap,
/// not a zero.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ResourcePoint {
    /// From when, from the start of the run.
    #[serde(with = "seconds")]
    pub from: Duration,
    /// Until when.
    #[serde(with = "seconds")]
    pub to: Duration,
    /// CPU time per time: 1 is one core. The kernel counts that of a process in hundredths of a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<f64>,
    /// The same, in the busiest of the samples that this point is made of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_max: Option<f64>,
    /// Memory in bytes, on average.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// The most memory in bytes, that of a moment between two samples included, where the kernel keeps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_max: Option<u64>,
    /// Open descriptors, at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub descriptors: Option<u64>,
    /// Threads of all of its processes, at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threads: Option<u64>,
    /// How long of it the target was not there.
    #[serde(default, with = "seconds", skip_serializing_if = "Duration::is_zero")]
    pub missing: Duration,
}

impl ResourcePoint {
    /// A time in which the target was not there.
    pub(super) fn gap(from: Duration, to: Duration) -> Self {
        Self {
            from,
            to,
            missing: to.saturating_sub(from),
            ..Self::default()
        }
    }

    /// How long it is.
    pub fn length(&self) -> Duration {
        self.to.saturating_sub(self.from)
    }

    /// Whether the target was not there.
    pub fn is_gap(&self) -> bool {
        self.cpu.is_none() && self.memory_max.is_none() && self.threads.is_none()
    }

    /// Several that follow each other as one; no peak is averaged away.
    pub(crate) fn merge(points: &[Self]) -> Option<Self> {
        let (first, last) = (points.first()?, points.last()?);
        let most = |of: fn(&Self) -> Option<u64>| points.iter().filter_map(of).max();
        Some(Self {
            from: first.from,
            to: last.to,
            cpu: mean(points.iter().map(|p| (p.length(), p.cpu))),
            cpu_max: points.iter().filter_map(|p| p.cpu_max).reduce(f64::max),
            memory: mean_bytes(points.iter().map(|p| (p.length(), p.memory))),
            memory_max: most(|p| p.memory_max),
            descriptors: most(|p| p.descriptors),
            threads: most(|p| p.threads),
            missing: points.iter().map(|p| p.missing).sum(),
        })
    }
}

/// What is known, each as long as it was.
pub(super) fn mean(values: impl Iterator<Item = (Duration, Option<f64>)>) -> Option<f64> {
    let (mut time, mut sum) = (0.0, 0.0);
    for (length, value) in values {
        if let Some(value) = value {
            time += length.as_secs_f64();
            sum += value * length.as_secs_f64();
        }
    }
    (time > 0.0).then(|| sum / time)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "bytes of memory stay below 2^52"
)]
pub(super) fn mean_bytes(values: impl Iterator<Item = (Duration, Option<u64>)>) -> Option<u64> {
    mean(values.map(|(length, bytes)| (length, bytes.map(|b| b as f64)))).map(|b| b.round() as u64)
}
