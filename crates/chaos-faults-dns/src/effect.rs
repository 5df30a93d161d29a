//! What a fault does to the queries of a proxy.

use crate::{
    asked::{Asked, Transport},
    reply::Reply,
};
use rand::rngs::StdRng;
use std::{fmt, time::Duration};

/// What a fault does to the queries that it hits.
pub(crate) trait Effect: fmt::Debug + Send + Sync + 'static {
    /// Whether it hits queries that come this way.
    fn hits(&self, _: Transport) -> bool {
        true
    }

    /// What happens to one query.
    fn step(&self, asked: &Asked, rng: &mut StdRng) -> Step;
}

/// What happens to one query.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Step {
    /// It goes on later.
    Wait(Duration),
    /// The client gets this in place of an answer.
    Answer(Reply),
    /// The client hears nothing.
    Silence,
}
