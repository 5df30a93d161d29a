//! `net.accept_delay`: new connections are served late.

use crate::{
    check,
    connections::{Connections, picks_connections},
    proxy::{Effect, plan_on_proxies},
};
use chaos_core::{
    ConfigError, Context, Fault, FaultConfig, FaultError, Intensity, Needs, Plan, Site,
    async_trait,
    units::{Percent, Time},
};
use schemars::JsonSchema;
use serde::Deserialize;
use std::time::Duration;

/// New connections are served late: `net.accept_delay`.
///
/// # What breaks
/// New connections are accepted by the kernel, and served by the proxy only `delay` later: until then their upstream is not
/// reached, and what a client says waits. It is what a client sees when its dependency has more connections to accept
/// than it can. Several delays add up.
///
/// # What it needs
/// A [`Proxy`](crate::Proxy) for connections as the target, not one for UDP. No privilege.
///
/// # What is changed on the host
/// Nothing. Live connections go on as before.
///
/// # How it is undone
/// Connections that wait are served at once.
///
/// # Configuration
/// ```
/// # use chaos_core::{Parameters, Registry};
/// # let mut registry = Registry::new();
/// # chaos_faults_net::register(&mut registry);
/// let parameters: Parameters = serde_json::from_str(
///     r#"{ "delay": "5s" }"#,
/// )?;
/// registry.fault("net.accept_delay", None, &parameters)?;
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
/// use chaos_faults_net::{AcceptDelay, Proxy};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), chaos_core::FaultError> {
/// let redis = Proxy::in_front_of("127.0.0.1:6379").await?;
/// let fault = AcceptDelay::new(std::time::Duration::from_secs(5)).on(&redis);
/// # drop(fault); Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct AcceptDelay {
    delay: Duration,
    connections: Connections,
}

impl AcceptDelay {
    /// New connections are served this late.
    pub const fn new(delay: Duration) -> Self {
        Self {
            delay,
            connections: Connections::ALL,
        }
    }

    fn check(&self) -> Result<(), ConfigError> {
        check::delays("delay", self.delay)?;
        self.connections.check()
    }
}

picks_connections!(AcceptDelay, connections);

#[async_trait]
impl Fault for AcceptDelay {
    fn kind(&self) -> &'static str {
        AcceptDelayConfig::KIND
    }

    fn needs(&self, _: &Site) -> Needs {
        Needs::none()
    }

    async fn plan(&self, sites: &[Site], cx: &Context) -> Result<Plan, FaultError> {
        self.check()?;
        let what = format!("serve new connections {:?} late", self.delay);
        plan_on_proxies(self, &self.connections, &what, sites, cx.seed())
    }
}

/// Serves new connections late: they are accepted, and wait.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct AcceptDelayConfig {
    /// How late a new connection is served: a time above 0 and up to 1h, such as 5s.
    pub delay: Time,
    /// Which share of the connections is hit, in percent: 0 to 100. Default: 100.
    #[serde(default)]
    pub toxicity: Option<Percent>,
    /// Whose connections are hit: addresses or networks, such as 10.0.0.0/8. Default: everyone's.
    #[serde(default)]
    pub clients: Option<Vec<String>>,
}

impl FaultConfig for AcceptDelayConfig {
    const KIND: &'static str = "net.accept_delay";
    type Fault = AcceptDelay;
    const TARGETS: &'static [&'static str] = &["proxy"];
    const EXAMPLE: &'static [(&'static str, &'static str)] = &[("delay", "1s")];

    fn preset(_: Intensity) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    fn build(self) -> Result<AcceptDelay, ConfigError> {
        let fault = AcceptDelay {
            delay: self.delay.get(),
            connections: Connections::new(self.toxicity, self.clients),
        };
        fault.check()?;
        Ok(fault)
    }
}

impl Effect for AcceptDelay {
    fn delay(&self) -> Duration {
        self.delay
    }
}
