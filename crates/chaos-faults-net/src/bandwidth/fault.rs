//! The fault and its configuration.

use super::narrow::Narrow;
use crate::{
    PacketsConfig,
    connections::picks_connections,
    direction::Direction,
    emulate,
    proxy::{Effect, plan_on_proxies},
    scope::{self, BackEnd, Scope},
};
use chaos_core::{
    ConfigError, Context, Fault, FaultConfig, FaultError, Intensity, Needs, Plan, Site,
    async_trait,
    units::{Percent, Rate},
};
use schemars::JsonSchema;
use serde::Deserialize;

/// The link is narrow: `net.bandwidth`.
///
/// # What breaks
/// Each connection gets no more than `rate` through the proxy, in pieces of at most 5 ms, so without bursts and
/// without gaps. What does not fit waits, and then its sender does. Each connection and each direction has the
/// rate for itself. With `shared` the connections that are hit have one rate together, each direction one of its own: they
/// take turns, so those who have something to send get equal parts, and what one does not need the others get.
///
/// At a rate of 0 connections stall: they stay open, and nothing gets through until the fault is over. Unlike
/// [`net.blackhole`](crate::Blackhole) it lets a new connection reach its upstream.
///
/// On a UDP proxy sessions are what connections are, and what finds more before it than goes in 50 ms (and more than ten
/// large datagrams) is dropped, as in the kernel. At a rate of 0 datagrams wait until the fault is over, as many as there is
/// room for.
///
/// On a network namespace all packets that are meant share the rate, each interface and each way one of its own (a token
/// bucket, `man 8 tc-tbf`): 10 ms of the rate may go at once, 50 ms may wait, and what is more is dropped. So `shared` says
/// nothing new there, and a rate of 0 is refused: the bucket always lets something through.
///
/// # What it needs
/// On a [`Proxy`](crate::Proxy): no privilege. On a network namespace: Linux 5.14 or newer with `sch_tbf`, `CAP_NET_ADMIN`
/// and `CAP_SYS_ADMIN`; no `tc` program. When it is the host's, the fault has host reach and needs `allow_host`.
///
/// # What is changed on the host
/// On a proxy nothing; live connections feel it at once. On a network namespace the queues of its interfaces, as by
/// [`net.netem`](crate::NetemFault).
///
/// # How it is undone
/// On a proxy what waits is delivered at once; what waits in a queue of the kernel is dropped with it.
///
/// # Configuration
/// ```
/// # use chaos_core::{Parameters, Registry};
/// # let mut registry = Registry::new();
/// # chaos_faults_net::register(&mut registry);
/// let parameters: Parameters =
///     serde_json::from_str(r#"{ "rate": "1mbit", "direction": "downstream" }"#)?;
/// registry.fault("net.bandwidth", None, &parameters)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// One rate for all connections: `{ "rate": "1mbit", "shared": true }`.
///
/// `toxicity` and `clients` pick connections of a proxy: `{ "toxicity": 30, "clients": ["10.0.0.0/8"] }` hits 30 % of
/// those that come from there.
///
/// Intensities: light 8mbit, medium 1mbit, heavy 128kbit.
#[derive(Debug, Clone, PartialEq)]
pub struct Bandwidth {
    rate: u64,
    shared: bool,
    scope: Scope,
}

impl Bandwidth {
    /// So many bytes per second, on their way to the client. With 0 nothing gets through.
    pub const fn per_second(bytes: u64) -> Self {
        Self {
            rate: bytes,
            shared: false,
            scope: Scope::DEFAULT,
        }
    }

    /// This rate, on the way to the client.
    pub const fn rate(rate: Rate) -> Self {
        Self::per_second(rate.get())
    }

    /// Has all connections of a proxy that are hit share the rate. Default: each has it for itself.
    #[must_use]
    pub const fn shared(mut self) -> Self {
        self.shared = true;
        self
    }

    /// Which way of a proxy the link is narrow. Default: downstream.
    #[must_use]
    pub fn direction(mut self, direction: Direction) -> Self {
        self.scope.direction = Some(direction);
        self
    }

    /// Which packets of a network namespace share the rate. Default: all that go out.
    #[must_use]
    pub fn packets(mut self, packets: PacketsConfig) -> Self {
        self.scope.packets = Some(packets);
        self
    }

    /// What it does to a proxy.
    pub(crate) fn on_proxy(&self, direction: Direction) -> impl Effect + Clone {
        Narrow::new(self.rate, direction, self.shared)
    }

    fn check(&self) -> Result<(), ConfigError> {
        match self.scope.packets {
            Some(_) => self.check_kernel(),
            None => self.scope.check(),
        }
    }

    fn check_kernel(&self) -> Result<(), ConfigError> {
        if self.rate > 0 {
            return self.scope.check();
        }
        let problem = "the kernel's token bucket cannot hold everything back";
        Err(ConfigError::field("rate", problem).help(
            "at least 1B/s, such as 1mbit or 100kB/s; to let nothing through use net.partition",
        ))
    }
}

picks_connections!(Bandwidth, scope.connections);

#[async_trait]
impl Fault for Bandwidth {
    fn kind(&self) -> &'static str {
        BandwidthConfig::KIND
    }

    fn needs(&self, site: &Site) -> Needs {
        scope::needs(site, emulate::rate_needs)
    }

    async fn plan(&self, sites: &[Site], cx: &Context) -> Result<Plan, FaultError> {
        self.check()?;
        let rate = Rate::bytes_per_second(self.rate);
        match self.scope.back_end(sites)? {
            BackEnd::Proxy(direction) => {
                let whose = match self.shared {
                    true => "for all connections together",
                    false => "per connection",
                };
                let what = format!("let through {rate} {whose} {direction}");
                let effect = self.on_proxy(direction);
                plan_on_proxies(&effect, &self.scope.connections, &what, sites, cx.seed())
            }
            BackEnd::Kernel(packets) => {
                self.check_kernel()?;
                emulate::plan_rate(self.rate, &packets, sites, cx).await
            }
        }
    }
}

/// Lets only so many bytes per second through a proxy or an interface.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct BandwidthConfig {
    /// What gets through per connection: a rate, such as 1mbit (bits) or 100kB/s (bytes). On a proxy it may be 0B/s:
    /// connections stall.
    pub rate: Rate,
    /// On a proxy, whether all connections share the rate. Default: false, each has it for itself. On a network namespace
    /// packets always share it.
    #[serde(default)]
    pub shared: bool,
    /// On a proxy, which way: upstream (requests), downstream (responses) or both. Default: downstream.
    #[serde(default)]
    pub direction: Option<Direction>,
    /// On a proxy, which share of the connections is hit, in percent: 0 to 100. Default: 100.
    #[serde(default)]
    pub toxicity: Option<Percent>,
    /// On a proxy, whose connections are hit: addresses or networks, such as 10.0.0.0/8. Default: everyone's.
    #[serde(default)]
    pub clients: Option<Vec<String>>,
    /// On a network namespace, which packets share the rate. Default: all that go out.
    #[serde(default)]
    pub packets: Option<PacketsConfig>,
}

impl FaultConfig for BandwidthConfig {
    const KIND: &'static str = "net.bandwidth";
    type Fault = Bandwidth;
    const TARGETS: &'static [&'static str] = scope::BOTH;

    fn preset(intensity: Intensity) -> &'static [(&'static str, &'static str)] {
        match intensity {
            Intensity::Light => &[("rate", "8mbit")],
            Intensity::Medium => &[("rate", "1mbit")],
            Intensity::Heavy => &[("rate", "128kbit")],
            _ => &[],
        }
    }

    fn build(self) -> Result<Bandwidth, ConfigError> {
        let bandwidth = Bandwidth {
            rate: self.rate.get(),
            shared: self.shared,
            scope: Scope::new(self.direction, self.toxicity, self.clients, self.packets),
        };
        bandwidth.check()?;
        Ok(bandwidth)
    }
}
