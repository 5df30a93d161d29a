//! As many columns as a picture has room for.

use crate::measure::{LatencyBucket, Slice, SliceLatency, Timeline, Timing};
use std::{collections::BTreeMap, time::Duration};

/// One or several slices, side by side in one column of a picture.
#[derive(Debug, Clone)]
pub(super) struct Column {
    /// From when on.
    pub(super) start: Duration,
    /// Until when.
    pub(super) end: Duration,
    /// All of its requests. The latency is the worst of its slices: a peak is never averaged away.
    pub(super) sum: Slice,
    /// The best of its slices.
    pub(super) best: Option<SliceLatency>,
    /// The one in the middle of its slices.
    pub(super) typical: Option<SliceLatency>,
}

/// The slices of a timeline in at most `most` columns.
pub(super) fn columns(timeline: &Timeline, most: usize) -> Vec<Column> {
    let together = timeline.slices.len().div_ceil(most.max(1)).max(1);
    let chunks = timeline.slices.chunks(together).enumerate();
    let column = |(i, slices): (usize, &[Slice])| {
        let first = i * together;
        let (sum, best) = merge(slices);
        Column {
            start: timeline.start_of(first),
            end: timeline.start_of(first + slices.len()),
            sum,
            best,
            typical: typical(slices),
        }
    };
    chunks.map(column).collect()
}

fn merge(slices: &[Slice]) -> (Slice, Option<SliceLatency>) {
    if let [one] = slices {
        return (one.clone(), one.latency);
    }
    let mut sum = Slice::default();
    let mut histogram: BTreeMap<LatencyBucket, u32> = BTreeMap::new();
    let mut best: Option<SliceLatency> = None;
    for slice in slices {
        sum.offered += slice.offered;
        sum.good += slice.good;
        for (class, n) in &slice.classes {
            *sum.classes.entry(*class).or_default() += n;
        }
        for (bucket, n) in &slice.histogram {
            let sum = histogram.entry(*bucket).or_default();
            *sum = sum.saturating_add(*n);
        }
        let Some(latency) = slice.latency else {
            continue;
        };
        let (low, high) = match (best, sum.latency) {
            (Some(low), Some(high)) => (pick(low, latency, false), pick(high, latency, true)),
            _ => (latency, latency),
        };
        (best, sum.latency) = (Some(low), Some(high));
    }
    sum.histogram = histogram.into_iter().collect();
    (sum, best)
}

fn pick(a: SliceLatency, b: SliceLatency, worse: bool) -> SliceLatency {
    let timing = |a: Timing, b: Timing| if (rank(a) >= rank(b)) == worse { a } else { b };
    SliceLatency {
        min: [a.min, b.min].into_iter().flatten().min(),
        p50: timing(a.p50, b.p50),
        p95: timing(a.p95, b.p95),
        p99: timing(a.p99, b.p99),
        max: a.max.max(b.max),
    }
}

/// Each quantile of the slice that is in the middle by it.
fn typical(slices: &[Slice]) -> Option<SliceLatency> {
    let mut seen: Vec<SliceLatency> = slices.iter().filter_map(|s| s.latency).collect();
    let mut middle = |of: fn(&SliceLatency) -> Timing| {
        seen.sort_unstable_by_key(|latency| rank(of(latency)));
        seen.get(seen.len() / 2).map(of)
    };
    let (p50, p95, p99) = (middle(|l| l.p50)?, middle(|l| l.p95)?, middle(|l| l.p99)?);
    let min = seen.iter().filter_map(|l| l.min).min();
    let max = seen.iter().filter_map(|l| l.max).max();
    Some(SliceLatency {
        min,
        p50,
        p95,
        p99,
        max,
    })
}

/// What has no end is slower than everything.
fn rank(timing: Timing) -> (bool, Duration) {
    (timing.exact().is_none(), timing.lower())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Class;

    fn slice(good: u64, p99: Timing) -> Slice {
        let time = Duration::from_millis(10);
        let exactly = Timing::Exactly(time);
        Slice {
            offered: good + 1,
            good,
            classes: [(Class::Ok, good), (Class::Timeout, 1)].into(),
            latency: Some(SliceLatency {
                min: Some(time),
                p50: exactly,
                p95: exactly,
                p99,
                max: Some(time),
            }),
            histogram: vec![(LatencyBucket::of(time), 3)],
        }
    }

    #[test]
    fn merged_slices_lose_no_request_and_no_peak() {
        let timeout = Timing::AtLeast(Duration::from_secs(2));
        let quick = Timing::Exactly(Duration::from_millis(10));
        let timeline = Timeline {
            slice: Duration::from_secs(1),
            slices: (0..1000_u64)
                .map(|i| slice(i, if i == 500 { timeout } else { quick }))
                .collect(),
            ..Timeline::default()
        };
        let columns = columns(&timeline, 300);
        assert_eq!(columns.len(), 250);
        assert_eq!(columns.iter().map(|c| c.sum.good).sum::<u64>(), 999 * 500);
        assert_eq!(columns.iter().map(|c| c.sum.bad()).sum::<u64>(), 1000);
        let worst = columns
            .iter()
            .filter(|c| c.sum.latency.unwrap().p99 == timeout);
        assert_eq!(worst.count(), 1);
        assert!(columns.iter().all(|c| c.best.unwrap().p99 == quick));
        assert_eq!(columns[249].end, Duration::from_secs(1000));
    }
}
