//! `net.max_connections`: there are no more connections to have.

use crate::{
    connections::{Connections, picks_connections},
    proxy::{Effect, plan_on_proxies},
};
use chaos_core::{
    ConfigError, Context, Fault, FaultConfig, FaultError, Intensity, Needs, Plan, Site,
    async_trait, units::Percent,
};
use schemars::JsonSchema;
use serde::Deserialize;

/// There are no more connections to have: `net.max_connections`.
///
/// # What breaks
/// While `max` connections of the proxy are open, or more, each new one is reset right after the kernel has accepted it, as by
/// a server that has reached its limit. Those that are open when the fault begins count, and stay. With `toxicity` or
/// `clients` all open connections count, too, and only the ones that are meant are reset. With 0 each new one is.
///
/// # What it needs
/// A [`Proxy`](crate::Proxy) for connections as the target, not one for UDP. No privilege.
///
/// # What is changed on the host
/// Nothing. Live connections go on as before.
///
/// # How it is undone
/// New connections are served again. The ones that were reset stay reset.
///
/// # Configuration
/// ```
/// # use chaos_core::{Parameters, Registry};
/// # let mut registry = Registry::new();
/// # chaos_faults_net::register(&mut registry);
/// let parameters: Parameters = serde_json::from_str(
///     r#"{ "max": 10 }"#,
/// )?;
/// registry.fault("net.max_connections", None, &parameters)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// `toxicity` and `clients` pick connections: `{ "toxicity": 30, "clients": ["10.0.0.0/8"] }` hits 30 % of
/// those that come from there.
///
/// There is no direction, since a connection that waits has none yet, and there are no intensities.
///
/// # Examples
/// ```
/// use chaos_core::FaultExt;
/// use chaos_faults_net::{MaxConnections, Proxy};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), chaos_core::FaultError> {
/// let redis = Proxy::in_front_of("127.0.0.1:6379").await?;
/// let fault = MaxConnections::new(10).on(&redis);
/// # drop(fault); Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct MaxConnections {
    max: u32,
    connections: Connections,
}

impl MaxConnections {
    /// No more than so many connections at a time.
    pub const fn new(max: u32) -> Self {
        Self {
            max,
            connections: Connections::ALL,
        }
    }

    fn check(&self) -> Result<(), ConfigError> {
        self.connections.check()
    }
}

picks_connections!(MaxConnections, connections);

#[async_trait]
impl Fault for MaxConnections {
    fn kind(&self) -> &'static str {
        MaxConnectionsConfig::KIND
    }

    fn needs(&self, _: &Site) -> Needs {
        Needs::none()
    }

    async fn plan(&self, sites: &[Site], cx: &Context) -> Result<Plan, FaultError> {
        self.check()?;
        let what = format!("reset new connections beyond {}", self.max);
        plan_on_proxies(self, &self.connections, &what, sites, cx.seed())
    }
}

/// Resets new connections while so many are open: pools run dry.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct MaxConnectionsConfig {
    /// How many connections may be open at a time: a number, such as 10.
    pub max: u32,
    /// Which share of the connections is hit, in percent: 0 to 100. Default: 100.
    #[serde(default)]
    pub toxicity: Option<Percent>,
    /// Whose connections are hit: addresses or networks, such as 10.0.0.0/8. Default: everyone's.
    #[serde(default)]
    pub clients: Option<Vec<String>>,
}

impl FaultConfig for MaxConnectionsConfig {
    const KIND: &'static str = "net.max_connections";
    type Fault = MaxConnections;
    const TARGETS: &'static [&'static str] = &["proxy"];
    const EXAMPLE: &'static [(&'static str, &'static str)] = &[("max", "1")];

    fn preset(_: Intensity) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    fn build(self) -> Result<MaxConnections, ConfigError> {
        let fault = MaxConnections {
            max: self.max,
            connections: Connections::new(self.toxicity, self.clients),
        };
        fault.check()?;
        Ok(fault)
    }
}

impl Effect for MaxConnections {
    fn admits(&self, others: usize) -> bool {
        others < usize::try_from(self.max).unwrap_or(usize::MAX)
    }
}
