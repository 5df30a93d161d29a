//! The fault and its configuration.

use super::{datagrams::Losses, retransmission::Retransmission};
use crate::{
    PacketsConfig, Transport,
    connections::picks_connections,
    direction::Direction,
    emulate,
    netem::Chance,
    proxy::{DatagramStage, Effect, Leg, Stage, plan_on_proxies},
    scope::{self, BackEnd, Scope},
};
use chaos_core::{
    ConfigError, Context, Fault, FaultConfig, FaultError, Intensity, Needs, Plan, Site,
    async_trait, units::Percent,
};
use schemars::JsonSchema;
use serde::Deserialize;

/// Packets get lost and are sent again: `net.loss`.
///
/// # What breaks
/// A TCP stream loses nothing when packets get lost: they are sent again, and everything after them waits. So
/// the proxy, through which whole streams pass, delays:
///
/// - What is read at once is taken as packets of 1448 bytes. Each is lost with the probability `loss`.
/// - A lost packet with three or more behind it is noticed by duplicate acknowledgements and sent again after a
///   round trip (RFC 5681, fast retransmit), which takes no time here, unless it is lost again.
/// - Any other loss is noticed when the retransmission timer ends: after 200 ms (the least in Linux,
///   `TCP_RTO_MIN`), and after twice as long each time the packet is lost again, up to 120 s (RFC 6298 5.5,
///   `TCP_RTO_MAX`), 15 times at most (`tcp_retries2`).
///
/// So 15 % loss makes 15 % of the short messages 200 ms late, 2 % 600 ms. It does not model the congestion window,
/// which makes long transfers on lossy paths slow even without timeouts: stack `net.bandwidth` on it for that.
///
/// On a UDP proxy each datagram is really lost with that probability, and nobody is told. With `correlation` it is with that
/// probability lost or not lost as the one before was, so losses come in rows; their share stays the same.
///
/// On a network namespace packets are really lost. Where nftables does it, the sender of a UDP packet that is dropped on
/// its way out is told (`EPERM`); choose `ingress` for silence.
///
/// # What it needs
/// On a [`Proxy`](crate::Proxy): no privilege. On a network namespace: as `net.latency`, or, where there is no `sch_netem`,
/// nftables.
///
/// # What is changed on the host
/// On a proxy nothing (on one for TCP the kernel notes when data comes, as for [`net.latency`](crate::Latency)); live
/// connections feel it at once. On a network namespace the queues of its interfaces, as by
/// [`net.netem`](crate::NetemFault).
///
/// # How it is undone
/// On a proxy what is under way is delivered at once; on a network namespace nothing is under way.
///
/// # Configuration
/// ```
/// # use chaos_core::{Parameters, Registry};
/// # let mut registry = Registry::new();
/// # chaos_faults_net::register(&mut registry);
/// let parameters: Parameters =
///     serde_json::from_str(r#"{ "loss": 15, "direction": "both" }"#)?;
/// registry.fault("net.loss", None, &parameters)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// `toxicity` and `clients` pick connections of a proxy: `{ "toxicity": 30, "clients": ["10.0.0.0/8"] }` hits 30 % of
/// those that come from there.
///
/// Intensities: light 5 %, medium 15 %, heavy 30 %.
#[derive(Debug, Clone, PartialEq)]
pub struct Loss {
    /// The correlation is of packets only.
    chance: Chance,
    scope: Scope,
}

impl Loss {
    /// This share of the packets is lost, 0 to 100, on their way to the client.
    pub const fn percent(percent: f64) -> Self {
        Self {
            chance: Chance::percent(percent),
            scope: Scope::DEFAULT,
        }
    }

    /// How much each packet depends on the one before, 0 to 100: losses come in rows, their share stays the same.
    /// Default: 0. On a proxy for TCP it is refused.
    #[must_use]
    pub const fn correlation(mut self, percent: f64) -> Self {
        self.chance.correlation = percent;
        self
    }

    /// Which way through a proxy packets get lost. Default: downstream.
    #[must_use]
    pub fn direction(mut self, direction: Direction) -> Self {
        self.scope.direction = Some(direction);
        self
    }

    /// Which packets of a network namespace may get lost. Default: all that go out.
    #[must_use]
    pub fn packets(mut self, packets: PacketsConfig) -> Self {
        self.scope.packets = Some(packets);
        self
    }

    fn check(&self) -> Result<(), ConfigError> {
        self.chance.check("loss", "0 loses nothing")?;
        self.scope.check()
    }
}

picks_connections!(Loss, scope.connections);

#[async_trait]
impl Fault for Loss {
    fn kind(&self) -> &'static str {
        LossConfig::KIND
    }

    fn needs(&self, site: &Site) -> Needs {
        scope::needs(site, emulate::loss_needs)
    }

    async fn plan(&self, sites: &[Site], cx: &Context) -> Result<Plan, FaultError> {
        self.check()?;
        match self.scope.back_end(sites)? {
            BackEnd::Proxy(direction) => {
                let percent = self.chance.percent;
                let what = match self.chance.on_streams("loss", sites)? {
                    true => format!("delay data as {percent} % packet loss does {direction}"),
                    false => format!("lose {percent} % of the datagrams {direction}"),
                };
                plan_on_proxies(self, &self.scope.connections, &what, sites, cx.seed())
            }
            BackEnd::Kernel(packets) => emulate::plan_loss(self.chance, &packets, sites, cx).await,
        }
    }
}

/// Loses packets: UDP datagrams are gone, a TCP stream through a proxy is delayed by retransmissions.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct LossConfig {
    /// Which share of the packets is lost, in percent: above 0 and up to 100.
    pub loss: Percent,
    /// On a UDP proxy and on a network namespace: how much each loss depends on the one before, in percent. Default: 0.
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
    /// On a network namespace, which packets. Default: all that go out. Where nftables does it, as there is no sch_netem, a UDP
    /// `send` that is lost fails (EPERM); with `direction: ingress` nobody is told.
    #[serde(default)]
    pub packets: Option<PacketsConfig>,
}

impl FaultConfig for LossConfig {
    const KIND: &'static str = "net.loss";
    type Fault = Loss;
    const TARGETS: &'static [&'static str] = scope::BOTH;

    fn preset(intensity: Intensity) -> &'static [(&'static str, &'static str)] {
        match intensity {
            Intensity::Light => &[("loss", "5")],
            Intensity::Medium => &[("loss", "15")],
            Intensity::Heavy => &[("loss", "30")],
            _ => &[],
        }
    }

    fn build(self) -> Result<Loss, ConfigError> {
        let loss = Loss {
            chance: Chance::new(self.loss, self.correlation),
            scope: Scope::new(self.direction, self.toxicity, self.clients, self.packets),
        };
        loss.check()?;
        Ok(loss)
    }
}

impl Effect for Loss {
    fn stage(&self, leg: &Leg<'_>) -> Option<Box<dyn Stage>> {
        let (leg, share) = (leg.within(self.scope.direction())?, self.chance.share());
        let hits = leg.hits.clone();
        Some(Box::new(Retransmission::new(share, leg.rng(), hits)))
    }

    fn datagram_stage(&self, leg: &Leg<'_>) -> Option<Box<dyn DatagramStage>> {
        let leg = leg.within(self.scope.direction())?;
        Some(Box::new(Losses {
            draws: self.chance.draws(leg),
            hits: leg.hits.clone(),
        }))
    }

    fn refuses(&self, _: Transport) -> Option<&'static str> {
        None
    }
}
