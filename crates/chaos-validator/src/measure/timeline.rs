//! The run slice by slice: what a picture of it is drawn from.

use super::{
    LatencyBucket, Part, Timing, Windows,
    availability::slice_length,
    endpoints::{EndpointMetrics, endpoints},
    quantile::{Ranked, rank},
};
use crate::load::{Class, Exchange, Recording};
use chaos_core::{Run, seconds};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, time::Duration};

/// A longer run has longer slices.
const MOST_SLICES: u32 = 3600;

/// The percentiles of a curve, up to the slowest.
const CURVE: [f64; 8] = [0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999, 1.0];

/// The run slice by slice. Every request belongs to the slice that it was meant to be sent in.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Timeline {
    /// How long a slice is: a second, or longer for long runs and slow loads.
    #[serde(with = "seconds")]
    pub slice: Duration,
    /// The slices, from the start of the run on.
    pub slices: Vec<Slice>,
    /// Latency by percentile before the fault.
    pub baseline: Vec<Percentile>,
    /// Latency by percentile with the fault in place.
    pub fault: Vec<Percentile>,
    /// The endpoints, when the load tells several apart.
    pub endpoints: Vec<EndpointMetrics>,
}

/// A slice of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Slice {
    /// How many requests were meant to be sent.
    pub offered: u64,
    /// How many were answered as expected.
    pub good: u64,
    /// How they ended.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub classes: BTreeMap<Class, u64>,
    /// The latency, with failures as infinitely slow; none when nothing counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<SliceLatency>,
    /// How many good answers took how long.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub histogram: Vec<(LatencyBucket, u32)>,
}

/// The latency in a slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SliceLatency {
    /// The fastest good answer.
    #[serde(with = "seconds::option")]
    pub min: Option<Duration>,
    /// Half were faster.
    pub p50: Timing,
    /// 95 % were faster.
    pub p95: Timing,
    /// 99 % were faster.
    pub p99: Timing,
    /// The slowest good answer.
    #[serde(with = "seconds::option")]
    pub max: Option<Duration>,
}

/// A point of a curve of percentiles.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Percentile {
    /// The share that was faster, 0 to 1.
    pub quantile: f64,
    /// How long it took.
    pub latency: Timing,
}

impl Slice {
    /// How many say something about the target.
    pub fn done(&self) -> u64 {
        self.sum(Class::counts)
    }

    /// How many of those failed.
    pub fn bad(&self) -> u64 {
        self.sum(Class::is_bad)
    }

    /// How many left the generator.
    pub fn sent(&self) -> u64 {
        self.sum(|class| !matches!(class, Class::Unsent | Class::NoSlot))
    }

    fn sum(&self, which: impl Fn(Class) -> bool) -> u64 {
        let those = self.classes.iter().filter(|(class, _)| which(**class));
        those.map(|(_, n)| n).sum()
    }

    /// The slice of these; `codes` is room that is used again and again.
    fn of(exchanges: &[Exchange], timeout: Duration, codes: &mut Vec<u32>) -> Self {
        let mut classes = [0_u64; Class::ALL.len()];
        codes.clear();
        for exchange in exchanges {
            let class = exchange.class();
            classes[class as usize] += 1;
            if class.is_good() {
                codes.push(exchange.latency_code());
            }
        }
        codes.sort_unstable();
        let classes = Class::ALL.into_iter().zip(classes);
        let mut slice = Self {
            offered: exchanges.len() as u64,
            good: codes.len() as u64,
            classes: classes.filter(|(_, n)| *n > 0).collect(),
            latency: None,
            histogram: LatencyBucket::count(codes, Exchange::latency_of_code),
        };
        slice.latency = SliceLatency::of(codes, slice.done(), timeout);
        slice
    }
}

impl SliceLatency {
    /// `codes` are those of the good ones, in ascending order; `done` is how many count.
    fn of(codes: &[u32], done: u64, timeout: Duration) -> Option<Self> {
        let at = |q| {
            let code = usize::try_from(rank(q, done)).ok();
            match code.and_then(|rank| codes.get(rank)) {
                Some(code) => Timing::Exactly(Exchange::latency_of_code(*code)),
                None => Timing::AtLeast(timeout),
            }
        };
        (done > 0).then(|| Self {
            min: codes.first().copied().map(Exchange::latency_of_code),
            p50: at(0.5),
            p95: at(0.95),
            p99: at(0.99),
            max: codes.last().copied().map(Exchange::latency_of_code),
        })
    }
}

impl Timeline {
    /// The slices of a run and its load.
    pub(crate) fn of(run: &Run, recording: &Recording, windows: &Windows) -> Self {
        let mut rest = recording.exchanges();
        if rest.is_empty() {
            return Self::default();
        }
        let ends = run.phases.iter().map(|span| span.end);
        let end = ends.chain(rest.last().map(Exchange::intended)).max();
        let (slice, count) = cut(end.unwrap_or_default(), slice_length(recording.rate()));
        let mut codes = Vec::new();
        let mut slices = Vec::with_capacity(count as usize);
        for i in 1..=count {
            let within = match i == count {
                true => rest.len(),
                false => rest.partition_point(|e| e.intended() < slice * i),
            };
            let (these, later) = rest.split_at(within);
            slices.push(Slice::of(these, recording.timeout(), &mut codes));
            rest = later;
        }
        let curve = |window: Option<_>| {
            let seen = window.map(|window| Part::of(recording, windows, window).iter());
            let timings = seen.and_then(|s| Ranked::of(s, recording.timeout()).timings(CURVE));
            let point = |(quantile, latency)| Percentile { quantile, latency };
            let points = timings.into_iter().flat_map(|t| CURVE.into_iter().zip(t));
            points.map(point).collect()
        };
        Self {
            slice,
            slices,
            baseline: curve(windows.baseline),
            fault: curve(windows.fault),
            endpoints: endpoints(recording, windows),
        }
    }

    /// When a slice begins.
    pub fn start_of(&self, slice: usize) -> Duration {
        let slice = u32::try_from(slice).unwrap_or(u32::MAX);
        self.slice.checked_mul(slice).unwrap_or(Duration::MAX)
    }
}

/// How long a slice is, in whole seconds and at least `least`, and how many there are.
fn cut(end: Duration, least: Duration) -> (Duration, u32) {
    let whole = (end / MOST_SLICES).max(least).as_secs_f64().ceil();
    let slice = Duration::from_secs_f64(whole.max(1.0));
    let count = end.as_nanos().div_ceil(slice.as_nanos()).max(1);
    (slice, u32::try_from(count).unwrap_or(MOST_SLICES))
}

#[cfg(test)]
mod tests;
