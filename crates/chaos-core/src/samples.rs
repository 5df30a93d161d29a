//! What the probes of a run saw.

use crate::Sample;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, time::Duration};

/// The samples of a run or of a part of it, by probe, each in the order of time.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Samples(BTreeMap<String, Vec<Sample>>);

impl Samples {
    /// No samples.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    pub fn push(&mut self, probe: &str, sample: Sample) {
        match self.0.get_mut(probe) {
            Some(samples) => samples.push(sample),
            None => {
                self.0.insert(probe.to_owned(), vec![sample]);
            }
        }
    }

    /// The samples of one probe; empty when there is no such probe.
    pub fn of(&self, probe: &str) -> &[Sample] {
        self.0.get(probe).map_or(&[], Vec::as_slice)
    }

    /// The probes that were asked, sorted.
    pub fn probes(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// How many samples there are.
    pub fn len(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The samples asked from `from` to before `to`.
    #[must_use]
    pub fn between(&self, from: Duration, to: Duration) -> Self {
        let part = |samples: &Vec<Sample>| -> Vec<Sample> {
            let start = samples.partition_point(|s| s.at < from);
            let end = samples.partition_point(|s| s.at < to);
            samples[start..end.max(start)].to_vec()
        };
        Self(
            self.0
                .iter()
                .map(|(probe, samples)| (probe.clone(), part(samples)))
                .collect(),
        )
    }
}
