//! Faults of one run that get in each other's way.

use super::prepare::Prepared;
use crate::{Placed, Refusal, RefusalReason};
use std::time::Duration;

/// What of these faults is refused because an earlier one of them has the same resource at the same time.
pub(super) fn at_once(placements: &[Placed], prepared: &[Prepared]) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    for (n, later) in prepared.iter().enumerate() {
        for earlier in &prepared[..n] {
            let [one, other] = [earlier, later].map(|ready| span(&placements[ready.index], ready));
            if one.1 <= other.0 || other.1 <= one.0 {
                continue;
            }
            let (first, placed) = (&placements[earlier.index], &placements[later.index]);
            let both = earlier.kept();
            refusals.extend(later.kept().intersection(&both).map(|resource| {
                let by = format!(
                    "{} on {} at the same time; let one begin when the other is over (`after`, `hold`)",
                    first.kind(),
                    first.target()
                );
                Refusal {
                    fault: placed.kind().to_owned(),
                    target: placed.target(),
                    why: RefusalReason::Taken {
                        resource: resource.clone(),
                        by,
                    },
                }
            }));
        }
    }
    refusals
}

/// From when to when it may be in place.
fn span(placed: &Placed, prepared: &Prepared) -> (Duration, Duration) {
    let hold = placed.hold.or(prepared.plan.lasting);
    let hold = hold.filter(|_| placed.every.is_none());
    let end = hold.map_or(Duration::MAX, |hold| placed.after.saturating_add(hold));
    (placed.after, end)
}
