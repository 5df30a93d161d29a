//! Noticing that one end of a connection is gone though nobody reads from it.

use super::stream::Stream;

#[cfg(target_os = "linux")]
mod hang_up;
#[cfg(target_os = "linux")]
pub(crate) use hang_up::{Watch, start};

#[cfg(not(target_os = "linux"))]
mod none;
#[cfg(not(target_os = "linux"))]
pub(crate) use none::{Watch, start};

/// How one end is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gone {
    /// It was reset.
    Reset,
    /// It was closed, both ways: only a Unix socket tells that from having nothing more to say.
    Closed,
}

/// What is watched: an end from which nobody reads.
#[cfg_attr(
    not(target_os = "linux"),
    expect(dead_code, reason = "nobody looks at it there")
)]
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unread<'a> {
    pub(crate) stream: &'a Stream,
    /// It was told that there is nothing more to come, so a hang-up may be no more than the end of both ways.
    pub(crate) told: bool,
}
