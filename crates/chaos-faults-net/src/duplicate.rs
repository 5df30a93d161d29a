//! `net.duplicate`: packets arrive twice.

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
    async_trait, units::Percent,
};
use schemars::JsonSchema;
use serde::Deserialize;

/// Packets arrive twice: `net.duplicate`.
///
/// # What breaks
/// A share of the packets of a network namespace, or of the datagrams of a UDP proxy, is sent twice, one after the other.
/// TCP throws the second one away; who uses UDP has to. So it is refused on a proxy for TCP.
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
/// On a proxy what comes after it arrives once; on a network namespace as [`net.netem`](crate::NetemFault).
///
/// # Configuration
/// ```
/// # use chaos_core::{Parameters, Registry};
/// # let mut registry = Registry::new();
/// # chaos_faults_net::register(&mut registry);
/// let parameters: Parameters =
///     serde_json::from_str(r#"{ "duplicate": 5, "packets": { "protocol": "udp" } }"#)?;
/// registry.fault("net.duplicate", None, &parameters)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// On a UDP proxy `direction`, `toxicity` and `clients` say which: `{ "duplicate": 5, "direction": "both" }`.
///
/// There are no intensities.
#[derive(Debug, Clone, PartialEq)]
pub struct Duplicate {
    chance: Chance,
    scope: Scope,
}

impl Duplicate {
    /// This share of the packets arrives twice, 0 to 100.
    pub fn percent(percent: f64) -> Self {
        Self {
            chance: Chance::percent(percent),
            scope: Scope::DEFAULT,
        }
    }

    /// How much each packet depends on the one before, 0 to 100: packets that arrive twice come in rows, their share
    /// stays the same. Default: 0.
    #[must_use]
    pub const fn correlation(mut self, percent: f64) -> Self {
        self.chance.correlation = percent;
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
        self.chance.check("duplicate", "0 does nothing")?;
        self.scope.check()
    }
}

picks_connections!(Duplicate, scope.connections);

#[async_trait]
impl Fault for Duplicate {
    fn kind(&self) -> &'static str {
        DuplicateConfig::KIND
    }

    fn needs(&self, site: &Site) -> Needs {
        scope::needs(site, emulate::needs)
    }

    async fn plan(&self, sites: &[Site], cx: &Context) -> Result<Plan, FaultError> {
        self.check()?;
        match self.scope.back_end(sites)? {
            BackEnd::Proxy(direction) => {
                let what = format!("send {} of the datagrams twice {direction}", self.chance);
                plan_on_proxies(self, &self.scope.connections, &what, sites, cx.seed())
            }
            BackEnd::Kernel(packets) => {
                let netem = Netem {
                    duplicate: self.chance,
                    ..Netem::default()
                };
                emulate::plan(&netem, &packets, sites, cx).await
            }
        }
    }
}

/// Sends packets, or the datagrams of a UDP proxy, twice.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct DuplicateConfig {
    /// Which share of the packets, in percent: above 0 and up to 100.
    pub duplicate: Percent,
    /// How much each depends on the one before, in percent. Default: 0.
    #[serde(default)]
    pub correlation: Percent,
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

impl FaultConfig for DuplicateConfig {
    const KIND: &'static str = "net.duplicate";
    type Fault = Duplicate;
    const TARGETS: &'static [&'static str] = scope::BOTH;
    const EXAMPLE: &'static [(&'static str, &'static str)] = &[("duplicate", "1")];

    fn preset(_: Intensity) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    fn build(self) -> Result<Duplicate, ConfigError> {
        let fault = Duplicate {
            chance: Chance::new(self.duplicate, self.correlation),
            scope: Scope::new(self.direction, self.toxicity, self.clients, self.packets),
        };
        fault.check()?;
        Ok(fault)
    }
}

impl Effect for Duplicate {
    fn datagram_stage(&self, leg: &Leg<'_>) -> Option<Box<dyn DatagramStage>> {
        let leg = leg.within(self.scope.direction())?;
        Some(Box::new(Doubles {
            draws: self.chance.draws(leg),
            hits: leg.hits.clone(),
        }))
    }

    fn refuses(&self, transport: Transport) -> Option<&'static str> {
        match transport {
            Transport::Udp => None,
            Transport::Tcp => Some(
                "in a TCP stream nothing comes twice: the receiver throws duplicates away; use a UDP proxy (`protocol: udp`, \
                in Rust `Proxy::udp`) or a network namespace",
            ),
        }
    }
}

/// The duplicates in one direction of one session.
#[derive(Debug)]
struct Doubles {
    draws: Draws,
    hits: Hits,
}

impl DatagramStage for Doubles {
    fn judge(&mut self, datagram: &Datagram<'_>) -> Onward {
        if self.draws.draw() {
            self.hits.hit();
            return Onward::Twice(datagram.at);
        }
        Onward::At(datagram.at)
    }
}
