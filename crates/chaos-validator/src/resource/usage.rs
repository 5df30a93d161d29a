//! What a target uses at one moment.

use std::time::{Duration, Instant};

/// What a target uses at one moment; what cannot be seen is unknown, never zero.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Usage {
    /// The CPU time that was ever used.
    pub(super) cpu: Option<Duration>,
    /// When that was read: on a busy machine it may be long after the look began.
    pub(super) read: Option<Instant>,
    /// Memory in bytes.
    pub(super) memory: Option<u64>,
    /// The most memory that was ever used, in bytes.
    pub(super) peak: Option<u64>,
    /// Open descriptors.
    pub(super) descriptors: Option<u64>,
    /// Threads, those of all processes.
    pub(super) threads: Option<u64>,
}

impl Usage {
    /// The time between the readings of CPU time; none without a clock.
    pub(super) fn since(&self, before: &Self) -> Option<Duration> {
        Some(self.read?.saturating_duration_since(before.read?))
    }

    /// The most memory that is known to have been used since an earlier look at the same target.
    pub(super) fn most_memory_since(&self, before: &Self) -> Option<u64> {
        // The kernel's peak is that of a whole life; it belongs to this interval when it grew in it.
        let peak = self
            .peak
            .filter(|peak| before.peak.is_some_and(|p| p < *peak));
        [self.memory, before.memory, peak]
            .into_iter()
            .flatten()
            .max()
    }
}

/// Adds up what is known; unknown when nothing is.
pub(super) fn sum(values: impl IntoIterator<Item = Option<u64>>) -> Option<u64> {
    let mut known = values.into_iter().flatten().peekable();
    known.peek()?;
    Some(known.sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peak_counts_where_it_grew_and_nowhere_else() {
        let usage = |memory, peak| Usage {
            memory: Some(memory),
            peak: Some(peak),
            ..Usage::default()
        };
        assert_eq!(usage(10, 90).most_memory_since(&usage(20, 90)), Some(20));
        assert_eq!(usage(10, 95).most_memory_since(&usage(20, 90)), Some(95));
        assert_eq!(Usage::default().most_memory_since(&Usage::default()), None);
    }

    #[test]
    fn nothing_known_is_no_zero() {
        assert_eq!(sum([None, None]), None);
        assert_eq!(sum([Some(0), None]), Some(0));
        assert_eq!(sum([Some(2), None, Some(3)]), Some(5));
    }
}
