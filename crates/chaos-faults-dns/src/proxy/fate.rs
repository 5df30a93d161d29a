//! What becomes of one query.

use super::{
    hitting::{Hitting, hitting},
    shared::Shared,
};
use crate::{
    asked::{Asked, Client, is_query},
    effect::Step,
};
use chaos_core::Active;
use std::sync::Arc;

/// What becomes of one query.
#[derive(Debug)]
pub(super) enum Fate {
    /// The upstream is asked.
    Forward,
    /// The client is told this.
    Answer(Vec<u8>),
    /// Nothing, because of this fault.
    Silence(Arc<Active<Hitting>>),
    /// Nothing: it is no query.
    Nothing,
}

/// Has the faults work on a query, in their order: delays add up, and the first answer is the answer.
pub(super) async fn fate(shared: &Shared, query: &[u8], client: Client) -> Fate {
    if !is_query(query) {
        return Fate::Nothing;
    }
    let faults = shared.faults();
    if faults.is_empty() {
        return Fate::Forward;
    }
    let Some(asked) = Asked::read(query, client) else {
        return Fate::Forward;
    };
    for (active, mut rng) in hitting(faults, &asked) {
        // It may have been taken off while the query waited for another one.
        if !active.is_on() {
            continue;
        }
        match active.effect().effect.step(&asked, &mut rng) {
            Step::Wait(time) => {
                active.hit();
                active.wait(time).await;
            }
            Step::Answer(reply) => {
                if let Some(answer) = reply.answer_to(&asked, query) {
                    active.hit();
                    return Fate::Answer(answer);
                }
            }
            Step::Silence => {
                active.hit();
                return Fate::Silence(active);
            }
        }
    }
    Fate::Forward
}
