//! A fault on a proxy, and which requests it hits.

use crate::{direction::Direction, effect::Effect, requests::Picked};
use chaos_core::{Active, Stack};
use http::{HeaderMap, Method};
use rand::{RngExt, rngs::StdRng};
use std::sync::Arc;

/// A fault on a proxy, and which requests it hits.
#[derive(Debug, Clone)]
pub(crate) struct Hitting {
    pub(crate) effect: Arc<dyn Effect>,
    pub(crate) picked: Picked,
}

/// What was asked, as the client said it.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
}

impl Hitting {
    fn matches(&self, asked: &Asked) -> bool {
        let Asked {
            method,
            path,
            headers,
        } = asked;
        self.picked.matches(method, path, headers)
    }

    /// Whether it may have to read the body of this request's response.
    fn reads_response(&self, asked: &Asked) -> bool {
        self.effect.reads_responses() && self.matches(asked)
    }
}

/// The faults that hit this message, with what is drawn for it.
pub(crate) fn hitting(
    faults: &Stack<Hitting>,
    asked: &Asked,
    direction: Direction,
) -> Vec<(Arc<Active<Hitting>>, StdRng)> {
    let drawn = |active: Arc<Active<Hitting>>| {
        let fault = active.effect();
        if fault.effect.direction() != direction || !fault.matches(asked) {
            return None;
        }
        let mut rng = active.draw("request");
        let share = fault.picked.share;
        let hits = share.is_none_or(|share| rng.random_bool(share));
        hits.then_some((active, rng))
    };
    faults.active().into_iter().filter_map(drawn).collect()
}

/// Whether a fault may have to read the body of this request's response.
pub(crate) fn reads_response(faults: &Stack<Hitting>, asked: &Asked) -> bool {
    let mut active = faults.active().into_iter();
    active.any(|active| active.effect().reads_response(asked))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{effect::Step, requests::Requests};
    use chaos_core::Seed;

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
        let faults = Stack::new();
        let fault = Hitting {
            effect: Arc::new(Nothing),
            picked: Requests::all().share(30.0).build().unwrap(),
        };
        let _fault = faults.put(fault, Seed::new(seed));
        let asked = Asked {
            method: Method::GET,
            path: "/".into(),
            headers: HeaderMap::new(),
        };
        let hit = |_| !hitting(&faults, &asked, Direction::Upstream).is_empty();
        assert!(hitting(&faults, &asked, Direction::Downstream).is_empty());
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
