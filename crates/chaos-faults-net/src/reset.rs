//! `net.reset`: connections break.

use crate::{
    connections::{Connections, picks_connections},
    proxy::{Effect, Gate, plan_on_proxies},
};
use chaos_core::{
    ConfigError, Context, Fault, FaultConfig, FaultError, Intensity, Needs, Plan, Site,
    async_trait, units::Percent,
};
use schemars::JsonSchema;
use serde::Deserialize;

/// Connections break: `net.reset`.
///
/// # What breaks
/// Live connections are cut with a TCP reset on both sides, and new ones right after they were accepted. It is
/// what a client sees when its dependency crashes while others take over its address, or when a firewall
/// forgets its connections. What was under way is lost.
///
/// # What it needs
/// A [`Proxy`](crate::Proxy) as the target. No privilege.
///
/// # What is changed on the host
/// Nothing.
///
/// # How it is undone
/// New connections are served again. The ones that were cut stay cut.
///
/// # Configuration
/// ```
/// # use chaos_core::{Parameters, Registry};
/// # let mut registry = Registry::new();
/// # chaos_faults_net::register(&mut registry);
/// let parameters: Parameters = serde_json::from_str(r#"{ "clients": ["10.0.0.0/8"] }"#)?;
/// registry.fault("net.reset", None, &parameters)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// `toxicity` and `clients` pick connections: `{ "toxicity": 30, "clients": ["10.0.0.0/8"] }` hits 30 % of
/// those that come from there.
///
/// There are no intensities.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reset {
    connections: Connections,
}

impl Reset {
    /// Cuts every connection.
    pub const fn new() -> Self {
        Self {
            connections: Connections::ALL,
        }
    }
}

picks_connections!(Reset, connections);

#[async_trait]
impl Fault for Reset {
    fn kind(&self) -> &'static str {
        ResetConfig::KIND
    }

    fn needs(&self, _: &Site) -> Needs {
        Needs::none()
    }

    async fn plan(&self, sites: &[Site], cx: &Context) -> Result<Plan, FaultError> {
        plan_on_proxies(
            self,
            &self.connections,
            "reset the connections",
            sites,
            cx.seed(),
        )
    }
}

/// Resets the connections of a proxy, the live ones and each new one.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ResetConfig {
    /// Which share of the connections is hit, in percent: 0 to 100. Default: 100.
    #[serde(default)]
    pub toxicity: Option<Percent>,
    /// Whose connections are hit: addresses or networks, such as 10.0.0.0/8. Default: everyone's.
    #[serde(default)]
    pub clients: Option<Vec<String>>,
}

impl FaultConfig for ResetConfig {
    const KIND: &'static str = "net.reset";
    type Fault = Reset;
    const TARGETS: &'static [&'static str] = &["proxy"];

    fn preset(_: Intensity) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    fn build(self) -> Result<Reset, ConfigError> {
        let reset = Reset {
            connections: Connections::new(self.toxicity, self.clients),
        };
        reset.connections.check()?;
        Ok(reset)
    }
}

impl Effect for Reset {
    fn gate(&self) -> Gate {
        Gate::Cut
    }
}
