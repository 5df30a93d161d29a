//! What a fault does to the datagrams of one direction of one session.

use bytes::Bytes;
use std::{fmt, time::Instant};

/// One step on the way of datagrams through a session. Each datagram has a fate of its own: what is late may be overtaken.
pub(crate) trait DatagramStage: fmt::Debug + Send {
    /// What happens to a datagram. Asked once for each, when it comes there.
    fn judge(&mut self, datagram: &Datagram<'_>) -> Onward;
}

/// A datagram that comes to a stage.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Datagram<'a> {
    /// When it comes there.
    pub(crate) at: Instant,
    pub(crate) data: &'a [u8],
}

/// What happens to a datagram.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Onward {
    /// It goes on at that time.
    At(Instant),
    /// Another one goes on in its place.
    Changed(Bytes, Instant),
    /// It goes on twice.
    Twice(Instant),
    /// It stays until the faults change.
    Held,
    /// It is gone, and nobody is told.
    Lost,
}
