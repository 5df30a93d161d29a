//! A proxy as an entry under `targets:`.

use super::{HttpProxy, HttpProxyBuilder};
use chaos_core::{ConfigError, FaultError, TargetConfig, async_trait};
use schemars::JsonSchema;
use serde::Deserialize;
use std::path::PathBuf;

/// An HTTP proxy in front of a dependency, as an entry of a scenario file.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct HttpProxyConfig {
    /// Where to listen, as host:port; port 0 takes a free one. Default: 127.0.0.1:0.
    #[serde(default)]
    pub listen: Option<String>,
    /// The dependency: http://host:port or https://host:port. Looked up for each connection anew.
    pub upstream: String,
    /// What the upstream gets as the host. Default: what the client said; for an HTTPS upstream its own name.
    #[serde(default)]
    pub host: Option<String>,
    /// A file with the certificates, in PEM, of whom else to trust as an HTTPS upstream. Default: whom this host trusts.
    #[serde(default)]
    pub upstream_ca: Option<PathBuf>,
    /// A file to write the certificate, in PEM, of the proxy's own authority to, for clients that speak TLS with it.
    /// One that another program wrote is left alone, and refused. Removed with the proxy; one that a killed process has
    /// left is replaced by the next. Default: none.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
}

impl HttpProxyConfig {
    fn builder(&self) -> HttpProxyBuilder {
        let mut builder = HttpProxy::builder(&self.upstream);
        if let Some(listen) = &self.listen {
            builder = builder.listen(listen);
        }
        match &self.host {
            Some(host) => builder.host(host),
            None => builder,
        }
    }
}

#[async_trait]
impl TargetConfig for HttpProxyConfig {
    const SCHEME: &'static str = "http_proxy";
    type Target = HttpProxy;

    fn check(&self) -> Result<(), ConfigError> {
        self.builder().check()
    }

    async fn open(self, name: &str) -> Result<HttpProxy, FaultError> {
        let mut builder = self.builder();
        if !name.is_empty() {
            builder = builder.name(name);
        }
        if let Some(path) = &self.upstream_ca {
            let pem = std::fs::read_to_string(path)
                .map_err(|e| FaultError::host(format!("read {}", path.display()), e))?;
            builder = builder.trust(pem);
        }
        if let Some(path) = self.ca_file {
            builder = builder.ca_file(path);
        }
        builder.open().await
    }
}
