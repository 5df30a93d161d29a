//! The fault and its configuration.

use super::{datagrams::WrongBits, flips::Flips};
use crate::{
    PacketsConfig, Transport,
    connections::picks_connections,
    direction::Direction,
    emulate,
    netem::{Chance, Netem},
    proxy::{DatagramStage, Effect, Leg, Stage, plan_on_proxies},
    scope::{self, BackEnd, Scope},
};
use chaos_core::{
    ConfigError, Context, Fault, FaultConfig, FaultError, Intensity, Needs, Plan, Site,
    async_trait, units::Percent,
};
use schemars::JsonSchema;
use serde::Deserialize;

/// Data arrives with a wrong bit: `net.corrupt`.
///
/// # What breaks
/// On a proxy what is read at once is taken as packets of 1448 bytes, and one bit somewhere in a share of them is turned
/// over. The checksums of TCP are made after that, so the data arrives wrong: what finds it is TLS, a checksum of the
/// protocol, or nobody.
///
/// On a UDP proxy it is one bit of a share of the datagrams.
///
/// On a network namespace it is a share of the real packets. Checksums find that nearly always, so it mostly acts as
/// loss; what has no checksum, or one that was computed by the network card before, arrives wrong.
///
/// # What it needs
/// On a [`Proxy`](crate::Proxy): no privilege. On a network namespace: Linux 5.14 or newer with `sch_netem`, `CAP_NET_ADMIN`
/// and `CAP_SYS_ADMIN`; no `tc` program. When it is the host's, the fault has host reach and needs `allow_host`.
///
/// # What is changed on the host
/// On a proxy nothing; live connections feel it at once. On a network namespace the queues of its interfaces, as by
/// [`net.netem`](crate::NetemFault).
///
/// # How it is undone
/// On a proxy what comes after it arrives as it was sent; on a network namespace as [`net.netem`](crate::NetemFault).
///
/// # Configuration
/// ```
/// # use chaos_core::{Parameters, Registry};
/// # let mut registry = Registry::new();
/// # chaos_faults_net::register(&mut registry);
/// let parameters: Parameters =
///     serde_json::from_str(r#"{ "corrupt": 1, "direction": "both" }"#)?;
/// registry.fault("net.corrupt", None, &parameters)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// `toxicity` and `clients` pick connections of a proxy: `{ "toxicity": 30, "clients": ["10.0.0.0/8"] }` hits 30 % of
/// those that come from there.
///
/// There are no intensities.
#[derive(Debug, Clone, PartialEq)]
pub struct Corrupt {
    chance: Chance,
    scope: Scope,
}

impl Corrupt {
    /// This share of the packets gets a wrong bit, 0 to 100.
    pub fn percent(percent: f64) -> Self {
        Self {
            chance: Chance::percent(percent),
            scope: Scope::DEFAULT,
        }
    }

    /// How much each packet depends on the one before, 0 to 100: wrong bits come in rows, their share stays the
    /// same. Default: 0. On a proxy for TCP it is refused.
    #[must_use]
    pub const fn correlation(mut self, percent: f64) -> Self {
        self.chance.correlation = percent;
        self
    }

    /// Which way through a proxy data is hit. Default: downstream.
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
        self.chance.check("corrupt", "0 does nothing")?;
        self.scope.check()
    }
}

picks_connections!(Corrupt, scope.connections);

#[async_trait]
impl Fault for Corrupt {
    fn kind(&self) -> &'static str {
        CorruptConfig::KIND
    }

    fn needs(&self, site: &Site) -> Needs {
        scope::needs(site, emulate::needs)
    }

    async fn plan(&self, sites: &[Site], cx: &Context) -> Result<Plan, FaultError> {
        self.check()?;
        match self.scope.back_end(sites)? {
            BackEnd::Proxy(direction) => {
                let percent = self.chance.percent;
                let of = match self.chance.on_streams("wrong bit", sites)? {
                    true => "data",
                    false => "datagrams",
                };
                let what = format!("turn over a bit in {percent} % of the {of} {direction}");
                plan_on_proxies(self, &self.scope.connections, &what, sites, cx.seed())
            }
            BackEnd::Kernel(packets) => {
                let netem = Netem {
                    corrupt: self.chance,
                    ..Netem::default()
                };
                emulate::plan(&netem, &packets, sites, cx).await
            }
        }
    }
}

/// Turns over one bit of a share of the packets, or of as much data on a proxy.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct CorruptConfig {
    /// Which share of the packets, in percent: above 0 and up to 100.
    pub corrupt: Percent,
    /// On a UDP proxy and on a network namespace: how much each depends on the one before, in percent. Default: 0.
    #[serde(default)]
    pub correlation: Percent,
    /// On a proxy, which way: upstream (requests), downstream (responses) or both. Default: downstream.
    #[serde(default)]
    pub direction: Option<Direction>,
    /// On a proxy, which share of the connections is hit, in percent: 0 to 100. Default: 100.
    #[serde(default)]
    pub toxicity: Option<Percent>,
    /// On a proxy, whose connections are hit: addresses or networks, such as 10.0.0.0/8. Default: everyone's.
    #[serde(default)]
    pub clients: Option<Vec<String>>,
    /// On a network namespace, which packets. Default: all that go out.
    #[serde(default)]
    pub packets: Option<PacketsConfig>,
}

impl FaultConfig for CorruptConfig {
    const KIND: &'static str = "net.corrupt";
    type Fault = Corrupt;
    const TARGETS: &'static [&'static str] = scope::BOTH;
    const EXAMPLE: &'static [(&'static str, &'static str)] = &[("corrupt", "1")];

    fn preset(_: Intensity) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    fn build(self) -> Result<Corrupt, ConfigError> {
        let fault = Corrupt {
            chance: Chance::new(self.corrupt, self.correlation),
            scope: Scope::new(self.direction, self.toxicity, self.clients, self.packets),
        };
        fault.check()?;
        Ok(fault)
    }
}

impl Effect for Corrupt {
    fn stage(&self, leg: &Leg<'_>) -> Option<Box<dyn Stage>> {
        let leg = leg.within(self.scope.direction())?;
        let share = self.chance.share();
        Some(Box::new(Flips::new(share, leg.rng(), leg.hits.clone())))
    }

    fn datagram_stage(&self, leg: &Leg<'_>) -> Option<Box<dyn DatagramStage>> {
        let leg = leg.within(self.scope.direction())?;
        Some(Box::new(WrongBits {
            draws: self.chance.draws(leg),
            hits: leg.hits.clone(),
        }))
    }

    fn refuses(&self, _: Transport) -> Option<&'static str> {
        None
    }
}
