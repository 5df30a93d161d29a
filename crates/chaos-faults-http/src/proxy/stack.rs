//! The faults that are on a proxy, in the order in which they were put there.

use crate::{direction::Direction, effect::Effect, requests::Picked};
use chaos_core::Seed;
use http::{HeaderMap, Method};
use rand::{RngExt, rngs::StdRng};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// The faults that are on a proxy right now. Replaced as a whole, so that a request sees all or nothing of a change.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stack(Vec<Arc<Active>>);

/// One fault that is on a proxy.
#[derive(Debug)]
pub(crate) struct Active {
    pub(crate) id: u64,
    pub(crate) effect: Arc<dyn Effect>,
    /// Which requests it hits.
    pub(crate) picked: Picked,
    pub(crate) seed: Seed,
    pub(crate) hits: AtomicU64,
    /// How many requests were asked about, so that the same experiment draws the same for them.
    pub(crate) seen: AtomicU64,
}

impl Active {
    pub(crate) fn hit(&self) {
        self.hits.fetch_add(1, Ordering::Relaxed);
    }

    /// What is drawn for a message, if the fault hits it.
    fn draw(&self, asked: &Asked) -> Option<StdRng> {
        if !self
            .picked
            .matches(&asked.method, &asked.path, &asked.headers)
        {
            return None;
        }
        let number = self.seen.fetch_add(1, Ordering::Relaxed);
        let mut rng = self.seed.derive("request", number).rng();
        let share = self.picked.share;
        share
            .is_none_or(|share| rng.random_bool(share))
            .then_some(rng)
    }
}

/// What was asked, as the client said it.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
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

    /// The faults that hit this message, with what is drawn for it.
    pub(crate) fn hitting(
        &self,
        asked: &Asked,
        direction: Direction,
    ) -> Vec<(Arc<Active>, StdRng)> {
        let active = self.0.iter();
        let active = active.filter(|active| active.effect.direction() == direction);
        active
            .filter_map(|active| Some((Arc::clone(active), active.draw(asked)?)))
            .collect()
    }

    /// Whether a fault may have to read the body of this request's response.
    pub(crate) fn reads_response(&self, asked: &Asked) -> bool {
        self.0.iter().any(|active| {
            active.effect.reads_responses()
                && active
                    .picked
                    .matches(&asked.method, &asked.path, &asked.headers)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{effect::Step, requests::Requests};

    #[derive(Debug)]
    struct Nothing;

    impl Effect for Nothing {
        fn direction(&self) -> Direction {
            Direction::Upstream
        }

        fn step(&self, _: &mut StdRng) -> Step<'_> {
            Step::Reset
        }
    }

    fn drawn(seed: u64) -> Vec<bool> {
        let stack = Stack::default().with(Arc::new(Active {
            id: 1,
            effect: Arc::new(Nothing),
            picked: Requests::all().share(30.0).build().unwrap(),
            seed: Seed::new(seed),
            hits: AtomicU64::new(0),
            seen: AtomicU64::new(0),
        }));
        let asked = Asked {
            method: Method::GET,
            path: "/".into(),
            headers: HeaderMap::new(),
        };
        let hit = |_| !stack.hitting(&asked, Direction::Upstream).is_empty();
        assert!(stack.hitting(&asked, Direction::Downstream).is_empty());
        (0..1000).map(hit).collect()
    }

    #[test]
    fn the_same_seed_hits_the_same_requests() {
        let hit = drawn(1);
        let count = hit.iter().filter(|hit| **hit).count();
        assert!((240..360).contains(&count), "{count}");
        assert_eq!(hit, drawn(1));
        assert_ne!(hit, drawn(2));
    }
}
