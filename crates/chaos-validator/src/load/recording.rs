//! What a load saw.

use super::{Class, Exchange};
use serde::{Deserialize, Serialize};
use std::{sync::Arc, time::Duration};

/// How many requests there were. `planned` is always the sum of the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Counts {
    /// All that were meant to be sent.
    pub planned: u64,
    /// Answered as expected.
    pub good: u64,
    /// Failures of the target.
    pub bad: u64,
    /// Not sent because the generator could not: faults of the instrument.
    pub unsent: u64,
    /// Given up because the run was over.
    pub cancelled: u64,
}

impl Counts {
    /// Those that say something about the target.
    pub const fn done(&self) -> u64 {
        self.good + self.bad
    }

    /// Counts so many more that were planned and are over.
    pub(crate) fn add(&mut self, class: Class, n: u64) {
        self.planned += n;
        self.count(class, n);
    }

    /// Counts so many more that are over.
    pub(crate) fn count(&mut self, class: Class, n: u64) {
        match class {
            Class::Unsent => self.unsent += n,
            Class::Cancelled => self.cancelled += n,
            class if class.is_good() => self.good += n,
            _ => self.bad += n,
        }
    }
}

impl<'a> FromIterator<&'a Exchange> for Counts {
    fn from_iter<I: IntoIterator<Item = &'a Exchange>>(exchanges: I) -> Self {
        let mut counts = Self::default();
        for exchange in exchanges {
            counts.add(exchange.class(), 1);
        }
        counts
    }
}

/// What a load saw: every exchange, in the order in which they were meant to be sent. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Recording {
    description: String,
    rate: f64,
    timeout: Duration,
    planned: u64,
    endpoints: Vec<String>,
    exchanges: Arc<Vec<Exchange>>,
}

impl Recording {
    /// A recording of exchanges at `rate` per second that were given up after `timeout`.
    pub fn new(
        description: impl Into<String>,
        rate: f64,
        timeout: Duration,
        mut exchanges: Vec<Exchange>,
    ) -> Self {
        exchanges.sort_unstable_by_key(Exchange::order);
        Self::shared(description.into(), rate, timeout, Arc::new(exchanges))
    }

    /// One of exchanges that are sorted already.
    pub(crate) fn shared(
        description: String,
        rate: f64,
        timeout: Duration,
        exchanges: Arc<Vec<Exchange>>,
    ) -> Self {
        Self {
            description,
            rate,
            timeout,
            planned: exchanges.len() as u64,
            endpoints: Vec::new(),
            exchanges,
        }
    }

    /// Names the endpoints that the exchanges were sent to, by their numbers.
    #[must_use]
    pub fn with_endpoints(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.endpoints = names.into_iter().map(Into::into).collect();
        self
    }

    /// How many requests were planned, counted apart from what became of them.
    #[must_use]
    pub(crate) fn planned(mut self, planned: u64) -> Self {
        self.planned = planned;
        self
    }

    /// No load: every SLO that needs traffic will be inconclusive.
    pub fn none() -> Self {
        Self::default()
    }

    /// The load in words.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// What the exchanges were sent to, by number; empty when nothing is told apart.
    pub fn endpoints(&self) -> &[String] {
        &self.endpoints
    }

    /// The planned requests per second; where that changes, the fewest.
    pub const fn rate(&self) -> f64 {
        self.rate
    }

    /// After what time a request was given up.
    pub const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The exchanges, by intended time.
    pub fn exchanges(&self) -> &[Exchange] {
        &self.exchanges
    }

    /// Those meant to be sent from `from` to before `to`.
    pub fn between(&self, from: Duration, to: Duration) -> &[Exchange] {
        let start = self.exchanges.partition_point(|e| e.intended() < from);
        let end = self.exchanges.partition_point(|e| e.intended() < to);
        &self.exchanges[start..end.max(start)]
    }

    /// How many there were of each sort. `planned` was counted when the requests were due, the others when
    /// they were over: once the load has finished the books balance.
    pub fn counts(&self) -> Counts {
        Counts {
            planned: self.planned,
            ..self.exchanges.iter().collect()
        }
    }
}
