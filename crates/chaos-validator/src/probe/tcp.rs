//! Whether somebody accepts connections.

use crate::{client, load::Class};
use async_trait::async_trait;
use chaos_core::{
    BoxError, ConfigError, Probe, ProbeConfig, Value,
    schemars::{self, JsonSchema},
    units::Time,
};
use serde::Deserialize;
use std::time::Duration;

/// When nothing else is said.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Whether an address accepts TCP connections: yes, or no when it refuses. When it does neither within the
/// timeout, or the name does not resolve, the sample is missing, with the reason.
#[derive(Debug)]
pub struct TcpProbe {
    host: String,
    port: u16,
    timeout: Duration,
}

impl TcpProbe {
    /// Connects to `host:port`; timeout 2 s.
    ///
    /// # Errors
    /// Not a host and a port.
    pub fn connect(address: &str) -> Result<Self, ConfigError> {
        let (host, port) = client::host_and_port(address)?;
        Ok(Self {
            host,
            port,
            timeout: TIMEOUT,
        })
    }

    /// Gives up after so long.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

#[async_trait]
impl Probe for TcpProbe {
    async fn sample(&self) -> Result<Value, BoxError> {
        let connecting = client::connect(&self.host, self.port);
        match tokio::time::timeout(self.timeout, connecting).await {
            Ok(Ok(_)) => Ok(Value::Flag(true)),
            Ok(Err((Class::Refused | Class::Reset, _))) => Ok(Value::Flag(false)),
            Ok(Err((_, error))) => Err(error.into()),
            Err(_) => Err(format!("no connection within {:?}", self.timeout).into()),
        }
    }
}

/// Whether an address accepts TCP connections.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "schemars")]
#[non_exhaustive]
pub struct TcpProbeConfig {
    /// Which: `host:port`.
    pub address: String,
    /// After what time it is given up. Default 2s.
    #[serde(default)]
    pub timeout: Option<Time>,
}

impl ProbeConfig for TcpProbeConfig {
    const KIND: &'static str = "tcp";
    type Probe = TcpProbe;

    fn build(self) -> Result<TcpProbe, ConfigError> {
        let mut probe = TcpProbe::connect(&self.address)?;
        if let Some(timeout) = self.timeout {
            probe = probe.timeout(super::value::positive(timeout)?);
        }
        Ok(probe)
    }
}
