//! `net.reorder`: packets overtake each other.

use crate::{
    PacketsConfig, Transport,
    connections::picks_connections,
    direction::Direction,
    draws::Draws,
    emulate,
    netem::{Chance, Netem},
    proxy::{Datagram, DatagramStage, Effect, Hits, Leg, Onward, plan_on_proxies},
    scope::{self, BackEnd, Scope},
};
use chaos_core::{
    ConfigError, Context, Fault, FaultConfig, FaultError, Intensity, Needs, Plan, Site,
    async_trait,
    units::{Percent, Time},
};
use schemars::JsonSchema;
use serde::Deserialize;
use std::time::Duration;

/// Packets overtake each other: `net.reorder`.
///
/// # What breaks
/// Packets of a network namespace, or datagrams of a UDP proxy, arrive late by `latency`, except for a share of them, which
/// is not delayed and so overtakes what was sent before. A TCP stream keeps its order, so it is refused on a proxy for TCP.
///
/// # What it needs
/// On a UDP [`Proxy`](crate::Proxy::udp): no privilege. On a network namespace: Linux 5.14 or newer with `sch_netem`,
/// `CAP_NET_ADMIN` and `CAP_SYS_ADMIN`; no `tc` program. When it is the host's, the fault has host reach and needs
/// `allow_host`.
///
/// # What is changed on the host
/// On a proxy nothing. On a network namespace the queues of its interfaces, as by [`net.netem`](crate::NetemFault).
///
/// # How it is undone
/// On a proxy what is under way is delivered at once; on a network namespace as [`net.netem`](crate::NetemFault).
///
/// # Configuration
/// ```
/// # use chaos_core::{Parameters, Registry};
/// # let mut registry = Registry::new();
/// # chaos_faults_net::register(&mut registry);
/// let parameters: Parameters =
///     serde_json::from_str(r#"{ "reorder": 25, "latency": "20ms", "gap": 5 }"#)?;
/// registry.fault("net.reorder", None, &parameters)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// On a UDP proxy `direction`, `toxicity` and `clients` say which: `{ "reorder": 25, "clients": ["10.0.0.0/8"] }`.
///
/// There are no intensities.
#[derive(Debug, Clone, PartialEq)]
pub struct Reorder {
    order: Order,
    scope: Scope,
}

/// What overtakes what.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Order {
    /// Which share overtakes.
    chance: Chance,
    /// Of so many, one may.
    gap: u32,
    /// How late the others are.
    latency: Duration,
}

impl Reorder {
    /// This share of the packets, 0 to 100, overtakes the others, which are this much later.
    pub fn percent(percent: f64, latency: Duration) -> Self {
        Self {
            order: Order {
                chance: Chance::percent(percent),
                gap: 1,
                latency,
            },
            scope: Scope::DEFAULT,
        }
    }

    /// How much each packet depends on the one before, 0 to 100: those that overtake come in rows, their share stays
    /// the same. Default: 0.
    #[must_use]
    pub const fn correlation(mut self, percent: f64) -> Self {
        self.order.chance.correlation = percent;
        self
    }

    /// Which way through a UDP proxy. Default: downstream.
    #[must_use]
    pub fn direction(mut self, direction: Direction) -> Self {
        self.scope.direction = Some(direction);
        self
    }

    /// Which packets of a network namespace. Default: all that go out.
    #[must_use]
    pub fn packets(mut self, packets: PacketsConfig) -> Self {
        self.scope.packets = Some(packets);
        self
    }

    fn check(&self) -> Result<(), ConfigError> {
        self.order.chance.check("reorder", "0 does nothing")?;
        crate::check::at_most_an_hour("latency", self.order.latency)?;
        if self.order.latency.is_zero() {
            return Err(
                ConfigError::field("latency", "without it nothing can be overtaken")
                    .help("a time above 0 and up to 1h, such as 20ms"),
            );
        }
        if self.order.gap == 0 {
            return Err(ConfigError::field("gap", "0 is no distance").help("1 or more"));
        }
        self.scope.check()
    }
}

picks_connections!(Reorder, scope.connections);

#[async_trait]
impl Fault for Reorder {
    fn kind(&self) -> &'static str {
        ReorderConfig::KIND
    }

    fn needs(&self, site: &Site) -> Needs {
        scope::needs(site, emulate::needs)
    }

    async fn plan(&self, sites: &[Site], cx: &Context) -> Result<Plan, FaultError> {
        self.check()?;
        let Order {
            chance,
            gap,
            latency,
        } = self.order;
        match self.scope.back_end(sites)? {
            BackEnd::Proxy(direction) => {
                let what = format!(
                    "let {chance} of the datagrams overtake the others, late by {latency:?}, {direction}"
                );
                plan_on_proxies(self, &self.scope.connections, &what, sites, cx.seed())
            }
            BackEnd::Kernel(packets) => {
                let netem = Netem {
                    reorder: chance,
                    latency,
                    gap,
                    ..Netem::default()
                };
                emulate::plan(&netem, &packets, sites, cx).await
            }
        }
    }
}

/// Lets packets, or the datagrams of a UDP proxy, overtake each other.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ReorderConfig {
    /// Which share of the packets, in percent: above 0 and up to 100.
    pub reorder: Percent,
    /// How much each depends on the one before, in percent. Default: 0.
    #[serde(default)]
    pub correlation: Percent,
    /// How much later the others arrive: a time above 0 and up to 1h. Default: 10ms.
    #[serde(default = "latency")]
    pub latency: Time,
    /// Every how many packets one may overtake: 1, all of them; 5, every fifth. Default: 1.
    #[serde(default = "gap")]
    pub gap: u32,
    /// On a UDP proxy, which way: upstream (requests), downstream (responses) or both. Default: downstream.
    #[serde(default)]
    pub direction: Option<Direction>,
    /// On a UDP proxy, which share of the sessions is hit, in percent: 0 to 100. Default: 100.
    #[serde(default)]
    pub toxicity: Option<Percent>,
    /// On a UDP proxy, whose sessions are hit: addresses or networks, such as 10.0.0.0/8. Default: everyone's.
    #[serde(default)]
    pub clients: Option<Vec<String>>,
    /// On a network namespace, which packets. Default: all that go out.
    #[serde(default)]
    pub packets: Option<PacketsConfig>,
}

impl FaultConfig for ReorderConfig {
    const KIND: &'static str = "net.reorder";
    type Fault = Reorder;
    const TARGETS: &'static [&'static str] = scope::BOTH;
    const EXAMPLE: &'static [(&'static str, &'static str)] = &[("reorder", "1")];

    fn preset(_: Intensity) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    fn build(self) -> Result<Reorder, ConfigError> {
        let fault = Reorder {
            order: Order {
                chance: Chance::new(self.reorder, self.correlation),
                gap: self.gap,
                latency: self.latency.get(),
            },
            scope: Scope::new(self.direction, self.toxicity, self.clients, self.packets),
        };
        fault.check()?;
        Ok(fault)
    }
}

fn latency() -> Time {
    Time::new(Duration::from_millis(10))
}

fn gap() -> u32 {
    1
}

impl Effect for Reorder {
    fn datagram_stage(&self, leg: &Leg<'_>) -> Option<Box<dyn DatagramStage>> {
        let leg = leg.within(self.scope.direction())?;
        Some(Box::new(Overtakes {
            order: self.order,
            late: 0,
            draws: self.order.chance.draws(leg),
            hits: leg.hits.clone(),
        }))
    }

    fn refuses(&self, transport: Transport) -> Option<&'static str> {
        match transport {
            Transport::Udp => None,
            Transport::Tcp => Some(
                "a TCP stream keeps its order: what overtakes has to wait; use a UDP proxy (`protocol: udp`, in Rust \
                `Proxy::udp`), a network namespace, or net.latency with a jitter",
            ),
        }
    }
}

/// The order in one direction of one session.
#[derive(Debug)]
struct Overtakes {
    order: Order,
    /// How many came since the last one that overtook.
    late: u32,
    draws: Draws,
    hits: Hits,
}

impl DatagramStage for Overtakes {
    fn judge(&mut self, datagram: &Datagram<'_>) -> Onward {
        // As the kernel's emulator does it: the others first, then it is drawn for each until one overtakes.
        if self.late + 1 < self.order.gap || !self.draws.draw() {
            self.late = self.late.saturating_add(1);
            return Onward::At(datagram.at + self.order.latency);
        }
        self.late = 0;
        self.hits.hit();
        Onward::At(datagram.at)
    }
}
