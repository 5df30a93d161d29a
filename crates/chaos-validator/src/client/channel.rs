//! One way to an endpoint, whatever is spoken on it.

use super::{Dialer, Keep, Message, Reply, http1::Connection, http2::Http2};
use crate::load::Class;

/// What the ways to one endpoint share: the connection of HTTP/2.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shared(Http2);

/// One way to an endpoint. Dropping it closes what is its own.
#[derive(Debug)]
pub(crate) enum Channel {
    /// A connection for one request at a time.
    Own(Connection),
    /// A stream of a connection that others have streams of, too.
    Shared(Http2),
}

impl Channel {
    /// One that is not connected yet.
    pub(crate) fn new(dialer: &Dialer, shared: &Shared) -> Self {
        match dialer.http2 {
            true => Self::Shared(shared.0.clone()),
            false => Self::Own(Connection::default()),
        }
    }

    /// Sends a request, connecting before if need be, and reads the answer to its end.
    ///
    /// A request is sent at most once: when a kept connection breaks under it, that is the answer.
    pub(crate) async fn send(
        &mut self,
        dialer: &Dialer,
        message: &Message,
        keep: Keep,
    ) -> Result<Reply, Class> {
        match self {
            Self::Own(connection) => connection.send(dialer, message, keep).await,
            Self::Shared(http2) => http2.send(dialer, message, keep).await,
        }
    }
}
