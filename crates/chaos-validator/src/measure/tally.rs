//! Counting how exchanges ended, in one pass.

use super::{
    ErrorRate,
    error_rate::{share, to_f64},
};
use crate::load::{Class, Counts, Exchange};
use std::collections::BTreeMap;

/// How exchanges ended: altogether, and second by second.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    classes: [u64; Class::ALL.len()],
    failures: Blocks,
}

/// Yes or no, by the second for which it was meant.
#[derive(Debug, Clone, Default)]
pub(crate) struct Blocks(Vec<Second>);

#[derive(Debug, Clone, Copy)]
struct Second {
    at: u64,
    n: u64,
    yes: u64,
}

impl Blocks {
    /// Counts one more; in the order of time.
    pub(crate) fn add(&mut self, second: u64, yes: bool) {
        if self.0.last().is_none_or(|last| last.at != second) {
            self.0.push(Second {
                at: second,
                n: 0,
                yes: 0,
            });
        }
        if let Some(last) = self.0.last_mut() {
            last.n += 1;
            last.yes += u64::from(yes);
        }
    }

    /// By how much bursts make the variance of the share larger than independent ones would: the variance
    /// of 1 s blocks against p(1 − p)/m (Kish, "Survey Sampling", 1965, design effect of cluster samples).
    pub(crate) fn design_effect(&self) -> f64 {
        let seconds = self.0.iter();
        let (n, yes) = seconds
            .clone()
            .fold((0, 0), |(n, yes), s| (n + s.n, yes + s.yes));
        if self.0.len() < 2 || yes == 0 || yes == n {
            return 1.0;
        }
        let p = share(yes, n);
        let k = to_f64(self.0.len() as u64);
        let variance = seconds
            .map(|s| (share(s.yes, s.n) - p).powi(2))
            .sum::<f64>()
            / (k - 1.0);
        (variance / (p * (1.0 - p) / (to_f64(n) / k))).max(1.0)
    }
}

impl<'a> FromIterator<&'a Exchange> for Tally {
    fn from_iter<I: IntoIterator<Item = &'a Exchange>>(exchanges: I) -> Self {
        let mut tally = Self::default();
        exchanges.into_iter().for_each(|exchange| {
            let class = exchange.class();
            tally.classes[class as usize] += 1;
            if class.counts() {
                let second = exchange.intended().as_secs();
                tally.failures.add(second, class.is_bad());
            }
        });
        tally
    }
}

impl Tally {
    fn of_classes(&self) -> impl Iterator<Item = (Class, u64)> {
        Class::ALL.into_iter().zip(self.classes)
    }

    pub(crate) fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for (class, n) in self.of_classes() {
            counts.add(class, n);
        }
        counts
    }

    /// How many ended in each way.
    pub(crate) fn by_class(&self) -> BTreeMap<Class, u64> {
        self.of_classes().filter(|(_, n)| *n > 0).collect()
    }

    pub(crate) fn error_rate(&self) -> Option<ErrorRate> {
        ErrorRate::of(self.counts(), self.failures.design_effect())
    }
}
