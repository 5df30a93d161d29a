//! A proxy as an entry under `targets:`.

use super::{Proxy, address::check, transport::Transport};
use chaos_core::{ConfigError, FaultError, TargetConfig, async_trait};
use schemars::JsonSchema;
use serde::Deserialize;

/// A proxy in front of a dependency, as an entry of a scenario file.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ProxyConfig {
    /// Where to listen, as host:port; port 0 takes a free one. Or a Unix socket: unix:/path, which must not be there yet
    /// (but for what a killed proxy has left, on Linux), or, on Linux, unix:@name. Default: 127.0.0.1:0.
    #[serde(default = "free_port")]
    pub listen: String,
    /// The dependency, as host:port or, on Unix, unix:/path or unix:@name. Looked up for each connection anew.
    pub upstream: String,
    /// What is passed on: tcp (connections) or udp (datagrams). Default: tcp.
    #[serde(default)]
    pub protocol: Transport,
}

fn free_port() -> String {
    "127.0.0.1:0".into()
}

#[async_trait]
impl TargetConfig for ProxyConfig {
    const SCHEME: &'static str = "proxy";
    type Target = Proxy;

    fn check(&self) -> Result<(), ConfigError> {
        check(self.protocol, &self.listen, &self.upstream)
    }

    async fn open(self, name: &str) -> Result<Proxy, FaultError> {
        let name = Some(name).filter(|name| !name.is_empty());
        let name = name.map(str::to_owned);
        Proxy::open_for(self.protocol, name, self.listen, self.upstream).await
    }
}
