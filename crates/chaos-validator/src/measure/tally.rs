//! Counting how exchanges ended, in one pass.

use super::ErrorRate;
use crate::load::{Class, Counts, Exchange};
use std::collections::BTreeMap;

/// How exchanges ended: altogether, and second by second.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    classes: [u64; Class::ALL.len()],
    /// Of those that count, by the second for which they were meant, in the order of time.
    seconds: Vec<Second>,
}

#[derive(Debug, Clone, Copy)]
struct Second {
    at: u64,
    n: u64,
    bad: u64,
}

impl<'a> FromIterator<&'a Exchange> for Tally {
    fn from_iter<I: IntoIterator<Item = &'a Exchange>>(exchanges: I) -> Self {
        let mut tally = Self::default();
        exchanges.into_iter().for_each(|exchange| {
            let class = exchange.class();
            tally.classes[class as usize] += 1;
            if class.counts() {
                let second = tally.second(exchange.intended().as_secs());
                second.n += 1;
                second.bad += u64::from(class.is_bad());
            }
        });
        tally
    }
}

impl Tally {
    fn second(&mut self, at: u64) -> &mut Second {
        if self.seconds.last().is_none_or(|last| last.at != at) {
            self.seconds.push(Second { at, n: 0, bad: 0 });
        }
        let last = self.seconds.len() - 1;
        &mut self.seconds[last]
    }

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
        ErrorRate::of(self.counts(), self.design_effect())
    }

    /// By how much bursts make the variance of the share larger than independent failures would: the variance
    /// of 1 s blocks against p(1 − p)/m (Kish, "Survey Sampling", 1965, design effect of cluster samples).
    fn design_effect(&self) -> f64 {
        use super::error_rate::{share, to_f64};
        let (n, bad) = (self.seconds.iter()).fold((0, 0), |(n, bad), s| (n + s.n, bad + s.bad));
        if self.seconds.len() < 2 || bad == 0 || bad == n {
            return 1.0;
        }
        let p = share(bad, n);
        let k = to_f64(self.seconds.len() as u64);
        let deviations = self.seconds.iter().map(|s| (share(s.bad, s.n) - p).powi(2));
        let variance = deviations.sum::<f64>() / (k - 1.0);
        (variance / (p * (1.0 - p) / (to_f64(n) / k))).max(1.0)
    }
}
