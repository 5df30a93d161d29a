//! What a name resolves to.

#[cfg(feature = "dns")]
#[path = "dns_server.rs"]
mod server;

use super::value::within;
use async_trait::async_trait;
use chaos_core::{
    BoxError, ConfigError, Probe, ProbeConfig, Value,
    schemars::{self, JsonSchema},
    units::Time,
};
use serde::Deserialize;
use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

/// When nothing else is said.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Resolves a name, by the system or by a server of one's choice. The value is the number of its addresses, or the
/// first of them, sorted, as a text. A name without an address has 0 when the one who was asked says so, and no value when
/// nobody says anything.
#[derive(Debug)]
pub struct DnsProbe {
    name: String,
    server: Option<SocketAddr>,
    first: bool,
    timeout: Duration,
}

impl DnsProbe {
    /// Resolves this name by the system; timeout 2 s.
    ///
    /// # Errors
    /// Not a name.
    pub fn resolve(name: impl Into<String>) -> Result<Self, ConfigError> {
        let name = name.into();
        let label = |label: &str| (1..64).contains(&label.len());
        let labels = name.strip_suffix('.').unwrap_or(&name);
        if labels.len() > 253 || !labels.split('.').all(label) {
            let problem = format!("`{name}` is not a name");
            return Err(ConfigError::field("name", problem).help("write `db.internal`"));
        }
        Ok(Self {
            name,
            server: None,
            first: false,
            timeout: TIMEOUT,
        })
    }

    /// Asks this server, by UDP, for addresses of IPv4 and IPv6.
    ///
    /// # Errors
    /// This crate is built without the feature `dns`.
    pub fn at(mut self, server: SocketAddr) -> Result<Self, ConfigError> {
        if cfg!(not(feature = "dns")) {
            let problem = "needs the feature `dns` of chaos-validator";
            return Err(ConfigError::field("server", problem));
        }
        self.server = Some(server);
        Ok(self)
    }

    /// The value is the first address, and not how many there are.
    #[must_use]
    pub fn first(mut self) -> Self {
        self.first = true;
        self
    }

    /// Gives up after so long.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    async fn addresses(&self) -> Result<BTreeSet<IpAddr>, BoxError> {
        #[cfg(feature = "dns")]
        if let Some(address) = self.server {
            return server::addresses(address, &self.name).await;
        }
        let found = tokio::net::lookup_host((self.name.as_str(), 0)).await?;
        Ok(found.map(|address| address.ip()).collect())
    }
}

#[async_trait]
impl Probe for DnsProbe {
    async fn sample(&self) -> Result<Value, BoxError> {
        let name = &self.name;
        let found = match tokio::time::timeout(self.timeout, self.addresses()).await {
            Ok(found) => found.map_err(|e| format!("{name}: {e}"))?,
            Err(_) => return Err(format!("{name}: no answer within {:?}", self.timeout).into()),
        };
        match (self.first, found.first()) {
            (false, _) => Ok(Value::Number(found.len() as f64)),
            (true, Some(first)) => Ok(Value::Text(first.to_string())),
            (true, None) => Err(format!("{name}: has no address").into()),
        }
    }
}

/// What a name resolves to.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "schemars")]
#[non_exhaustive]
pub struct DnsProbeConfig {
    /// Which name: `db.internal`.
    pub name: String,
    /// The server that is asked, by UDP: `127.0.0.1:53`. Default: as the system resolves names.
    #[serde(default)]
    pub server: Option<String>,
    /// The value is the first address as a text, and not how many addresses there are.
    #[serde(default)]
    pub first: bool,
    /// After what time it is given up. Default 2s.
    #[serde(default)]
    pub timeout: Option<Time>,
}

impl ProbeConfig for DnsProbeConfig {
    const KIND: &'static str = "dns";
    type Probe = DnsProbe;

    fn build(self) -> Result<DnsProbe, ConfigError> {
        let mut probe = DnsProbe::resolve(self.name)?.timeout(within(self.timeout, TIMEOUT)?);
        if let Some(server) = self.server {
            let address = server.parse().map_err(|_| {
                ConfigError::field("server", format!("`{server}` is not an address and a port"))
                    .help("write `127.0.0.1:53`")
            })?;
            probe = probe.at(address)?;
        }
        if self.first {
            probe = probe.first();
        }
        Ok(probe)
    }
}
