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
    /// Of the bad answers.
    statuses: BTreeMap<u16, u64>,
    failures: Blocks,
}

/// Blocks of so many seconds are looked at for bursts, too.
const LONGER: [u64; 3] = [2, 4, 8];
/// With fewer blocks their variance is chance.
const ENOUGH: usize = 8;

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

    /// By how much bursts make the variance of the share larger than independent ones would: the variance of blocks of 1, 2, 4
    /// and 8 s, as long as there are enough of them, whichever shows most, against p(1 − p)/m (Kish, "Survey Sampling", 1965, design effect of cluster samples).
    pub(crate) fn design_effect(&self) -> f64 {
        let of_blocks = |seconds| self.in_blocks_of(seconds);
        let enough = |blocks: &Self| blocks.0.len() >= ENOUGH;
        let longer = LONGER.into_iter().map(of_blocks).filter(enough);
        let ratios = longer.map(|blocks| blocks.variance_ratio());
        ratios.fold(self.variance_ratio().max(1.0), f64::max)
    }

    /// The same in longer blocks.
    fn in_blocks_of(&self, seconds: u64) -> Self {
        let mut blocks: Vec<Second> = Vec::with_capacity(self.0.len());
        for second in &self.0 {
            let at = second.at / seconds;
            match blocks.last_mut().filter(|last| last.at == at) {
                Some(last) => {
                    last.n += second.n;
                    last.yes += second.yes;
                }
                None => blocks.push(Second { at, ..*second }),
            }
        }
        Self(blocks)
    }

    fn variance_ratio(&self) -> f64 {
        let blocks = self.0.iter();
        let (n, yes) = blocks
            .clone()
            .fold((0, 0), |(n, yes), s| (n + s.n, yes + s.yes));
        if self.0.len() < 2 || yes == 0 || yes == n {
            return 1.0;
        }
        let p = share(yes, n);
        let k = to_f64(self.0.len() as u64);
        let variance = blocks.map(|s| (share(s.yes, s.n) - p).powi(2)).sum::<f64>() / (k - 1.0);
        variance / (p * (1.0 - p) / (to_f64(n) / k))
    }
}

impl<'a> FromIterator<&'a Exchange> for Tally {
    fn from_iter<I: IntoIterator<Item = &'a Exchange>>(exchanges: I) -> Self {
        let mut tally = Self::default();
        exchanges.into_iter().for_each(|exchange| {
            let class = exchange.class();
            tally.classes[class as usize] += 1;
            if let Some(status) = exchange.status().filter(|_| class.is_bad()) {
                *tally.statuses.entry(status).or_default() += 1;
            }
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

    /// How many bad answers had which status.
    pub(crate) fn by_status(&self) -> BTreeMap<u16, u64> {
        self.statuses.clone()
    }

    pub(crate) fn error_rate(&self) -> Option<ErrorRate> {
        ErrorRate::of(self.counts(), self.failures.design_effect())
    }
}
