//! `net.reset`: connections break.

use crate::{
    check,
    connections::{Connections, picks_connections},
    cutoff::Cutoff,
    direction::Direction,
    proxy::{Effect, Gate, Leg, Stage, Then, plan_on_proxies},
};
use chaos_core::{
    ConfigError, Context, Fault, FaultConfig, FaultError, Intensity, Needs, Plan, Site,
    async_trait,
    units::{Bytes, Percent, Time},
};
use schemars::JsonSchema;
use serde::Deserialize;
use std::time::{Duration, Instant};

/// Connections break: `net.reset`.
///
/// # What breaks
/// Live connections are cut with a TCP reset on both sides, and new ones right after they were accepted. It is
/// what a client sees when its dependency crashes while others take over its address, or when a firewall
/// forgets its connections. What was under way is lost.
///
/// With `after` each connection lives that long first: a live one from when the fault begins, a new one from when its
/// upstream was reached. With `after_bytes` it lives until so many bytes have gone one way, each way counted by itself, at
/// most so many of which arrive; with `direction`, that way. With both, what comes first.
///
/// # What it needs
/// A [`Proxy`](crate::Proxy) for connections as the target, not one for UDP. No privilege.
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
/// Later: `{ "after": "5s" }` or `{ "after_bytes": "64KiB", "direction": "downstream" }`.
///
/// `toxicity` and `clients` pick connections: `{ "toxicity": 30, "clients": ["10.0.0.0/8"] }` hits 30 % of
/// those that come from there.
///
/// There are no intensities.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reset {
    after: Option<Duration>,
    after_bytes: Option<u64>,
    direction: Option<Direction>,
    connections: Connections,
}

impl Reset {
    /// Cuts every connection.
    pub const fn new() -> Self {
        Self {
            after: None,
            after_bytes: None,
            direction: None,
            connections: Connections::ALL,
        }
    }

    /// How long each connection lives first. Default: it is cut at once.
    #[must_use]
    pub fn after(mut self, time: Duration) -> Self {
        self.after = Some(time);
        self
    }

    /// How many bytes go through each connection first, each way. Default: it is cut at once.
    #[must_use]
    pub fn after_bytes(mut self, bytes: u64) -> Self {
        self.after_bytes = Some(bytes);
        self
    }

    /// Which way the bytes of [`after_bytes`](Self::after_bytes) are counted. Default: both, each by itself.
    #[must_use]
    pub fn direction(mut self, direction: Direction) -> Self {
        self.direction = Some(direction);
        self
    }

    fn is_at_once(&self) -> bool {
        match self.after {
            Some(after) => after.is_zero(),
            None => self.after_bytes.is_none(),
        }
    }

    fn check(&self) -> Result<(), ConfigError> {
        check::at_most_an_hour("after", self.after.unwrap_or_default())?;
        if self.direction.is_some() && self.after_bytes.is_none() {
            let problem = "a connection is reset both ways at once; it is about `after_bytes`";
            return Err(ConfigError::field("direction", problem));
        }
        self.connections.check()
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
        self.check()?;
        let mut what = "reset connections".to_owned();
        if let Some(after) = self.after {
            what += &format!(" after {after:?}");
        }
        if let Some(bytes) = self.after_bytes {
            what += &format!(" after {}", Bytes(bytes));
            if let Some(direction) = self.direction {
                what += &format!(" {direction}");
            }
        }
        plan_on_proxies(self, &self.connections, &what, sites, cx.seed())
    }
}

/// Resets the connections of a proxy, the live ones and each new one.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ResetConfig {
    /// How long each connection lives first: a time up to 1h, such as 5s. Default: it is reset at once.
    #[serde(default)]
    pub after: Option<Time>,
    /// How many bytes go one way first: a size, such as 64KiB. Default: it is reset at once.
    #[serde(default)]
    pub after_bytes: Option<Bytes>,
    /// Which way they are counted: upstream (requests), downstream (responses) or both. Default: both, each by itself.
    #[serde(default)]
    pub direction: Option<Direction>,
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
            after: self.after.map(Time::get),
            after_bytes: self.after_bytes.map(Bytes::get),
            direction: self.direction,
            connections: Connections::new(self.toxicity, self.clients),
        };
        reset.check()?;
        Ok(reset)
    }
}

impl Effect for Reset {
    fn gate(&self) -> Gate {
        match self.is_at_once() {
            true => Gate::Cut,
            false => Gate::Open,
        }
    }

    fn stage(&self, leg: &Leg<'_>) -> Option<Box<dyn Stage>> {
        if self.is_at_once() {
            return None;
        }
        let at = self.after.map(|after| Instant::now() + after);
        let counts = leg
            .within(self.direction.unwrap_or(Direction::Both))
            .is_some();
        let bytes = self.after_bytes.filter(|_| counts);
        if bytes.is_none() && at.is_none() {
            return None;
        }
        let hits = leg.hits.clone();
        Some(Box::new(Cutoff::new(bytes, at, Then::Reset, hits)))
    }
}
