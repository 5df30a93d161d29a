//! The faults that are on a proxy, in the order in which they were put there.

use crate::{asked::Asked, effect::Effect, queries::Picked};
use chaos_core::Seed;
use rand::{RngExt, rngs::StdRng};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// The faults that are on a proxy right now. Replaced as a whole, so that a query sees all or nothing of a change.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stack(Vec<Arc<Active>>);

/// One fault that is on a proxy.
#[derive(Debug)]
pub(crate) struct Active {
    pub(crate) id: u64,
    pub(crate) effect: Arc<dyn Effect>,
    /// Which queries it hits.
    pub(crate) picked: Picked,
    pub(crate) seed: Seed,
    pub(crate) hits: AtomicU64,
    /// How many queries were asked about, so that the same experiment draws the same for them.
    pub(crate) seen: AtomicU64,
}

impl Active {
    pub(crate) fn hit(&self) {
        self.hits.fetch_add(1, Ordering::Relaxed);
    }

    /// What is drawn for a query, if the fault hits it.
    fn draw(&self, asked: &Asked) -> Option<StdRng> {
        if !self.effect.hits(asked.client.transport) || !self.picked.matches(asked) {
            return None;
        }
        let number = self.seen.fetch_add(1, Ordering::Relaxed);
        let mut rng = self.seed.derive("query", number).rng();
        let share = self.picked.share;
        share
            .is_none_or(|share| rng.random_bool(share))
            .then_some(rng)
    }
}

impl Stack {
    /// This stack with one more on top.
    pub(crate) fn with(&self, active: Arc<Active>) -> Self {
        let mut stack = self.clone();
        stack.0.push(active);
        stack
    }

    /// This stack without one.
    pub(crate) fn without(&self, id: u64) -> Self {
        let mut stack = self.clone();
        stack.0.retain(|active| active.id != id);
        stack
    }

    /// Whether it is in the stack.
    pub(crate) fn holds(&self, id: u64) -> bool {
        self.0.iter().any(|active| active.id == id)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The faults that hit this query, with what is drawn for it.
    pub(crate) fn hitting(&self, asked: &Asked) -> Vec<(Arc<Active>, StdRng)> {
        let drawn = |active: &Arc<Active>| Some((Arc::clone(active), active.draw(asked)?));
        self.0.iter().filter_map(drawn).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        asked::{Client, Transport},
        effect::Step,
        queries::Queries,
    };
    use hickory_proto::{
        op::{Message, Query},
        rr::{Name, RecordType},
    };

    /// One that hits by UDP only.
    #[derive(Debug)]
    struct Nothing;

    impl Effect for Nothing {
        fn hits(&self, transport: Transport) -> bool {
            transport == Transport::Udp
        }

        fn step(&self, _: &Asked, _: &mut StdRng) -> Step {
            Step::Silence
        }
    }

    fn drawn(seed: u64) -> Vec<bool> {
        let stack = Stack::default().with(Arc::new(Active {
            id: 1,
            effect: Arc::new(Nothing),
            picked: Queries::all().share(30.0).build().unwrap(),
            seed: Seed::new(seed),
            hits: AtomicU64::new(0),
            seen: AtomicU64::new(0),
        }));
        let mut message = Message::query();
        message.add_query(Query::query(Name::root(), RecordType::A));
        let message = message.to_vec().unwrap();
        let asked = |transport| {
            let client = Client::new(transport, ([127, 0, 0, 1], 1).into());
            Asked::read(&message, client).unwrap()
        };
        let hit = |_| !stack.hitting(&asked(Transport::Udp)).is_empty();
        assert!((0..100).all(|_| stack.hitting(&asked(Transport::Tcp)).is_empty()));
        (0..1000).map(hit).collect()
    }

    #[test]
    fn the_same_seed_hits_the_same_queries() {
        let hit = drawn(1);
        let count = hit.iter().filter(|hit| **hit).count();
        assert!((240..360).contains(&count), "{count}");
        assert_eq!(hit, drawn(1));
        assert_ne!(hit, drawn(2));
    }
}
