//! The faults that are on a proxy, in the order in which they were put there.

use super::{
    effect::{Effect, Gate, Hits, Leg},
    stages::{Made, Stages},
};
use crate::{connections::Picked, direction::Flow};
use chaos_core::Seed;
use std::{net::IpAddr, sync::Arc, time::Duration};

/// The faults that are on a proxy right now. Replaced as a whole, so that a connection sees all or nothing of
/// a change.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stack {
    active: Vec<Arc<Active>>,
    /// How many faults ever cut all connections: also the ones that were taken off before anyone looked.
    cuts: u64,
    last_cut: Option<Hits>,
}

/// One fault that is on a proxy.
#[derive(Debug)]
pub(crate) struct Active {
    pub(crate) id: u64,
    /// How often it was changed.
    pub(crate) revision: u64,
    pub(crate) effect: Arc<dyn Effect>,
    /// Which connections it hits.
    pub(crate) picked: Picked,
    pub(crate) seed: Seed,
    pub(crate) count: Hits,
    /// The number of the first connection after it was put there, so that the same experiment draws the same
    /// numbers however many connections there were before.
    pub(crate) first: u64,
}

impl Active {
    /// Its seed for one connection.
    fn seed_for(&self, link: &Link) -> Seed {
        let number = link.number.wrapping_sub(self.first);
        self.seed.derive("connection", number)
    }

    /// Whether it hits a connection: the same each time it is asked.
    fn hits(&self, link: &Link) -> bool {
        self.picked.hits(link.client, || self.seed_for(link))
    }

    /// What it does to one direction of a connection.
    fn make(&self, link: &Link, flow: Flow, before: Option<&Made>) -> Option<Made> {
        if !self.hits(link) {
            return None;
        }
        let stage = self.effect.stage(&Leg {
            flow,
            hits: &self.count,
            seed: self.seed_for(link),
            newer: link.number >= self.first,
            before: before.map(|made| &*made.stage),
        })?;
        Some(Made {
            fault: self.id,
            revision: self.revision,
            stage,
        })
    }
}

/// Which connection it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Link {
    /// Its number on the proxy.
    pub(crate) number: u64,
    /// How many faults had cut all connections before it was accepted.
    pub(crate) cuts: u64,
    /// Who connected; nobody knows it of a Unix socket.
    pub(crate) client: Option<IpAddr>,
}

impl Stack {
    /// This stack with one more on top.
    pub(crate) fn with(&self, active: Arc<Active>) -> Self {
        let mut stack = self.clone();
        if active.effect.gate() == Gate::Cut && active.picked.is_all() {
            stack.cuts += 1;
            stack.last_cut = Some(active.count.clone());
        }
        stack.active.push(active);
        stack
    }

    /// This stack without one.
    pub(crate) fn without(&self, id: u64) -> Self {
        let mut stack = self.clone();
        stack.active.retain(|a| a.id != id);
        stack
    }

    /// This stack with something else in the place of one, if that is there.
    #[cfg(feature = "toxiproxy")]
    pub(crate) fn replaced(&self, id: u64, effect: Arc<dyn Effect>, seed: Seed) -> Option<Self> {
        let mut stack = self.clone();
        let active = stack.active.iter_mut().find(|active| active.id == id)?;
        *active = Arc::new(Active {
            id,
            revision: active.revision + 1,
            effect,
            picked: active.picked.clone(),
            seed,
            count: active.count.clone(),
            first: active.first,
        });
        Some(stack)
    }

    /// How many faults ever cut all connections.
    pub(crate) fn cuts(&self) -> u64 {
        self.cuts
    }

    /// Whether a connection is cut.
    pub(crate) fn cuts_off(&self, link: &Link) -> bool {
        self.cuts != link.cuts || self.gate(Gate::Cut, link).is_some()
    }

    /// Counts a connection that was cut.
    pub(crate) fn count_cut(&self, link: &Link) {
        let cutter = self.gate(Gate::Cut, link).map(|active| &active.count);
        if let Some(hits) = cutter.or(self.last_cut.as_ref()) {
            hits.hit();
        }
    }

    /// What lets a new connection wait, and how long each.
    pub(crate) fn delays(&self, link: &Link) -> impl Iterator<Item = (&Active, Duration)> {
        let delays = self.active.iter().map(|a| (&**a, a.effect.delay()));
        delays.filter(|(active, delay)| !delay.is_zero() && active.hits(link))
    }

    /// The first fault that refuses a new connection when so many others are open.
    pub(crate) fn refuses(&self, link: &Link, others: usize) -> Option<&Active> {
        let mut active = self.active.iter().map(|active| &**active);
        active.find(|a| !a.effect.admits(others) && a.hits(link))
    }

    /// Whether it is in the stack.
    pub(crate) fn holds(&self, id: u64) -> bool {
        self.active.iter().any(|a| a.id == id)
    }

    /// What the faults do to one direction of a connection. A fault that stays as it is keeps its stage; what is left
    /// of `before` belongs to those that were taken off.
    pub(crate) fn stages(&self, link: &Link, flow: Flow, before: &mut Stages) -> Stages {
        let mut stages = Stages::default();
        for active in &self.active {
            let made = match before.take(active.id) {
                Some(made) if made.revision == active.revision => Some(made),
                old => active.make(link, flow, old.as_ref()),
            };
            if let Some(made) = made {
                stages.push(made);
            }
        }
        stages
    }

    /// The first fault that does this to the connection as a whole.
    pub(crate) fn gate(&self, gate: Gate, link: &Link) -> Option<&Arc<Active>> {
        let mut active = self.active.iter();
        active.find(|a| a.effect.gate() == gate && a.hits(link))
    }
}
