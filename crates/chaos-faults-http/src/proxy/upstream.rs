//! The dependency behind a proxy, and the connections to it.

use super::{
    body::Body,
    limits, probe,
    socket::{Cut, Side, Socket},
};
use chaos_core::{ConfigError, FaultError};
use http::{Uri, uri::Authority};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::{
    fmt, io,
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

/// The dependency behind a proxy.
#[derive(Debug)]
pub(crate) struct Upstream {
    pub(super) address: Address,
    /// What it gets as the host; `None`: what the client said.
    pub(super) host: Option<Authority>,
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
    pub(super) authority: Authority,
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

    /// Connects, offering HTTP/2 or not.
    pub(super) async fn connect(&self, two: bool) -> Result<(Connection, Side), Trouble> {
        let stream = TcpStream::connect(self.address.lookup()).await?;
        stream.set_nodelay(true)?;
        let stream = Socket::new(stream, Cut::default());
        let side = stream.side();
        let Some(tls) = &self.tls else {
            let two = two && self.speaks_two().await?;
            return Ok((start(stream, two).await?, side));
        };
        let connector = if two { &tls.two } else { &tls.one };
        let stream = connector.connect(tls.name.clone(), stream).await?;
        let two = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        Ok((start(stream, two).await?, side))
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
pub(super) enum Connection {
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
            .max_header_list_size(limits::FIELDS_IN_TWO)
            .handshake(io)
            .await?;
        drop(tokio::spawn(connection));
        return Ok(Connection::Many(sender));
    }
    let (sender, connection) = http1::Builder::new()
        .preserve_header_case(true)
        .max_headers(limits::FIELDS)
        .handshake(io)
        .await?;
    drop(tokio::spawn(connection.with_upgrades()));
    Ok(Connection::One(sender))
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
}
