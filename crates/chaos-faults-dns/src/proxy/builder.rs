//! What a proxy is to be like.

use super::{DnsProxy, ports::Ports, shared::Shared, tcp, threads, udp};
use chaos_core::{ConfigError, FaultError, units::Time};
use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

/// The port of DNS.
const DNS: u16 = 53;
/// As long as BIND takes to resolve a name.
const TIMEOUT: Duration = Duration::from_secs(10);
const LEAST_TIMEOUT: Duration = Duration::from_millis(1);
const MOST_TIMEOUT: Duration = Duration::from_secs(600);

/// What a proxy is to be like.
#[derive(Debug, Clone)]
#[must_use = "nothing listens before it is opened"]
pub struct DnsProxyBuilder {
    name: Option<String>,
    listen: String,
    upstream: String,
    timeout: Duration,
}

impl DnsProxyBuilder {
    pub(super) fn new(upstream: String) -> Self {
        Self {
            name: None,
            listen: "127.0.0.1:0".to_owned(),
            upstream,
            timeout: TIMEOUT,
        }
    }

    /// Where it listens, by UDP and TCP: `address:port`; port 0 takes one that is free for both. Default: `127.0.0.1:0`.
    pub fn listen(mut self, listen: impl ToString) -> Self {
        self.listen = listen.to_string();
        self
    }

    /// How long the upstream may take before the client is told `SERVFAIL`, and a TCP client for its next query:
    /// 1 ms to 10 min. Default: 10 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Its name for people. Default: its address.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Checks what can be told without asking anybody.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let (listen, upstream) = self.addresses()?;
        not_itself(listen, upstream)?;
        if !(LEAST_TIMEOUT..=MOST_TIMEOUT).contains(&self.timeout) {
            let problem = format!("{} is no time to wait", Time::new(self.timeout));
            return Err(ConfigError::field("timeout", problem).help("1ms to 10m, such as 5s"));
        }
        Ok(())
    }

    /// Where it listens, and whom it asks.
    fn addresses(&self) -> Result<(SocketAddr, SocketAddr), ConfigError> {
        let listen = self.listen.parse().map_err(|_| {
            let problem = format!("`{}` is not an address with a port", self.listen);
            ConfigError::field("listen", problem).help(
                "write address:port with a port from 0 to 65535, such as 127.0.0.1:5353 or [::1]:0",
            )
        })?;
        let alone = self.upstream.parse::<IpAddr>();
        let upstream = alone.map(|address| SocketAddr::new(address, DNS));
        let upstream = upstream.or_else(|_| self.upstream.parse::<SocketAddr>());
        match upstream {
            Ok(upstream) if upstream.port() != 0 => Ok((listen, upstream)),
            _ => {
                let problem = format!("`{}` is not the address of a resolver", self.upstream);
                Err(ConfigError::field("upstream", problem).help(
                    "an IP address, and a port if it is not 53, such as 1.1.1.1, 127.0.0.53:53 or [::1]:5353",
                ))
            }
        }
    }

    /// Begins to listen.
    ///
    /// # Errors
    /// One of the settings is wrong, the port is in use, or the upstream is the proxy itself.
    pub async fn open(self) -> Result<DnsProxy, FaultError> {
        self.check()?;
        // The sockets belong to the proxies' runtime: the caller may have none.
        let starting = threads::runtime()?.spawn(self.start());
        starting
            .await
            .map_err(|e| FaultError::host("start the proxy", e))?
    }

    async fn start(self) -> Result<DnsProxy, FaultError> {
        let (listen, upstream) = self.addresses()?;
        let ports = Ports::bind(listen).await?;
        not_itself(ports.address, upstream)?;
        let shared = Shared::new(self.name, ports.address, upstream, self.timeout);
        let shared = Arc::new(shared);
        let tasks = [
            tokio::spawn(udp::serve(Arc::clone(&shared), ports.udp)),
            tokio::spawn(tcp::serve(Arc::clone(&shared), ports.tcp)),
        ];
        let tasks = tasks.map(|task| task.abort_handle());
        Ok(DnsProxy::running(shared, tasks))
    }
}

/// An upstream that is the proxy itself would be asked without end.
fn not_itself(listens: SocketAddr, upstream: SocketAddr) -> Result<(), ConfigError> {
    let (ip, any) = (upstream.ip(), listens.ip().is_unspecified());
    let here = ip == listens.ip() || ip.is_unspecified() || any && ip.is_loopback();
    if here && upstream.port() == listens.port() {
        let problem = format!("`{upstream}` is the proxy itself");
        return Err(ConfigError::field("upstream", problem)
            .help("the address of a resolver, which is another one than the proxy listens on"));
    }
    Ok(())
}
