//! The faults that are on a proxy, in the order in which they were put there.

use super::{
    effect::{Effect, Gate, Hits, Leg},
    stages::Stages,
};
use crate::direction::Flow;
use chaos_core::Seed;
use std::{net::IpAddr, sync::Arc};

/// The faults that are on a proxy right now. Replaced as a whole, so that a connection sees all or nothing of
/// a change.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stack {
    active: Vec<Arc<Active>>,
    /// How many faults ever cut connections: also the ones that were taken off before anyone looked.
    cuts: u64,
    last_cut: Option<Hits>,
}

/// One fault that is on a proxy.
#[derive(Debug)]
pub(crate) struct Active {
    pub(crate) id: u64,
    pub(crate) effect: Arc<dyn Effect>,
    pub(crate) seed: Seed,
    pub(crate) hits: Hits,
    /// The number of the first connection after it was put there, so that the same experiment draws the same
    /// numbers however many connections there were before.
    pub(crate) first: u64,
}

/// Which connection it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Link {
    /// Its number on the proxy.
    pub(crate) number: u64,
    /// How many faults had cut connections before it was accepted.
    pub(crate) cuts: u64,
    /// Who connected.
    pub(crate) client: Option<IpAddr>,
}

impl Stack {
    /// This stack with one more on top.
    pub(crate) fn with(&self, active: Arc<Active>) -> Self {
        let mut stack = self.clone();
        if active.effect.gate() == Gate::Cut {
            stack.cuts += 1;
            stack.last_cut = Some(active.hits.clone());
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

    /// How many faults ever cut connections.
    pub(crate) fn cuts(&self) -> u64 {
        self.cuts
    }

    /// Whether a connection is cut that was accepted after `cuts`.
    pub(crate) fn cuts_off(&self, cuts: u64) -> bool {
        self.cuts != cuts || self.gate(Gate::Cut).is_some()
    }

    /// Counts a connection that was cut.
    pub(crate) fn count_cut(&self) {
        if let Some(hits) = &self.last_cut {
            hits.hit();
        }
    }

    /// Whether it is in the stack.
    pub(crate) fn holds(&self, id: u64) -> bool {
        self.active.iter().any(|a| a.id == id)
    }

    /// What the faults do to one direction of a connection. A fault that stays keeps its stage.
    pub(crate) fn stages(&self, link: &Link, flow: Flow, mut before: Stages) -> Stages {
        let mut stages = Stages::default();
        for active in &self.active {
            let stage = before.take(active.id).or_else(|| {
                let number = link.number.wrapping_sub(active.first);
                active.effect.stage(&Leg {
                    flow,
                    client: link.client,
                    hits: &active.hits,
                    seed: active.seed.derive("connection", number),
                })
            });
            if let Some(stage) = stage {
                stages.push(active.id, stage);
            }
        }
        stages
    }

    /// The first fault that does this to connections as a whole.
    pub(crate) fn gate(&self, gate: Gate) -> Option<&Arc<Active>> {
        self.active.iter().find(|a| a.effect.gate() == gate)
    }
}
