//! A client with one connection.

use super::within;
use bytes::Bytes;
use chaos_faults_http::HttpProxy;
use http::{HeaderMap, Request, StatusCode, Version};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, ServerName, pem::PemObject},
    },
};

/// Which version of HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speaks {
    One,
    Two,
}

/// A client with one connection.
pub(crate) enum Client {
    One(http1::SendRequest<Full<Bytes>>),
    Two(http2::SendRequest<Full<Bytes>>),
}

/// What a client was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) version: Version,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) trailers: Option<HeaderMap>,
    /// How long the head took.
    pub(crate) took: Duration,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// Asks for a path.
fn get(path: &str) -> Request<Full<Bytes>> {
    Request::get(path).body(Full::default()).unwrap()
}

impl Client {
    pub(crate) async fn connect(proxy: &HttpProxy, speaks: Speaks) -> Self {
        let stream = within(TcpStream::connect(proxy.address())).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self::start(stream, speaks).await
    }

    /// With TLS, as the server `name`, trusting who issued `authority`.
    pub(crate) async fn secure(
        proxy: &HttpProxy,
        speaks: Speaks,
        name: &str,
        authority: &str,
    ) -> std::io::Result<Self> {
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_slice(authority.as_bytes()).unwrap())
            .unwrap();
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![match speaks {
            Speaks::One => b"http/1.1".to_vec(),
            Speaks::Two => b"h2".to_vec(),
        }];
        let stream = within(TcpStream::connect(proxy.address())).await?;
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let stream = within(TlsConnector::from(Arc::new(config)).connect(name, stream)).await?;
        Ok(Self::start(stream, speaks).await)
    }

    async fn start<S>(stream: S, speaks: Speaks) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let io = TokioIo::new(stream);
        match speaks {
            Speaks::One => {
                let (sender, connection) = within(http1::handshake(io)).await.unwrap();
                tokio::spawn(connection.with_upgrades());
                Self::One(sender)
            }
            Speaks::Two => {
                let executor = TokioExecutor::new();
                let (sender, connection) = within(http2::handshake(executor, io)).await.unwrap();
                tokio::spawn(connection);
                Self::Two(sender)
            }
        }
    }

    /// Sends a request. HTTP/1 gets a host, HTTP/2 an authority.
    pub(crate) async fn ask(
        &mut self,
        mut request: Request<Full<Bytes>>,
    ) -> Result<Answer, hyper::Error> {
        let start = Instant::now();
        let response = match self {
            Self::One(sender) => {
                let headers = request.headers_mut();
                headers
                    .entry("host")
                    .or_insert("stock.test".parse().unwrap());
                within(sender.ready()).await?;
                within(sender.send_request(request)).await?
            }
            Self::Two(sender) => {
                let uri = format!("http://stock.test{}", request.uri());
                *request.uri_mut() = uri.parse().unwrap();
                within(sender.ready()).await?;
                within(sender.send_request(request)).await?
            }
        };
        let took = start.elapsed();
        let (parts, body) = response.into_parts();
        let body = within(body.collect()).await?;
        Ok(Answer {
            status: parts.status,
            version: parts.version,
            headers: parts.headers,
            trailers: body.trailers().cloned(),
            body: body.to_bytes(),
            took,
        })
    }

    pub(crate) async fn get(&mut self, path: &str) -> Result<Answer, hyper::Error> {
        self.ask(get(path)).await
    }
}
