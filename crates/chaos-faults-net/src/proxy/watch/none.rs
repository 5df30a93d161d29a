//! There is no way to: it is noticed when it is read or written.

use super::{Gone, Unread};
use std::{
    future::{Future, pending},
    io,
    task::{Context, Poll},
};

/// What a worker's thread runs. Here it needs nothing.
pub(crate) fn start() -> io::Result<impl Future<Output = ()> + Send> {
    Ok(pending())
}

/// Notices nothing.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    _nothing: (),
}

impl Watch {
    /// Notices an end, too.
    pub(crate) fn for_the_end() -> Self {
        Self::default()
    }

    /// Whether the end is gone.
    pub(crate) fn poll(&mut self, _: &mut Context<'_>, _: Unread<'_>) -> Poll<Gone> {
        Poll::Pending
    }
}
