//! A proxy as an entry under `targets:`.

use super::{DnsProxy, DnsProxyBuilder};
use chaos_core::{ConfigError, FaultError, TargetConfig, async_trait, units::Time};
use schemars::JsonSchema;
use serde::Deserialize;

/// A DNS proxy in front of a resolver, as an entry of a scenario file.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct DnsProxyConfig {
    /// Where to listen, by UDP and TCP, as address:port; port 0 takes a free one. Default: 127.0.0.1:0.
    #[serde(default)]
    pub listen: Option<String>,
    /// The resolver: an address, and its port if it is not 53, such as 1.1.1.1 or 127.0.0.53:53.
    pub upstream: String,
    /// How long the resolver may take before the client is told SERVFAIL, and a TCP client for its next query: 1ms to 10m.
    /// Default: 10s.
    #[serde(default)]
    pub timeout: Option<Time>,
}

impl DnsProxyConfig {
    fn builder(&self) -> DnsProxyBuilder {
        let mut builder = DnsProxy::builder(&self.upstream);
        if let Some(listen) = &self.listen {
            builder = builder.listen(listen);
        }
        match self.timeout {
            Some(timeout) => builder.timeout(timeout.get()),
            None => builder,
        }
    }
}

#[async_trait]
impl TargetConfig for DnsProxyConfig {
    const SCHEME: &'static str = "dns_proxy";
    type Target = DnsProxy;

    fn check(&self) -> Result<(), ConfigError> {
        self.builder().check()
    }

    async fn open(self, name: &str) -> Result<DnsProxy, FaultError> {
        let mut builder = self.builder();
        if !name.is_empty() {
            builder = builder.name(name);
        }
        builder.open().await
    }
}
