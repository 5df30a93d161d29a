//! What becomes of one query.

use super::shared::Shared;
use crate::{
    asked::{Asked, Client, is_query},
    effect::Step,
};

/// What becomes of one query.
#[derive(Debug)]
pub(super) enum Fate {
    /// The upstream is asked.
    Forward,
    /// The client is told this.
    Answer(Vec<u8>),
    /// Nothing, because of this fault.
    Silence(u64),
    /// Nothing: it is no query.
    Nothing,
}

/// Has the faults work on a query, in their order: delays add up, and the first answer is the answer.
pub(super) async fn fate(shared: &Shared, query: &[u8], client: Client) -> Fate {
    if !is_query(query) {
        return Fate::Nothing;
    }
    let stack = shared.stack();
    if stack.is_empty() {
        return Fate::Forward;
    }
    let Some(asked) = Asked::read(query, client) else {
        return Fate::Forward;
    };
    for (active, mut rng) in stack.hitting(&asked) {
        // It may have been taken off while the query waited for another one.
        if !shared.holds(active.id) {
            continue;
        }
        match active.effect.step(&asked, &mut rng) {
            Step::Wait(time) => {
                active.hit();
                shared.wait(time, active.id).await;
            }
            Step::Answer(reply) => {
                if let Some(answer) = reply.answer_to(&asked, query) {
                    active.hit();
                    return Fate::Answer(answer);
                }
            }
            Step::Silence => {
                active.hit();
                return Fate::Silence(active.id);
            }
        }
    }
    Fate::Forward
}
