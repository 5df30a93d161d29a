//! The fault and its configuration.

use super::delay::{Delay, Delayed};
use crate::{
    Distribution, PacketsConfig, Transport, check,
    connections::picks_connections,
    direction::Direction,
    emulate,
    netem::{Netem, varies},
    proxy::{DatagramStage, Effect, Leg, Stage, plan_on_proxies},
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

/// Data arrives late: `net.latency`.
///
/// # What breaks
/// What is sent through a proxy reaches the other end later by `latency`, give or take `jitter`, evenly
/// distributed and never below zero. The time counts from when it came, on Linux as the kernel noted it, however late a thread
/// of the proxy was woken for it, elsewhere from when the proxy read it. So a stream keeps its throughput: up to 64 MiB
/// per connection and direction may be under way, beyond that the sender has to wait. The order is kept: late data
/// delays what comes after it. The end of a stream is late, too. The proxy itself answers the TCP handshake, so connecting
/// takes no longer. Several latencies add up.
///
/// On a UDP proxy each datagram is late by itself, as in the kernel: those with a jitter may overtake each other.
///
/// On a network namespace (of a process, a container, by name or the host's) each packet that goes out, or comes in, is
/// late instead, the handshake's, too; packets with a jitter may overtake each other. An interface takes one such fault
/// at a time.
///
/// # What it needs
/// On a [`Proxy`](crate::Proxy): no privilege. On a network namespace: Linux 5.14 or newer with `sch_netem`, `CAP_NET_ADMIN`
/// and `CAP_SYS_ADMIN`; no `tc` program. When it is the host's, the fault has host reach and needs `allow_host`.
///
/// # What is changed on the host
/// On a proxy nothing that would have to be undone; live connections feel it at once. On Linux the proxy's own sockets of TCP
/// have the kernel note when data comes (`SO_TIMESTAMPNS`, `man 7 socket`) while the fault is there. As long as any
/// socket has that, the kernel looks at its clock for every packet of the host (`net_enable_timestamp` in `net/core/dev.c`).
/// On a network namespace the queues of its interfaces, as by [`net.netem`](crate::NetemFault).
///
/// # How it is undone
/// What is under way is delivered: on a proxy at once, by the kernel when it is due, for up to 3 s.
///
/// # Configuration
/// ```
/// # use chaos_core::{Parameters, Registry};
/// # let mut registry = Registry::new();
/// # chaos_faults_net::register(&mut registry);
/// let parameters: Parameters = serde_json::from_str(
///     r#"{ "latency": "500ms", "jitter": "100ms", "direction": "downstream" }"#,
/// )?;
/// registry.fault("net.latency", None, &parameters)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// On a network namespace `packets` says which, such as `{ "latency": "100ms", "packets": { "direction": "both",
/// "hosts": ["10.0.0.0/8"], "protocol": "tcp", "remote_ports": ["5432"] } }`.
///
/// `toxicity` and `clients` pick connections of a proxy: `{ "toxicity": 30, "clients": ["10.0.0.0/8"] }` hits 30 % of
/// those that come from there.
///
/// Intensities: light 50 ms, medium 200 ms, heavy 500 ms.
///
/// # Examples
/// ```
/// use chaos_core::FaultExt;
/// use chaos_faults_net::{Latency, Proxy};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), chaos_core::FaultError> {
/// let redis = Proxy::in_front_of("127.0.0.1:6379").await?;
/// let slow = Latency::ms(500).jitter_ms(100).on(&redis);
/// # drop(slow); Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Latency {
    delay: Delay,
    scope: Scope,
}

impl Latency {
    /// Data arrives this much later, on its way to the client.
    pub const fn new(latency: Duration) -> Self {
        Self {
            delay: Delay {
                latency,
                jitter: Duration::ZERO,
                distribution: Distribution::Uniform,
                correlation: 0.0,
            },
            scope: Scope::DEFAULT,
        }
    }

    /// Data arrives this many milliseconds later, on its way to the client.
    pub const fn ms(latency: u64) -> Self {
        Self::new(Duration::from_millis(latency))
    }

    /// Varies the latency by up to this much, both ways.
    #[must_use]
    pub fn jitter(mut self, jitter: Duration) -> Self {
        self.delay.jitter = jitter;
        self
    }

    /// Varies the latency by up to this many milliseconds, both ways.
    #[must_use]
    pub fn jitter_ms(self, jitter: u64) -> Self {
        self.jitter(Duration::from_millis(jitter))
    }

    /// How the jitter is distributed. Default: evenly.
    #[must_use]
    pub fn distribution(mut self, distribution: Distribution) -> Self {
        self.delay.distribution = distribution;
        self
    }

    /// How much each delay depends on the one before, 0 to 100. Default: 0.
    #[must_use]
    pub fn correlation(mut self, percent: f64) -> Self {
        self.delay.correlation = percent;
        self
    }

    /// Which way through a proxy the data is delayed. Default: downstream.
    #[must_use]
    pub fn direction(mut self, direction: Direction) -> Self {
        self.scope.direction = Some(direction);
        self
    }

    /// Which packets of a network namespace are delayed. Default: all that go out.
    #[must_use]
    pub fn packets(mut self, packets: PacketsConfig) -> Self {
        self.scope.packets = Some(packets);
        self
    }

    #[cfg(test)]
    pub(super) fn delay(&self) -> Delay {
        self.delay
    }

    fn delayed(&self, leg: &Leg<'_>) -> Option<Delayed> {
        let leg = leg.within(self.scope.direction())?;
        Some(Delayed::new(self.delay, leg.rng(), leg.hits.clone()))
    }

    fn check(&self) -> Result<(), ConfigError> {
        let Delay {
            latency,
            jitter,
            correlation,
            distribution,
        } = self.delay;
        check::at_most_an_hour("latency", latency)?;
        check::at_most_an_hour("jitter", jitter)?;
        Percent::try_from(correlation)
            .map_err(|e| ConfigError::field("correlation", e.to_string()).help("0 to 100"))?;
        if latency.is_zero() && jitter.is_zero() {
            return Err(ConfigError::field("latency", "0 delays nothing")
                .help("a time above 0 and up to 1h, such as 200ms"));
        }
        varies(jitter, correlation, distribution)?;
        self.scope.check()
    }
}

picks_connections!(Latency, scope.connections);

#[async_trait]
impl Fault for Latency {
    fn kind(&self) -> &'static str {
        LatencyConfig::KIND
    }

    fn needs(&self, site: &Site) -> Needs {
        scope::needs(site, emulate::needs)
    }

    async fn plan(&self, sites: &[Site], cx: &Context) -> Result<Plan, FaultError> {
        self.check()?;
        let Delay {
            latency,
            jitter,
            distribution,
            correlation,
        } = self.delay;
        match self.scope.back_end(sites)? {
            BackEnd::Proxy(direction) => {
                let what = format!("delay data by {latency:?} ± {jitter:?} {direction}");
                plan_on_proxies(self, &self.scope.connections, &what, sites, cx.seed())
            }
            BackEnd::Kernel(packets) => {
                let netem = Netem {
                    latency,
                    jitter,
                    correlation,
                    distribution,
                    ..Netem::default()
                };
                emulate::plan(&netem, &packets, sites, cx).await
            }
        }
    }
}

/// Delays data through a proxy, or packets, with jitter.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct LatencyConfig {
    /// How much later data arrives: a time up to 1h, such as 200ms.
    pub latency: Time,
    /// How much the latency varies, both ways, evenly: a time up to 1h. It may be more than the latency; the
    /// delay is never below 0. Default: 0.
    #[serde(default)]
    pub jitter: Time,
    /// How the jitter is distributed: uniform, normal, pareto or paretonormal. Default: uniform, from minus to plus
    /// the jitter; of the others it is the standard deviation.
    #[serde(default)]
    pub distribution: Distribution,
    /// How much each delay depends on the one before, in percent. Default: 0.
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

impl FaultConfig for LatencyConfig {
    const KIND: &'static str = "net.latency";
    type Fault = Latency;
    const TARGETS: &'static [&'static str] = scope::BOTH;

    fn preset(intensity: Intensity) -> &'static [(&'static str, &'static str)] {
        match intensity {
            Intensity::Light => &[("latency", "50ms")],
            Intensity::Medium => &[("latency", "200ms")],
            Intensity::Heavy => &[("latency", "500ms")],
            _ => &[],
        }
    }

    fn build(self) -> Result<Latency, ConfigError> {
        let latency = Latency {
            delay: Delay {
                latency: self.latency.get(),
                jitter: self.jitter.get(),
                distribution: self.distribution,
                correlation: self.correlation.get(),
            },
            scope: Scope::new(self.direction, self.toxicity, self.clients, self.packets),
        };
        latency.check()?;
        Ok(latency)
    }
}

impl Effect for Latency {
    fn stage(&self, leg: &Leg<'_>) -> Option<Box<dyn Stage>> {
        Some(Box::new(self.delayed(leg)?))
    }

    fn datagram_stage(&self, leg: &Leg<'_>) -> Option<Box<dyn DatagramStage>> {
        Some(Box::new(self.delayed(leg)?))
    }

    fn refuses(&self, _: Transport) -> Option<&'static str> {
        None
    }
}
