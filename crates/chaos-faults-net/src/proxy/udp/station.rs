//! Where datagrams wait for what a fault does to them.

use super::stage::{Datagram, DatagramStage, Onward};
use bytes::Bytes;
use std::{
    collections::{BTreeMap, VecDeque},
    time::Instant,
};

/// One fault on the way of datagrams, and those that wait there.
#[derive(Debug)]
pub(super) struct Station {
    fault: u64,
    stage: Box<dyn DatagramStage>,
    /// By when they go on; those of the same time in the order in which they came.
    waiting: BTreeMap<(Instant, u64), Bytes>,
    held: VecDeque<Bytes>,
    came: u64,
}

/// A datagram that goes on, and since when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Leaving {
    pub(super) at: Instant,
    pub(super) data: Bytes,
}

/// What a station makes of a datagram that comes there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Coming {
    /// It goes on at once, and so does its copy, if there is one.
    Leaves(Leaving, Option<Leaving>),
    /// It waits.
    Waits,
    /// It is lost.
    Lost,
}

impl Station {
    pub(super) fn new(fault: u64, stage: Box<dyn DatagramStage>) -> Self {
        Self {
            fault,
            stage,
            waiting: BTreeMap::new(),
            held: VecDeque::new(),
            came: 0,
        }
    }

    /// The id of the fault.
    pub(super) fn fault(&self) -> u64 {
        self.fault
    }

    /// A datagram comes. `copy` tells whether there is room for another one of that length.
    pub(super) fn come(
        &mut self,
        Leaving { at, data }: Leaving,
        copy: impl FnOnce(usize) -> bool,
    ) -> Coming {
        let (until, data, twice) = match self.stage.judge(&Datagram { at, data: &data }) {
            Onward::Lost => return Coming::Lost,
            Onward::Held => {
                self.held.push_back(data);
                return Coming::Waits;
            }
            Onward::At(until) => (until, data, false),
            Onward::Twice(until) => (until, data, true),
            Onward::Changed(data, until) => (until, data, false),
        };
        let copy = (twice && copy(data.len())).then(|| data.clone());
        if until <= at && !self.is_waiting_until(at) {
            let copy = copy.map(|data| Leaving { at, data });
            return Coming::Leaves(Leaving { at, data }, copy);
        }
        self.wait(until, data);
        if let Some(copy) = copy {
            self.wait(until, copy);
        }
        Coming::Waits
    }

    fn wait(&mut self, until: Instant, data: Bytes) {
        self.came += 1;
        self.waiting.insert((until, self.came), data);
    }

    /// Whether there is one that goes on before or at that time.
    fn is_waiting_until(&self, at: Instant) -> bool {
        self.next().is_some_and(|next| next <= at)
    }

    /// When the next one goes on.
    pub(super) fn next(&self) -> Option<Instant> {
        let ((at, _), _) = self.waiting.first_key_value()?;
        Some(*at)
    }

    /// The next one, if it is due.
    pub(super) fn leave(&mut self, now: Instant) -> Option<Leaving> {
        let first = self.waiting.first_entry()?;
        let at = first.key().0;
        (at <= now).then(|| Leaving {
            at,
            data: first.remove(),
        })
    }

    /// Nothing waits there any more.
    pub(super) fn clear(&mut self) {
        self.waiting.clear();
        self.held.clear();
    }

    /// All that wait there, in the order in which they would have gone on.
    pub(super) fn close(self) -> impl Iterator<Item = Bytes> {
        self.waiting.into_values().chain(self.held)
    }
}
