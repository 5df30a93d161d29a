//! `db.down`: a database is down.

use crate::{Protocol, address, answers::Answers, way::Way};
use chaos_core::{
    ConfigError, Context, Fault, FaultConfig, FaultError, Intensity, Needs, Plan, Site,
    async_trait, units::Time,
};
use schemars::JsonSchema;
use serde::Deserialize;
use std::time::Duration;

/// A database is down: `db.down`.
///
/// # What breaks
/// Nobody gets an answer from the database, in the way that its target allows. A `proxy` cuts the connections and
/// refuses new ones. A `container` is stopped: the same, and the database restarts for real afterwards. A `process`
/// is paused: connections stay open, new ones are accepted by the kernel, and nobody answers, so that clients
/// without a timeout hang. Only the processes of the target hang: PostgreSQL has one for each session, so when its
/// main process is paused it takes no new sessions, and those that are there go on.
///
/// # What it needs
/// A target `proxy`, `container` or `process`, and in the registry the fault that takes it down: `net.refuse`,
/// `container.stop` or `process.pause`. What these need is needed, too.
///
/// # What is changed on the host
/// What those do. A dry run says which it is, and prints its changes.
///
/// # How it is undone
/// As those are: the proxy listens again, the container is started, the process goes on. Then the database is asked
/// until it answers, for a minute at most; that moment has a stamp of its own in the run.
///
/// # Configuration
/// ```
/// # use chaos_core::{Parameters, Registry};
/// # let mut registry = Registry::new();
/// # chaos_faults_db::register(&mut registry);
/// let parameters: Parameters = serde_json::from_str(
///     r#"{ "protocol": "postgres", "address": "127.0.0.1:5432" }"#,
/// )?;
/// registry.fault("db.down", None, &parameters)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// A database is down or it is not, so an intensity is a length: 10 s, 20 s or 30 s. Without one, and without
/// `downtime`, it is down until the end of the scenario.
///
/// # Examples
/// ```
/// use chaos_core::FaultExt;
/// use chaos_faults_db::{Down, Protocol};
/// use chaos_faults_net::Proxy;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), chaos_core::FaultError> {
/// let redis = Proxy::in_front_of("127.0.0.1:6379").await?;
/// let down = Down::new().protocol(Protocol::Redis).on(&redis);
/// # drop(down); Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Down {
    protocol: Protocol,
    address: Option<String>,
    downtime: Option<Duration>,
}

impl Down {
    /// Down; it is back when its target accepts connections.
    pub const fn new() -> Self {
        Self {
            protocol: Protocol::Tcp,
            address: None,
            downtime: None,
        }
    }

    /// Brings it back after so long. Default: at the end of the fault phase.
    #[must_use]
    pub const fn downtime(mut self, downtime: Duration) -> Self {
        self.downtime = Some(downtime);
        self
    }

    /// How the database is asked whether it answers again.
    #[must_use]
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        self.protocol = protocol;
        self
    }

    /// Where the database is asked, as `host:port`. Default: at the target's address; of several, the one with the
    /// protocol's usual port, else the first.
    #[must_use]
    pub fn address(mut self, address: impl Into<String>) -> Self {
        self.address = Some(address.into());
        self
    }

    fn check(&self) -> Result<(), ConfigError> {
        self.address.as_deref().map_or(Ok(()), address::check)
    }

    /// Adds whether the databases at the sites answer again.
    fn and_answers(&self, mut plan: Plan, sites: &[Site]) -> Result<Plan, FaultError> {
        let protocol = self.protocol;
        if let Some(address) = self.address.clone() {
            return Ok(plan.ready_when(Answers { protocol, address }));
        }
        for site in sites {
            plan = match (address::of(site, protocol), protocol) {
                (Some(address), _) => plan.ready_when(Answers { protocol, address }),
                (None, Protocol::Tcp) => plan.note(format!(
                    "{site} has no address, so nobody looks when the database answers again; say it in `address`"
                )),
                (None, _) => {
                    let problem = "is missing, and the target has no address to ask at";
                    return Err(ConfigError::field("address", problem)
                        .help("write where the database listens, such as `127.0.0.1:5432`")
                        .of(DownConfig::KIND)
                        .into());
                }
            };
        }
        Ok(plan)
    }
}

#[async_trait]
impl Fault for Down {
    fn kind(&self) -> &'static str {
        DownConfig::KIND
    }

    fn needs(&self, _: &Site) -> Needs {
        // What takes the target down says what it needs when it is planned.
        Needs::none()
    }

    async fn plan(&self, sites: &[Site], cx: &Context) -> Result<Plan, FaultError> {
        self.check()?;
        let mut plan = Plan::new();
        for site in sites {
            plan = plan.and(Way::of(site)?.plan(site, cx).await?);
        }
        if let Some(downtime) = self.downtime {
            plan = plan.lasting(downtime);
        }
        self.and_answers(plan, sites)
    }
}

/// A database is down: nobody gets an answer from it.
///
/// By what its target is, the connections of a proxy are cut and refused, a container is stopped, a process is paused.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct DownConfig {
    /// How it is asked whether it answers again: tcp, postgres or redis. Default: tcp.
    #[serde(default)]
    pub protocol: Protocol,
    /// Where it is asked, as host:port. Default: at the target's address; of several, the one with the protocol's
    /// usual port, else the first.
    #[serde(default)]
    pub address: Option<String>,
    /// How long it is down: a time of 1ms or more, such as 10s. Default: until the end of the scenario.
    #[serde(default)]
    pub downtime: Option<Time>,
}

impl FaultConfig for DownConfig {
    const KIND: &'static str = "db.down";
    type Fault = Down;
    const TARGETS: &'static [&'static str] = &["proxy", "container", "process"];

    fn preset(intensity: Intensity) -> &'static [(&'static str, &'static str)] {
        match intensity {
            Intensity::Light => &[("downtime", "10s")],
            Intensity::Medium => &[("downtime", "20s")],
            _ => &[("downtime", "30s")],
        }
    }

    fn build(self) -> Result<Down, ConfigError> {
        let down = Down {
            protocol: self.protocol,
            address: self.address,
            downtime: self.downtime.map(Time::get),
        };
        if down.downtime.is_some_and(|time| time.is_zero()) {
            return Err(ConfigError::field("downtime", "is no time at all").help("1ms or more"));
        }
        down.check()?;
        Ok(down)
    }
}
