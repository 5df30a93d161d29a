//! The faults that are on a proxy, in the order in which they were put there.

use super::{
    effect::{Effect, Gate, Hits},
    stage::Stage,
};
use crate::direction::Flow;
use chaos_core::Seed;
use std::sync::Arc;

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

impl Active {
    /// What it does to one direction of a connection.
    pub(crate) fn stage(&self, connection: u64, flow: Flow) -> Option<Box<dyn Stage>> {
        let part = match flow {
            Flow::Upstream => "upstream",
            Flow::Downstream => "downstream",
        };
        let seed = self.seed.derive(part, connection.wrapping_sub(self.first));
        self.effect.stage(flow, seed.rng(), self.hits.clone())
    }
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

    /// The faults, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Active>> {
        self.active.iter()
    }

    /// The first fault that does this to connections as a whole.
    pub(crate) fn gate(&self, gate: Gate) -> Option<&Arc<Active>> {
        self.active.iter().find(|a| a.effect.gate() == gate)
    }
}
