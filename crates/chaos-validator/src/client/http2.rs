//! HTTP/2: one connection for all requests to an endpoint.

use super::{Dialer, Endpoint, Keep, Message, Reply, error::class_of, reply::Body};
use crate::load::Class;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::{sync::Arc, time::Duration};
use tokio::{sync::Mutex, task::JoinHandle};

/// How often a connection on which something is awaited is asked whether it still lives.
const PING: Duration = Duration::from_secs(5);
/// How long it may take to say so: what is silent for longer is closed, or all requests would wait on it for ever.
const PONG: Duration = Duration::from_secs(20);

/// One connection for all requests to an endpoint, made anew when it breaks. Dropping the last copy closes it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Http2 {
    /// Locked while it is being made, so that only one is.
    open: Arc<Mutex<Option<Open>>>,
}

#[derive(Debug)]
struct Open {
    sender: SendRequest<Full<Bytes>>,
    _driver: Driver,
}

/// The task that moves the bytes; it ends with the connection.
#[derive(Debug)]
struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Http2 {
    pub(super) async fn send(
        &self,
        dialer: &Dialer,
        message: &Message,
        keep: Keep,
    ) -> Result<Reply, Class> {
        let mut sender = self.sender(dialer, message.endpoint()).await?;
        sender.ready().await.map_err(|e| class_of(&e))?;
        let response = sender.send_request(message.request()).await;
        let (head, mut incoming) = response.map_err(|e| class_of(&e))?.into_parts();
        let mut body = Body::new(keep);
        while let Some(frame) = incoming.frame().await {
            let frame = frame.map_err(|e| class_of(&e))?;
            if let Some(data) = frame.data_ref() {
                body.take(data)?;
            }
        }
        Ok(Reply {
            status: head.status.as_u16(),
            headers: head.headers,
            body: body.into_bytes(),
        })
    }

    async fn sender(
        &self,
        dialer: &Dialer,
        endpoint: &Endpoint,
    ) -> Result<SendRequest<Full<Bytes>>, Class> {
        let mut open = self.open.lock().await;
        if let Some(open) = open.as_ref().filter(|open| !open.sender.is_closed()) {
            return Ok(open.sender.clone());
        }
        *open = None;
        let made = Open::new(dialer, endpoint).await?;
        Ok(open.insert(made).sender.clone())
    }
}

impl Open {
    async fn new(dialer: &Dialer, endpoint: &Endpoint) -> Result<Self, Class> {
        let stream = dialer.open(endpoint).await?;
        let (sender, connection) = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(PING)
            .keep_alive_timeout(PONG)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|e| class_of(&e))?;
        let driver = Driver(tokio::spawn(async move {
            // Its error reaches the requests that it broke.
            connection.await.ok();
        }));
        Ok(Self {
            sender,
            _driver: driver,
        })
    }
}
