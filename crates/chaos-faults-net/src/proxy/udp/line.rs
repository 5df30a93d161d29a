//! The way of the datagrams of one direction of one session.

use super::{
    super::stack::{Link, Stack},
    station::{Coming, Leaving, Station},
    under_way::{Part, UnderWay},
};
use crate::direction::Flow;
use bytes::Bytes;
use std::{collections::VecDeque, sync::Arc, time::Instant};

/// The way of the datagrams of one direction of one session: through the station of each fault, in their order, and out.
#[derive(Debug)]
pub(super) struct Line {
    flow: Flow,
    stations: Vec<Station>,
    /// What passed all of them.
    out: VecDeque<Bytes>,
    part: Part,
    /// How many there was no room for, and were not told of yet.
    dropped: u64,
}

impl Line {
    pub(super) fn new(flow: Flow, under_way: &Arc<UnderWay>) -> Self {
        Self {
            flow,
            stations: Vec::new(),
            out: VecDeque::new(),
            part: Part::new(under_way),
            dropped: 0,
        }
    }

    /// Whether a datagram may go straight out.
    pub(super) fn is_clear(&self) -> bool {
        self.stations.is_empty() && self.out.is_empty()
    }

    /// A datagram comes; it is dropped when there is no room for it.
    pub(super) fn come(&mut self, data: &[u8], now: Instant) {
        self.advance(now);
        if self.part.take(data.len()) {
            let data = Bytes::copy_from_slice(data);
            self.go(0, Leaving { at: now, data });
        } else {
            self.dropped += 1;
        }
    }

    /// What is due goes on.
    pub(super) fn advance(&mut self, now: Instant) {
        for at in 0..self.stations.len() {
            while let Some(leaving) = self.stations[at].leave(now) {
                self.go(at + 1, leaving);
            }
        }
    }

    /// When the next one goes on.
    pub(super) fn next(&self) -> Option<Instant> {
        self.stations.iter().filter_map(Station::next).min()
    }

    /// The first one that is out.
    pub(super) fn first_out(&self) -> Option<&Bytes> {
        self.out.front()
    }

    /// The first one that is out is gone.
    pub(super) fn sent(&mut self) {
        if let Some(data) = self.out.pop_front() {
            self.part.give_back(data.len());
        }
    }

    /// How many were dropped since this was asked last.
    pub(super) fn take_dropped(&mut self) -> u64 {
        std::mem::take(&mut self.dropped)
    }

    /// How many datagrams are under way.
    #[cfg(test)]
    pub(super) fn datagrams(&self) -> u64 {
        self.part.datagrams()
    }

    /// Whether nothing is under way.
    pub(super) fn is_empty(&self) -> bool {
        self.part.datagrams() == 0
    }

    /// Nothing that is under way arrives.
    pub(super) fn clear(&mut self) {
        self.dropped += self.part.datagrams();
        self.out.clear();
        self.stations.iter_mut().for_each(Station::clear);
        self.part.clear();
    }

    /// Takes over the faults that are on the proxy now. A fault that stays keeps its station and all that wait there; what
    /// waits for one that is over goes on at once.
    pub(super) fn follow(&mut self, stack: &Stack, link: &Link, now: Instant) {
        self.advance(now);
        // Where those go on that waited for a fault that is over.
        let mut released = Vec::new();
        for station in std::mem::take(&mut self.stations) {
            match stack.holds(station.fault()) {
                true => self.stations.push(station),
                false => released.push((self.stations.len(), station)),
            }
        }
        for (fault, effect, leg) in stack.on(link, self.flow) {
            let is_there = self.stations.iter().any(|station| station.fault() == fault);
            if let Some(stage) = (!is_there).then(|| effect.datagram_stage(&leg)).flatten() {
                // New ones are always on top of the others.
                self.stations.push(Station::new(fault, stage));
            }
        }
        // Those ahead of others stay ahead of them.
        for (to, over) in released.into_iter().rev() {
            for data in over.close() {
                self.go(to, Leaving { at: now, data });
            }
        }
    }

    /// A datagram goes through the stations from the given one on, as far as it gets.
    fn go(&mut self, from: usize, mut leaving: Leaving) {
        for at in from..self.stations.len() {
            let len = leaving.data.len();
            let (part, dropped) = (&mut self.part, &mut self.dropped);
            let room = |len| {
                let fits = part.take(len);
                *dropped += u64::from(!fits);
                fits
            };
            match self.stations[at].come(leaving, room) {
                Coming::Lost => return self.part.give_back(len),
                Coming::Waits => return,
                Coming::Leaves(on, copy) => {
                    leaving = on;
                    if let Some(copy) = copy {
                        self.go(at + 1, copy);
                    }
                }
            }
        }
        self.out.push_back(leaving.data);
    }
}
