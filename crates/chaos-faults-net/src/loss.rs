//! `net.loss`: what packet loss does to a TCP stream.

use crate::{
    PacketsConfig,
    connections::{Connections, picks_connections},
    direction::Direction,
    emulate,
    netem::Chance,
    proxy::{Effect, Fate, Hits, Leg, Piece, Room, Stage, plan_on_proxies},
    scope::{self, BackEnd, Scope},
};
use chaos_core::{
    ConfigError, Context, Fault, FaultConfig, FaultError, Intensity, Needs, Plan, Site,
    async_trait, units::Percent,
};
use rand::{RngExt, rngs::StdRng};
use schemars::JsonSchema;
use serde::Deserialize;
use std::time::Duration;

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
/// On a network namespace packets are really lost. Where nftables does it, the sender of a UDP packet that is dropped on
/// its way out is told (`EPERM`); choose `ingress` for silence.
///
/// # What it needs
/// On a [`Proxy`](crate::Proxy): no privilege. On a network namespace: as `net.latency`, or, where there is no `sch_netem`,
/// nftables.
///
/// # What is changed on the host
/// On a proxy nothing; live connections feel it at once. On a network namespace the queues of its interfaces, as by
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
    percent: f64,
    /// Of packets only.
    correlation: f64,
    scope: Scope,
}

impl Loss {
    /// This share of the packets is lost, 0 to 100, on their way to the client.
    pub const fn percent(percent: f64) -> Self {
        Self {
            percent,
            correlation: 0.0,
            scope: Scope::DEFAULT,
        }
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

    /// What it does to a proxy.
    pub(crate) fn on_proxy(&self, direction: Direction) -> impl Effect + Clone {
        Lossy {
            share: self.percent / 100.0,
            direction,
        }
    }

    fn share(&self) -> Result<f64, ConfigError> {
        let help = "a number above 0 and up to 100";
        let percent = Percent::try_from(self.percent)
            .map_err(|e| ConfigError::field("loss", e.to_string()).help(help))?;
        if percent.get() == 0.0 {
            return Err(ConfigError::field("loss", "0 loses nothing").help(help));
        }
        self.scope.check()?;
        Ok(percent.share())
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
        self.share()?;
        match self.scope.back_end(sites)? {
            BackEnd::Proxy(direction) => {
                if self.correlation > 0.0 {
                    let problem = "on a proxy each loss is by itself";
                    return Err(ConfigError::field("correlation", problem).into());
                }
                let percent = self.percent;
                let what = format!("delay data as {percent} % packet loss does {direction}");
                let effect = self.on_proxy(direction);
                plan_on_proxies(&effect, &self.scope.connections, &what, sites, cx.seed())
            }
            BackEnd::Kernel(packets) => {
                let chance = Chance {
                    percent: self.percent,
                    correlation: self.correlation,
                };
                emulate::plan_loss(chance, &packets, sites, cx).await
            }
        }
    }
}

/// Delays what goes through a proxy as lost packets delay a TCP stream: by retransmissions.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct LossConfig {
    /// Which share of the packets is lost, in percent: above 0 and up to 100.
    pub loss: Percent,
    /// On a network namespace: how much each loss depends on the one before, in percent. Default: 0.
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
            percent: self.loss.get(),
            correlation: self.correlation.get(),
            scope: Scope {
                direction: self.direction,
                connections: Connections::new(self.toxicity, self.clients),
                packets: self.packets,
            },
        };
        loss.share()?;
        Ok(loss)
    }
}

/// Losses on a proxy.
#[derive(Debug, Clone, Copy)]
struct Lossy {
    share: f64,
    direction: Direction,
}

impl Effect for Lossy {
    fn stage(&self, leg: &Leg<'_>) -> Option<Box<dyn Stage>> {
        let covers = self.direction.covers(leg.flow);
        if !covers {
            return None;
        }
        Some(Box::new(Retransmission {
            share: self.share,
            stall: Duration::ZERO,
            rng: leg.rng(),
            hits: leg.hits.clone(),
        }))
    }
}

/// The losses in one direction of one connection.
#[derive(Debug)]
struct Retransmission {
    share: f64,
    /// Of the chunk that is on its way.
    stall: Duration,
    rng: StdRng,
    hits: Hits,
}

impl Retransmission {
    /// What a packet carries on Ethernet: 1500 bytes less the headers of IPv4 and TCP with time stamps.
    const SEGMENT: usize = 1448;
    /// So many packets behind a lost one make as many duplicate acknowledgements.
    const DUPLICATES: usize = 3;
    const RTO_MIN: Duration = Duration::from_millis(200);
    const RTO_MAX: Duration = Duration::from_secs(120);
    const RETRIES: u32 = 15;

    /// How long `len` bytes are held up by their losses.
    fn draw(&mut self, len: usize) -> Duration {
        let segments = len.div_ceil(Self::SEGMENT).max(1);
        let stalls = (0..segments).map(|segment| {
            let behind = segments - segment - 1;
            if !self.lost() || (behind >= Self::DUPLICATES && !self.lost()) {
                Duration::ZERO
            } else {
                self.timeouts()
            }
        });
        // Lost packets are repaired side by side, so the slowest counts.
        stalls.max().unwrap_or_default()
    }

    /// How long one packet takes whose retransmission has to wait for the timer.
    fn timeouts(&mut self) -> Duration {
        let mut stall = Duration::ZERO;
        let mut timeout = Self::RTO_MIN;
        for _ in 0..Self::RETRIES {
            stall += timeout;
            timeout = Self::RTO_MAX.min(timeout * 2);
            if !self.lost() {
                break;
            }
        }
        stall
    }

    fn lost(&mut self) -> bool {
        self.rng.random_bool(self.share)
    }
}

impl Stage for Retransmission {
    fn judge(&mut self, piece: &Piece<'_>) -> Fate {
        if let Some(len) = piece.chunk {
            self.stall = self.draw(len);
            if !self.stall.is_zero() {
                self.hits.hit();
            }
        }
        Fate::at(piece.at + self.stall)
    }

    fn room(&self) -> Room {
        Room {
            delay: Duration::from_secs(1),
            ..Room::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chaos_core::Seed;

    fn stalls(percent: f64, len: usize) -> Vec<Duration> {
        let mut stage = Retransmission {
            share: percent / 100.0,
            stall: Duration::ZERO,
            rng: Seed::new(1).rng(),
            hits: Hits::default(),
        };
        (0..10_000).map(|_| stage.draw(len)).collect()
    }

    #[expect(clippy::cast_precision_loss, reason = "at most ten thousand")]
    fn share(stalls: &[Duration], which: impl Fn(Duration) -> bool) -> f64 {
        stalls.iter().filter(|s| which(**s)).count() as f64 / stalls.len() as f64
    }

    #[test]
    fn short_messages_wait_for_the_timer_as_often_as_they_are_lost() {
        let stalls = stalls(15.0, 100);
        let late = share(&stalls, |s| !s.is_zero());
        let twice = share(&stalls, |s| s >= Duration::from_millis(600));
        assert!((late - 0.15).abs() < 0.015, "{late}");
        assert!((twice - 0.0225).abs() < 0.006, "{twice}");
        let least = stalls.iter().filter(|s| !s.is_zero()).min();
        assert_eq!(least, Some(&Duration::from_millis(200)));
    }

    #[test]
    fn in_a_long_message_only_the_tail_waits_for_the_timer() {
        // 20 packets at 5 %: 3 at the tail lost once, 17 before lost twice.
        let expected = 1.0 - 0.95_f64.powi(3) * (1.0 - 0.0025_f64).powi(17);
        let late = share(&stalls(5.0, 20 * 1448), |s| !s.is_zero());
        assert!((late - expected).abs() < 0.015, "{late} {expected}");
    }

    #[test]
    fn everything_lost_is_late_by_what_tcp_bears() {
        let stalls = stalls(100.0, 1);
        // 0.2 s doubled ten times up to 120 s, as tcp_retries2 says: about a quarter of an hour.
        assert!(stalls.iter().all(|s| *s == stalls[0]));
        assert!(
            (800..1000).contains(&stalls[0].as_secs()),
            "{:?}",
            stalls[0]
        );
    }
}
