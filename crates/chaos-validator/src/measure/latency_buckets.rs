//! Latencies by their order of magnitude, for a picture.

use std::{sync::LazyLock, time::Duration};

/// How many buckets are between a time and ten times it.
pub const BUCKETS_PER_DECADE: u8 = 10;

/// 1 µs to 1,000 s; what is beyond goes with the last.
const BUCKETS: u8 = 9 * BUCKETS_PER_DECADE;

/// Where each bucket begins.
static STARTS: LazyLock<Vec<Duration>> = LazyLock::new(|| {
    let start = |bucket: u8| {
        let decades = f64::from(bucket) / f64::from(BUCKETS_PER_DECADE);
        Duration::from_secs_f64(1e-6 * 10_f64.powf(decades))
    };
    (0..=BUCKETS).map(start).collect()
});

/// A range of latencies: from 10^(n/10) µs to before 10^((n+1)/10) µs.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct LatencyBucket(u8);

impl LatencyBucket {
    /// The bucket of a latency.
    #[expect(clippy::cast_possible_truncation, reason = "there are fewer than 256")]
    pub fn of(latency: Duration) -> Self {
        let above = STARTS.partition_point(|start| *start <= latency);
        Self((above.saturating_sub(1) as u8).min(BUCKETS - 1))
    }

    /// Its number; 10 numbers higher is ten times slower.
    pub const fn number(self) -> u8 {
        self.0
    }

    /// Where it begins.
    pub fn start(self) -> Duration {
        STARTS[usize::from(self.0.min(BUCKETS - 1))]
    }

    /// Where the next begins.
    pub fn end(self) -> Duration {
        STARTS[usize::from(self.0.min(BUCKETS - 1)) + 1]
    }

    /// How many of these, which are in ascending order, are in which bucket.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a second has fewer than 2^32"
    )]
    pub(super) fn count(
        mut codes: &[u32],
        latency: impl Fn(u32) -> Duration,
    ) -> Vec<(LatencyBucket, u32)> {
        let mut counts = Vec::new();
        while let Some(first) = codes.first() {
            let bucket = Self::of(latency(*first));
            let n = match bucket.0 + 1 == BUCKETS {
                true => codes.len(),
                false => codes
                    .partition_point(|code| latency(*code) < bucket.end())
                    .max(1),
            };
            counts.push((bucket, n as u32));
            codes = &codes[n..];
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_latency_is_within_its_bucket(micros in 1_u64..900_000_000) {
            let latency = Duration::from_micros(micros);
            let bucket = LatencyBucket::of(latency);
            prop_assert!(bucket.start() <= latency && latency < bucket.end());
        }

        #[test]
        fn counting_sorted_ones_is_counting_each(mut micros in prop::collection::vec(0_u32..100_000_000, 0..200)) {
            micros.sort_unstable();
            let latency = |code: u32| Duration::from_micros(u64::from(code));
            let mut each = std::collections::BTreeMap::new();
            for code in &micros {
                *each.entry(LatencyBucket::of(latency(*code))).or_insert(0_u32) += 1;
            }
            let counted = LatencyBucket::count(&micros, latency);
            prop_assert_eq!(counted, each.into_iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_is_too_fast_or_too_slow_is_at_an_end() {
        assert_eq!(LatencyBucket::of(Duration::ZERO).number(), 0);
        assert_eq!(LatencyBucket::of(Duration::MAX).number(), BUCKETS - 1);
        assert_eq!(LatencyBucket::of(Duration::from_millis(1)).number(), 30);
    }
}
