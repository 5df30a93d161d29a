//! `net.limit`: connections end early.

use crate::{
    connections::{Connections, picks_connections},
    cutoff::Cutoff,
    direction::Direction,
    proxy::{Effect, Leg, Stage, Then, plan_on_proxies},
};
use chaos_core::{
    ConfigError, Context, Fault, FaultConfig, FaultError, Intensity, Needs, Plan, Site,
    async_trait,
    units::{Bytes, Percent},
};
use schemars::JsonSchema;
use serde::Deserialize;

/// Connections end early: `net.limit`.
///
/// # What breaks
/// Exactly `bytes` bytes of each connection get through one way; then it is closed at both ends, without a reset. It is
/// what a client sees when an answer is cut off: by a proxy with a limit, a full disk, a crash that the kernel tidies up
/// after. With 0 the first data closes the connection and does not arrive. On a live connection the count begins
/// with the fault. What had not got through is lost, the other way, too. An end that is not reached changes nothing.
///
/// # What it needs
/// A [`Proxy`](crate::Proxy) for connections as the target, not one for UDP. No privilege.
///
/// # What is changed on the host
/// Nothing. Live connections feel it at once.
///
/// # How it is undone
/// Connections go on without a limit. The ones that were closed stay closed.
///
/// # Configuration
/// ```
/// # use chaos_core::{Parameters, Registry};
/// # let mut registry = Registry::new();
/// # chaos_faults_net::register(&mut registry);
/// let parameters: Parameters = serde_json::from_str(
///     r#"{ "bytes": "64KiB", "direction": "downstream" }"#,
/// )?;
/// registry.fault("net.limit", None, &parameters)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// `toxicity` and `clients` pick connections: `{ "toxicity": 30, "clients": ["10.0.0.0/8"] }` hits 30 % of
/// those that come from there.
///
/// There are no intensities.
///
/// # Examples
/// ```
/// use chaos_core::FaultExt;
/// use chaos_faults_net::{Limit, Proxy};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), chaos_core::FaultError> {
/// let redis = Proxy::in_front_of("127.0.0.1:6379").await?;
/// let fault = Limit::bytes(64 * 1024).on(&redis);
/// # drop(fault); Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    bytes: u64,
    direction: Direction,
    connections: Connections,
}

impl Limit {
    /// So many bytes of each connection, on their way to the client.
    pub const fn bytes(bytes: u64) -> Self {
        Self {
            bytes,
            direction: Direction::Downstream,
            connections: Connections::ALL,
        }
    }

    /// Which way. Default: downstream.
    #[must_use]
    pub fn direction(mut self, direction: Direction) -> Self {
        self.direction = direction;
        self
    }

    fn check(&self) -> Result<(), ConfigError> {
        self.connections.check()
    }
}

picks_connections!(Limit, connections);

#[async_trait]
impl Fault for Limit {
    fn kind(&self) -> &'static str {
        LimitConfig::KIND
    }

    fn needs(&self, _: &Site) -> Needs {
        Needs::none()
    }

    async fn plan(&self, sites: &[Site], cx: &Context) -> Result<Plan, FaultError> {
        self.check()?;
        let bytes = Bytes(self.bytes);
        let what = format!("close connections after {bytes} {}", self.direction);
        plan_on_proxies(self, &self.connections, &what, sites, cx.seed())
    }
}

/// Closes connections after so many bytes: answers are cut off.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct LimitConfig {
    /// How many bytes of each connection get through: a size, such as 64KiB. With 0 the first data closes it.
    pub bytes: Bytes,
    /// Which way: upstream (requests), downstream (responses) or both. Default: downstream.
    #[serde(default)]
    pub direction: Direction,
    /// Which share of the connections is hit, in percent: 0 to 100. Default: 100.
    #[serde(default)]
    pub toxicity: Option<Percent>,
    /// Whose connections are hit: addresses or networks, such as 10.0.0.0/8. Default: everyone's.
    #[serde(default)]
    pub clients: Option<Vec<String>>,
}

impl FaultConfig for LimitConfig {
    const KIND: &'static str = "net.limit";
    type Fault = Limit;
    const TARGETS: &'static [&'static str] = &["proxy"];
    const EXAMPLE: &'static [(&'static str, &'static str)] = &[("bytes", "1kB")];

    fn preset(_: Intensity) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    fn build(self) -> Result<Limit, ConfigError> {
        let fault = Limit {
            bytes: self.bytes.get(),
            direction: self.direction,
            connections: Connections::new(self.toxicity, self.clients),
        };
        fault.check()?;
        Ok(fault)
    }
}

impl Effect for Limit {
    fn stage(&self, leg: &Leg<'_>) -> Option<Box<dyn Stage>> {
        let hits = leg.within(self.direction)?.hits.clone();
        let bytes = Some(self.bytes);
        Some(Box::new(Cutoff::new(bytes, None, Then::Close, hits)))
    }
}
