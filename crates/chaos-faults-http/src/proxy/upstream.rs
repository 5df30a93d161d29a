//! The dependency behind a proxy, and the connections to it.

use super::{body::Body, probe, shared::Shared};
use chaos_core::{ConfigError, FaultError};
use http::{
    HeaderMap, HeaderName, HeaderValue, Request, Response, Uri, Version, header, uri::Authority,
};
use hyper::{
    body::Incoming,
    client::conn::{TrySendError, http1, http2},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::{
    fmt, io, mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, pki_types::ServerName},
};

/// Headers that belong to one connection and do not pass (RFC 9110, section 7.6.1).
const HOP_BY_HOP: [HeaderName; 5] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// The dependency behind a proxy.
#[derive(Debug)]
pub(crate) struct Upstream {
    address: Address,
    /// What it gets as the host; `None`: what the client said.
    host: Option<Authority>,
    tls: Option<Tls>,
    /// Whether it speaks HTTP/2 without TLS, once that is known.
    two: Mutex<Option<bool>>,
}

struct Tls {
    name: ServerName<'static>,
    /// Offers HTTP/1.1.
    one: TlsConnector,
    /// Offers HTTP/2, too.
    two: TlsConnector,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tls").field(&self.name).finish()
    }
}

/// Where the dependency is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) secure: bool,
    host: String,
    port: u16,
    authority: Authority,
}

impl Address {
    /// Reads `http://host:port` or `https://host:port`.
    pub(crate) fn parse(text: &str) -> Result<Self, ConfigError> {
        let wrong = || {
            ConfigError::field("upstream", format!("`{text}` is no upstream"))
                .help("write http://host:port or https://host:port, without a path")
        };
        let uri: Uri = text.parse().map_err(|_| wrong())?;
        let secure = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(wrong()),
        };
        let authority = uri.authority().ok_or_else(wrong)?;
        let host = authority
            .host()
            .trim_start_matches('[')
            .trim_end_matches(']');
        let port = match authority.as_str().rsplit_once(':') {
            Some((_, port)) if !port.ends_with(']') => port.parse().map_err(|_| wrong())?,
            _ if secure => 443,
            _ => 80,
        };
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        if host.is_empty() || port == 0 || path != "/" || authority.as_str().contains('@') {
            return Err(wrong());
        }
        Ok(Self {
            secure,
            host: host.to_owned(),
            port,
            authority: authority.clone(),
        })
    }

    /// The host and the port, to be looked up.
    pub(crate) fn lookup(&self) -> (&str, u16) {
        (&self.host, self.port)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.authority)
    }
}

impl fmt::Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}

impl Upstream {
    /// `tls` makes what speaks TLS with it, offering these protocols.
    pub(crate) fn new(
        address: Address,
        host: Option<Authority>,
        tls: Option<&ClientConfig>,
    ) -> Result<Self, FaultError> {
        let tls = match tls {
            None => None,
            Some(config) => {
                let offering = |protocols: &[&[u8]]| {
                    let mut config = config.clone();
                    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
                    TlsConnector::from(Arc::new(config))
                };
                let name = ServerName::try_from(address.host.clone())
                    .map_err(|e| ConfigError::field("upstream", e.to_string()))?;
                Some(Tls {
                    name,
                    one: offering(&[b"http/1.1"]),
                    two: offering(&[b"h2", b"http/1.1"]),
                })
            }
        };
        // An HTTPS server is chosen by its name, which the client does not say when it asks the proxy.
        let host = host.or_else(|| address.secure.then(|| address.authority.clone()));
        Ok(Self {
            address,
            host,
            tls,
            two: Mutex::new(None),
        })
    }

    async fn connect(&self, two: bool) -> Result<Connection, Trouble> {
        let stream = TcpStream::connect(self.address.lookup()).await?;
        stream.set_nodelay(true)?;
        let Some(tls) = &self.tls else {
            let two = two && self.speaks_two().await?;
            return start(stream, two).await;
        };
        let connector = if two { &tls.two } else { &tls.one };
        let stream = connector.connect(tls.name.clone(), stream).await?;
        let two = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        start(stream, two).await
    }

    /// Whether it speaks HTTP/2 without TLS. Asked once, over a connection of its own.
    async fn speaks_two(&self) -> io::Result<bool> {
        if let Some(two) = *self.known() {
            return Ok(two);
        }
        let asked = probe::speaks_two(TcpStream::connect(self.address.lookup()).await?).await?;
        *self.known() = asked;
        Ok(asked.unwrap_or(false))
    }

    fn known(&self) -> MutexGuard<'_, Option<bool>> {
        self.two.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why the dependency gave no answer.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// There is no connection.
    Connect(io::Error),
    /// The connection does not speak HTTP, or ended.
    Http(hyper::Error),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Connect(error)
    }
}

impl From<hyper::Error> for Trouble {
    fn from(error: hyper::Error) -> Self {
        Self::Http(error)
    }
}

impl Trouble {
    pub(crate) fn error(&self) -> &(dyn std::error::Error + 'static) {
        match self {
            Self::Connect(error) => error,
            Self::Http(error) => error,
        }
    }
}

/// One connection to the dependency.
enum Connection {
    /// One request at a time.
    One(http1::SendRequest<Body>),
    /// Many.
    Many(http2::SendRequest<Body>),
}

/// Begins to speak HTTP.
async fn start<S>(stream: S, two: bool) -> Result<Connection, Trouble>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let io = TokioIo::new(stream);
    if two {
        let (sender, connection) = http2::Builder::new(TokioExecutor::new())
            .adaptive_window(true)
            .handshake(io)
            .await?;
        drop(tokio::spawn(connection));
        return Ok(Connection::Many(sender));
    }
    let (sender, connection) = http1::Builder::new()
        .preserve_header_case(true)
        .handshake(io)
        .await?;
    drop(tokio::spawn(connection.with_upgrades()));
    Ok(Connection::One(sender))
}

/// The connections to the dependency that one client's connection has: without a proxy it would have had one.
pub(crate) struct Connections {
    shared: Arc<Shared>,
    one: Mutex<Vec<http1::SendRequest<Body>>>,
    many: tokio::sync::Mutex<Option<http2::SendRequest<Body>>>,
}

impl Connections {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            one: Mutex::default(),
            many: tokio::sync::Mutex::default(),
        }
    }

    /// Asks the dependency, in the version of HTTP in which the proxy was asked.
    pub(crate) async fn send(&self, request: Request<Body>) -> Result<Response<Incoming>, Trouble> {
        if request.version() == Version::HTTP_2 {
            self.send_in_two(request).await
        } else {
            // The response before this one has been passed on, so its connection is about to be free.
            let free = self.idle().pop();
            let free = match free {
                Some(mut one) => one.ready().await.is_ok().then_some(one),
                None => None,
            };
            self.send_in_one(free, request).await
        }
    }

    async fn send_in_two(&self, request: Request<Body>) -> Result<Response<Incoming>, Trouble> {
        let free = {
            let mut idle = self.idle();
            idle.retain(|one| !one.is_closed());
            let at = idle.iter().position(http1::SendRequest::is_ready);
            at.map(|at| idle.swap_remove(at))
        };
        if free.is_some() {
            return self.send_in_one(free, request).await;
        }
        let mut sender = {
            let mut many = self.many.lock().await;
            match &*many {
                Some(sender) if !sender.is_closed() => sender.clone(),
                _ => match self.shared.upstream().connect(true).await? {
                    Connection::Many(sender) => many.insert(sender).clone(),
                    Connection::One(one) => {
                        drop(many);
                        return self.send_in_one(Some(one), request).await;
                    }
                },
            }
        };
        sender.ready().await?;
        Ok(sender.send_request(self.in_two(request)).await?)
    }

    /// Sends it over a connection that is free, or over a new one when that has been closed meanwhile.
    async fn send_in_one(
        &self,
        free: Option<http1::SendRequest<Body>>,
        request: Request<Body>,
    ) -> Result<Response<Incoming>, Trouble> {
        let mut request = self.in_one(request);
        if let Some(mut one) = free {
            match one.try_send_request(request).await {
                Ok(response) => {
                    self.idle().push(one);
                    return Ok(response);
                }
                Err(error) => request = unsent(error)?,
            }
        }
        match self.shared.upstream().connect(false).await? {
            Connection::One(mut one) => {
                let response = one.send_request(request).await?;
                self.idle().push(one);
                Ok(response)
            }
            Connection::Many(mut many) => Ok(many.send_request(self.in_two(request)).await?),
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<http1::SendRequest<Body>>> {
        self.one.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The request as HTTP/1.1 has it.
    fn in_one(&self, mut request: Request<Body>) -> Request<Body> {
        *request.version_mut() = Version::HTTP_11;
        let said = request.uri().authority().map(Authority::as_str);
        let host = self.shared.upstream().host.as_ref().map(Authority::as_str);
        let said = said.and_then(|said| HeaderValue::from_str(said).ok());
        let host = host.and_then(|host| HeaderValue::from_str(host).ok());
        let headers = request.headers_mut();
        if let Some(host) = host {
            headers.insert(header::HOST, host);
        } else if let Some(said) = said {
            headers.entry(header::HOST).or_insert(said);
        }
        let uri = mem::take(request.uri_mut());
        *request.uri_mut() = relative(uri);
        request
    }

    /// The request as HTTP/2 has it.
    fn in_two(&self, mut request: Request<Body>) -> Request<Body> {
        *request.version_mut() = Version::HTTP_2;
        let upstream = self.shared.upstream();
        let said = request.headers_mut().remove(header::HOST);
        let said = said.and_then(|said| Authority::try_from(said.as_bytes()).ok());
        let mut parts = mem::take(request.uri_mut()).into_parts();
        let authority = upstream.host.clone().or(parts.authority.take()).or(said);
        parts.authority = Some(authority.unwrap_or_else(|| upstream.address.authority.clone()));
        parts.scheme = Some(match upstream.address.secure {
            true => http::uri::Scheme::HTTPS,
            false => http::uri::Scheme::HTTP,
        });
        parts
            .path_and_query
            .get_or_insert_with(|| http::uri::PathAndQuery::from_static("/"));
        // All three parts are there.
        *request.uri_mut() = Uri::from_parts(parts).unwrap_or_default();
        request
    }
}

/// The request, if it was not sent.
fn unsent(mut error: TrySendError<Request<Body>>) -> Result<Request<Body>, hyper::Error> {
    match error.take_message() {
        Some(request) => Ok(request),
        None => Err(error.into_error()),
    }
}

/// The path and the query of it.
fn relative(uri: Uri) -> Uri {
    let path = uri.into_parts().path_and_query;
    path.map(Uri::from).unwrap_or_default()
}

/// Takes the headers out that belong to one connection; those of an upgrade stay.
pub(crate) fn without_hop_by_hop(headers: &mut HeaderMap, upgrade: Option<HeaderValue>) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
    if let Some(protocol) = upgrade {
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, protocol);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upstream_is_a_scheme_a_host_and_a_port() {
        for (text, secure, host, port) in [
            ("http://127.0.0.1:8080", false, "127.0.0.1", 8080),
            ("http://stock", false, "stock", 80),
            ("https://stock.example/", true, "stock.example", 443),
            ("https://[::1]:8443", true, "::1", 8443),
            ("http://[::1]", false, "::1", 80),
        ] {
            let address = Address::parse(text).unwrap();
            assert_eq!(
                (address.secure, address.lookup()),
                (secure, (host, port)),
                "{text}"
            );
        }
        for text in [
            "",
            "stock",
            "stock:80",
            "ftp://stock",
            "http://",
            "http://stock:0",
            "http://stock:99999",
            "http://stock/path",
            "http://user@stock",
            "http://stock?a",
        ] {
            let error = Address::parse(text).unwrap_err().to_string();
            assert!(error.contains("upstream"), "{text}: {error}");
        }
    }

    #[test]
    fn what_belongs_to_a_connection_does_not_pass() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "close, X-Mine"),
            ("x-mine", "1"),
            ("x-other", "2"),
            ("keep-alive", "3"),
            ("upgrade", "h2c"),
            ("te", "trailers"),
        ] {
            headers.insert(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        without_hop_by_hop(&mut headers, None);
        let mut left: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["te", "x-other"]);
        without_hop_by_hop(&mut headers, Some(HeaderValue::from_static("websocket")));
        assert_eq!(headers["connection"], "upgrade");
    }
}
