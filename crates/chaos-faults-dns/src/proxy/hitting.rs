//! A fault on a proxy, and which queries it hits.

use crate::{asked::Asked, effect::Effect, queries::Picked};
use chaos_core::{Active, Stack};
use rand::{RngExt, rngs::StdRng};
use std::sync::Arc;

/// A fault on a proxy, and which queries it hits.
#[derive(Debug, Clone)]
pub(crate) struct Hitting {
    pub(crate) effect: Arc<dyn Effect>,
    pub(crate) picked: Picked,
}

/// The faults that hit this query, with what is drawn for it.
pub(crate) fn hitting(
    faults: &Stack<Hitting>,
    asked: &Asked,
) -> Vec<(Arc<Active<Hitting>>, StdRng)> {
    let drawn = |active: Arc<Active<Hitting>>| {
        let Hitting { effect, picked } = active.effect();
        if !effect.hits(asked.client.transport) || !picked.matches(asked) {
            return None;
        }
        let mut rng = active.draw("query");
        let hits = picked.share.is_none_or(|share| rng.random_bool(share));
        hits.then_some((active, rng))
    };
    faults.active().into_iter().filter_map(drawn).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        asked::{Client, Transport},
        effect::Step,
        queries::Queries,
    };
    use chaos_core::Seed;
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
        let faults = Stack::new();
        let fault = Hitting {
            effect: Arc::new(Nothing),
            picked: Queries::all().share(30.0).build().unwrap(),
        };
        let _fault = faults.put(fault, Seed::new(seed));
        let mut message = Message::query();
        message.add_query(Query::query(Name::root(), RecordType::A));
        let message = message.to_vec().unwrap();
        let asked = |transport| {
            let client = Client::new(transport, ([127, 0, 0, 1], 1).into());
            Asked::read(&message, client).unwrap()
        };
        let hit = |_| !hitting(&faults, &asked(Transport::Udp)).is_empty();
        assert!((0..100).all(|_| hitting(&faults, &asked(Transport::Tcp)).is_empty()));
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
