//! What a fault does to the messages of a proxy.

use crate::{answer::Answer, direction::Direction, rewrite::Rewrite};
use rand::rngs::StdRng;
use std::{fmt, time::Duration};

/// What a fault does to the messages that it hits.
pub(crate) trait Effect: fmt::Debug + Send + Sync + 'static {
    /// Which message it works on.
    fn direction(&self) -> Direction;

    /// What happens to one message.
    fn step(&self, rng: &mut StdRng) -> Step<'_>;

    /// Whether it reads the bodies of responses, which must not be compressed then.
    fn reads_responses(&self) -> bool {
        false
    }
}

/// What happens to one message.
#[derive(Debug)]
pub(crate) enum Step<'a> {
    /// It goes on later.
    Wait(Duration),
    /// The client gets this answer in its place.
    Answer(&'a Answer),
    /// The client's connection is reset (HTTP/1), or its stream (HTTP/2).
    Reset,
    /// It is changed.
    Rewrite(&'a Rewrite),
}
