//! HTTP/1.1: one connection that is kept while it can be used again.

use super::{
    Dialer, Endpoint,
    channel::{Body, read},
    dial::connect,
    error::class_of,
};
use crate::load::Class;
use bytes::Bytes;
use http::{Request, header::HOST, response::Parts};
use http_body_util::Full;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use std::{
    fmt,
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::{Context, Poll},
};
use tokio::io::{AsyncRead, AsyncWrite};

/// One connection that is kept while it can be used again. Dropping it closes it.
#[derive(Debug, Default)]
pub(crate) struct Connection {
    open: Option<Open>,
}

/// A connection and what moves its bytes, which is polled by whoever uses it: a task of its own would be woken and would wake
/// for every answer, which a fast load feels.
struct Open {
    sender: SendRequest<Full<Bytes>>,
    driver: Pin<Box<dyn Future<Output = Result<(), hyper::Error>> + Send>>,
    /// The driver is done: the connection is closed.
    over: bool,
}

impl fmt::Debug for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Open")
            .field("over", &self.over)
            .finish_non_exhaustive()
    }
}

impl Connection {
    pub(super) async fn send(
        &mut self,
        dialer: &Dialer,
        endpoint: &Endpoint,
        mut request: Request<Full<Bytes>>,
        most: u64,
        body: &mut Body,
    ) -> Result<Parts, Class> {
        *request.uri_mut() = endpoint.target.clone();
        if !request.headers().contains_key(HOST) {
            let host = endpoint.host_header.clone();
            request.headers_mut().insert(HOST, host);
        }
        let mut open = match self.reusable().await {
            Some(open) => open,
            None => Open::new(dialer, endpoint).await?,
        };
        let sent = open.sender.send_request(request);
        let (parts, mut incoming) = open
            .driving(sent)
            .await
            .map_err(|e| class_of(&e))?
            .into_parts();
        open.driving(read(&mut incoming, most, body)).await?;
        self.open = Some(open);
        Ok(parts)
    }

    /// The kept connection, unless the other side has closed it.
    async fn reusable(&mut self) -> Option<Open> {
        let mut open = self.open.take()?;
        // What the other side has done meanwhile is noticed now.
        poll_fn(|cx| {
            open.drive(cx);
            match open.over {
                true => Poll::Ready(None),
                false => open.sender.poll_ready(cx).map(Result::ok),
            }
        })
        .await?;
        Some(open)
    }
}

impl Open {
    async fn new(dialer: &Dialer, endpoint: &Endpoint) -> Result<Self, Class> {
        let stream = connect(&endpoint.host, endpoint.port)
            .await
            .map_err(|e| e.0)?;
        match endpoint.tls {
            true => Self::over(dialer.tls.handshake(endpoint, stream).await?).await,
            false => Self::over(stream).await,
        }
    }

    async fn over<S>(stream: S) -> Result<Self, Class>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|e| class_of(&e))?;
        Ok(Self {
            sender,
            driver: Box::pin(connection),
            over: false,
        })
    }

    fn drive(&mut self, cx: &mut Context<'_>) {
        // Its error reaches the request that it broke.
        self.over = self.over || self.driver.as_mut().poll(cx).is_ready();
    }

    /// Moves bytes until the future is ready.
    async fn driving<F: Future>(&mut self, future: F) -> F::Output {
        let mut future = pin!(future);
        poll_fn(|cx| {
            // What was asked for goes out, and what came in is taken, in one go.
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                return Poll::Ready(output);
            }
            self.drive(cx);
            future.as_mut().poll(cx)
        })
        .await
    }
}
