//! What a proxy is to be like.

use super::{
    HttpProxy,
    ca_file::CaFile,
    server::serve,
    shared::Shared,
    threads,
    tls::{self, Authority},
    upstream::{Address, Upstream},
};
use chaos_core::{ConfigError, FaultError};
use http::uri;
use std::{io, net::SocketAddr, path::PathBuf, sync::Arc};
use tokio::net::{TcpListener, TcpSocket};

/// What a proxy is to be like.
#[derive(Debug, Clone)]
#[must_use = "nothing listens before it is opened"]
pub struct HttpProxyBuilder {
    name: Option<String>,
    listen: String,
    upstream: String,
    host: Option<String>,
    trust: Option<String>,
    ca_file: Option<PathBuf>,
}

impl HttpProxyBuilder {
    pub(super) fn new(upstream: String) -> Self {
        Self {
            name: None,
            listen: "127.0.0.1:0".to_owned(),
            upstream,
            host: None,
            trust: None,
            ca_file: None,
        }
    }

    /// Where it listens: `host:port`; port 0 takes a free one. Default: `127.0.0.1:0`.
    pub fn listen(mut self, listen: impl ToString) -> Self {
        self.listen = listen.to_string();
        self
    }

    /// What the upstream gets as the host. Default: what the client said; for an HTTPS upstream its own name.
    pub fn host(mut self, host: impl Into<String>) -> Self {
        self.host = Some(host.into());
        self
    }

    /// Whom else to trust as an HTTPS upstream: certificates in PEM. Default: whom this host trusts.
    pub fn trust(mut self, pem: impl Into<String>) -> Self {
        self.trust = Some(pem.into());
        self
    }

    /// A file to write the certificate of the proxy's [authority](HttpProxy::authority) to, for clients in other
    /// processes. It is removed with the proxy; one that another program wrote is left alone, and refused. One
    /// that a killed process has left is replaced. Default: none.
    pub fn ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.ca_file = Some(path.into());
        self
    }

    /// Its name for people. Default: its address.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Checks what can be told without asking anybody.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let port = self.listen.rsplit_once(':');
        if !port.is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok()) {
            let problem = format!("`{}` is not an address", self.listen);
            return Err(ConfigError::field("listen", problem).help(
                "write host:port with a port from 0 to 65535, such as 127.0.0.1:8080 or [::1]:0",
            ));
        }
        Address::parse(&self.upstream)?;
        self.authority().map(drop)
    }

    /// The host that the upstream gets.
    fn authority(&self) -> Result<Option<uri::Authority>, ConfigError> {
        let Some(host) = &self.host else {
            return Ok(None);
        };
        let wrong = || {
            ConfigError::field("host", format!("`{host}` is no host"))
                .help("a name or an address, with a port if it is not the usual one")
        };
        Ok(Some(host.parse().map_err(|_| wrong())?))
    }

    /// Begins to listen.
    ///
    /// # Errors
    /// One of the settings is wrong, the port is in use, or the upstream is the proxy itself.
    pub async fn open(self) -> Result<HttpProxy, FaultError> {
        self.check()?;
        // Names are looked up on the proxies' runtime: the caller may have none.
        let runtime = threads::runtime()?;
        let starting = runtime.spawn(self.start());
        starting
            .await
            .map_err(|e| FaultError::host("start the proxy", e))?
    }

    async fn start(self) -> Result<HttpProxy, FaultError> {
        let host = self.authority()?;
        let upstream = Address::parse(&self.upstream)?;
        let listener = listen(&self.listen).await?;
        let address = listener
            .local_addr()
            .map_err(|e| FaultError::host("start the proxy", e))?;
        not_itself(address, &upstream, &self.upstream).await?;
        let trusts = match upstream.secure {
            true => Some(tls::client(self.trust.as_deref())?),
            false => None,
        };
        let upstream = Upstream::new(upstream, host, trusts.as_ref())?;
        let authority = Authority::new(address.ip())?;
        let ca_file = self
            .ca_file
            .map(|path| CaFile::write(path, &authority.pem()));
        let ca_file = ca_file.transpose()?;
        let shared = Arc::new(Shared::new(self.name, address, upstream, authority));
        let server =
            tls::server(&shared).map_err(|e| FaultError::host("speak TLS", io::Error::other(e)))?;
        let serving = serve(Arc::clone(&shared), listener, server.into());
        let task = tokio::spawn(serving).abort_handle();
        Ok(HttpProxy::running(shared, task, ca_file))
    }
}

/// So many clients may wait to be accepted; the system may allow fewer. One that finds no room asks again after a second.
const BACKLOG: u32 = 4096;

/// Takes the first of the addresses that can be had.
async fn listen(address: &str) -> Result<TcpListener, FaultError> {
    let addresses = tokio::net::lookup_host(address)
        .await
        .map_err(|e| FaultError::no_target(address, e.to_string()))?;
    let mut problem = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in addresses {
        match listen_at(address) {
            Ok(listener) => return Ok(listener),
            Err(error) => problem = error,
        }
    }
    Err(match problem.kind() {
        io::ErrorKind::AddrInUse => FaultError::conflict(
            format!("the address {address}"),
            "another program listens there; choose another port, or port 0 for a free one",
        ),
        _ => FaultError::host(format!("listen on {address}"), problem),
    })
}

fn listen_at(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // Elsewhere it would let two listen on one port.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// An upstream that is the proxy itself would make requests without end. One that cannot be looked up yet is another.
async fn not_itself(
    listens: SocketAddr,
    upstream: &Address,
    text: &str,
) -> Result<(), ConfigError> {
    let leads_here = |address: SocketAddr| {
        let (ip, any) = (address.ip(), listens.ip().is_unspecified());
        let here = ip == listens.ip() || ip.is_unspecified() || any && ip.is_loopback();
        here && address.port() == listens.port()
    };
    let found = tokio::net::lookup_host(upstream.lookup()).await;
    if found.is_ok_and(|mut found| found.any(leads_here)) {
        return Err(
            ConfigError::field("upstream", format!("`{text}` is the proxy itself")).help(
                "the address of the dependency, which is another one than the proxy listens on",
            ),
        );
    }
    Ok(())
}
