//! HTTP/1.1: one connection that is kept while it can be used again.

use super::{Dialer, Endpoint, channel::read, dial::connect, error::class_of};
use crate::load::Class;
use bytes::Bytes;
use http::{Request, header::HOST, response::Parts};
use http_body_util::Full;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    task::JoinHandle,
};

/// One connection that is kept while it can be used again. Dropping it closes it.
#[derive(Debug, Default)]
pub(crate) struct Connection {
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    sender: SendRequest<Full<Bytes>>,
    _driver: Driver,
}

/// The task that moves the bytes; it ends with the connection.
#[derive(Debug)]
pub(super) struct Driver(pub(super) JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Connection {
    pub(super) async fn send(
        &mut self,
        dialer: &Dialer,
        endpoint: &Endpoint,
        mut request: Request<Full<Bytes>>,
        most: u64,
    ) -> Result<Parts, Class> {
        *request.uri_mut() = endpoint.target.clone();
        if !request.headers().contains_key(HOST)
            && let Ok(host) = endpoint.authority.parse()
        {
            request.headers_mut().insert(HOST, host);
        }
        let mut open = match self.reusable().await {
            Some(open) => open,
            None => Open::new(dialer, endpoint).await?,
        };
        let response = open.sender.send_request(request).await;
        let (parts, mut incoming) = response.map_err(|e| class_of(&e))?.into_parts();
        read(&mut incoming, most).await?;
        self.open = Some(open);
        Ok(parts)
    }

    /// The kept connection, unless the other side has closed it.
    async fn reusable(&mut self) -> Option<Open> {
        let mut open = self.open.take()?;
        open.sender.ready().await.is_ok().then_some(open)
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
        let driver = Driver(tokio::spawn(async move {
            // Its error reaches the request that it broke.
            connection.await.ok();
        }));
        Ok(Self {
            sender,
            _driver: driver,
        })
    }
}
