//! Faults of one run that get in each other's way.

use super::prepare::Prepared;
use crate::{Placed, Refusal, RefusalReason};
use std::{iter, time::Duration};

/// Of a fault that comes again and again so many rounds are looked at.
const ROUNDS: usize = 10_000;

/// What of these faults is refused because an earlier one of them has the same resource at the same time of a session that
/// lasts no longer than `most`.
pub(super) fn at_once(
    placements: &[Placed],
    prepared: &[Prepared],
    most: Duration,
) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    for (n, later) in prepared.iter().enumerate() {
        for earlier in &prepared[..n] {
            let (first, placed) = (&placements[earlier.index], &placements[later.index]);
            let both = earlier.kept();
            let kept = later.kept();
            let mut shared = kept.intersection(&both).peekable();
            if shared.peek().is_none()
                || !meet(rounds(first, earlier, most), rounds(placed, later, most))
            {
                continue;
            }
            refusals.extend(shared.map(|resource| {
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

/// From when to when it is in place, again and again.
type Round = (Duration, Duration);

fn rounds(placed: &Placed, prepared: &Prepared, most: Duration) -> impl Iterator<Item = Round> {
    let hold = placed.hold.or(prepared.plan.lasting);
    let every = placed.every.filter(|every| !every.is_zero());
    let again = move |begin: &Duration| Some(begin.saturating_add(every?)).filter(|at| *at < most);
    iter::successors(Some(placed.after), again)
        .take(ROUNDS)
        .map(move |begin| {
            let end = hold.map_or(Duration::MAX, |hold| begin.saturating_add(hold));
            (begin, end)
        })
}

/// Whether a round of the one begins before one of the other is over.
fn meet(one: impl Iterator<Item = Round>, other: impl Iterator<Item = Round>) -> bool {
    let (mut one, mut other) = (one.peekable(), other.peekable());
    while let (Some(a), Some(b)) = (one.peek(), other.peek()) {
        if a.1 <= b.0 {
            one.next();
        } else if b.1 <= a.0 {
            other.next();
        } else {
            return true;
        }
    }
    false
}
