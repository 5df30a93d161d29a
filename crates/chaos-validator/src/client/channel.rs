//! One way to an endpoint, whatever is spoken on it.

use super::{Dialer, Endpoint, error::class_of, http1::Connection, http2::Http2};
use crate::load::Class;
use bytes::Bytes;
use http::{Request, response::Parts};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;

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

    /// Sends a request, connecting before if need be, and reads the answer to its end, up to `most` bytes of body, keeping none
    /// of them.
    ///
    /// A request is sent at most once: when a kept connection breaks under it, that is the answer.
    pub(crate) async fn send(
        &mut self,
        dialer: &Dialer,
        endpoint: &Endpoint,
        request: Request<Full<Bytes>>,
        most: u64,
    ) -> Result<Parts, Class> {
        let body = &mut Body::Drop;
        self.exchange(dialer, endpoint, request, most, body).await
    }

    /// The same, keeping the body.
    pub(crate) async fn fetch(
        &mut self,
        dialer: &Dialer,
        endpoint: &Endpoint,
        request: Request<Full<Bytes>>,
        most: u64,
    ) -> Result<(Parts, Vec<u8>), Class> {
        let mut body = Body::Keep(Vec::new());
        let parts = self
            .exchange(dialer, endpoint, request, most, &mut body)
            .await?;
        Ok(match body {
            Body::Keep(bytes) => (parts, bytes),
            Body::Drop => (parts, Vec::new()),
        })
    }

    async fn exchange(
        &mut self,
        dialer: &Dialer,
        endpoint: &Endpoint,
        request: Request<Full<Bytes>>,
        most: u64,
        body: &mut Body,
    ) -> Result<Parts, Class> {
        match self {
            Self::Own(connection) => connection.send(dialer, endpoint, request, most, body).await,
            Self::Shared(http2) => http2.send(dialer, endpoint, request, most, body).await,
        }
    }
}

/// What becomes of a body.
#[derive(Debug)]
pub(crate) enum Body {
    /// Nobody wants it.
    Drop,
    /// It goes here.
    Keep(Vec<u8>),
}

/// Reads a body to its end, up to `most` bytes.
pub(super) async fn read(incoming: &mut Incoming, most: u64, body: &mut Body) -> Result<(), Class> {
    let mut read = 0;
    while let Some(frame) = incoming.frame().await {
        let frame = frame.map_err(|e| class_of(&e))?;
        let Some(data) = frame.data_ref() else {
            continue;
        };
        read += data.len() as u64;
        if read > most {
            return Err(Class::BadBody);
        }
        if let Body::Keep(bytes) = body {
            bytes.extend_from_slice(data);
        }
    }
    Ok(())
}
