//! `net.bandwidth`: a narrow link.

use crate::{
    PacketsConfig,
    connections::{Connections, picks_connections},
    direction::Direction,
    emulate,
    proxy::{Effect, Fate, Hits, Leg, Piece, Room, Stage, plan_on_proxies},
    scope::{self, BackEnd, Scope},
};
use chaos_core::{
    ConfigError, Context, Fault, FaultConfig, FaultError, Intensity, Needs, Plan, Site,
    async_trait,
    units::{Percent, Rate},
};
use schemars::JsonSchema;
use serde::Deserialize;
use std::time::{Duration, Instant};

/// The link is narrow: `net.bandwidth`.
///
/// # What breaks
/// Each connection gets no more than `rate` through the proxy, in pieces of at most 5 ms, so without bursts and
/// without gaps. What does not fit waits, and then its sender does. Each connection and each direction has the
/// rate for itself.
///
/// On a network namespace all packets that are meant share the rate, each interface and each way one of its own (a token
/// bucket, `man 8 tc-tbf`): 10 ms of the rate may go at once, 50 ms may wait, and what is more is dropped.
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
/// `toxicity` and `clients` pick connections of a proxy: `{ "toxicity": 30, "clients": ["10.0.0.0/8"] }` hits 30 % of
/// those that come from there.
///
/// Intensities: light 8mbit, medium 1mbit, heavy 128kbit.
#[derive(Debug, Clone, PartialEq)]
pub struct Bandwidth {
    rate: u64,
    scope: Scope,
}

impl Bandwidth {
    /// So many bytes per second, on their way to the client.
    pub const fn per_second(bytes: u64) -> Self {
        Self {
            rate: bytes,
            scope: Scope::DEFAULT,
        }
    }

    /// This rate, on the way to the client.
    pub const fn rate(rate: Rate) -> Self {
        Self::per_second(rate.get())
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
        Narrow {
            rate: self.rate,
            direction,
        }
    }

    fn check(&self) -> Result<(), ConfigError> {
        if self.rate > 0 {
            return self.scope.check();
        }
        Err(ConfigError::field("rate", "0 lets nothing through").help(
            "at least 1B/s, such as 1mbit or 100kB/s; to let nothing through use net.blackhole",
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
                let what = format!("let through {rate} per connection {direction}");
                let effect = self.on_proxy(direction);
                plan_on_proxies(&effect, &self.scope.connections, &what, sites, cx.seed())
            }
            BackEnd::Kernel(packets) => emulate::plan_rate(self.rate, &packets, sites, cx).await,
        }
    }
}

/// Lets only so many bytes per second through each connection of a proxy.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct BandwidthConfig {
    /// What gets through per connection: a rate of at least 1B/s, such as 1mbit (bits) or 100kB/s (bytes).
    pub rate: Rate,
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
        let mut bandwidth = Bandwidth::rate(self.rate);
        bandwidth.scope = Scope {
            direction: self.direction,
            connections: Connections::new(self.toxicity, self.clients),
            packets: self.packets,
        };
        bandwidth.check()?;
        Ok(bandwidth)
    }
}

/// A rate on a proxy.
#[derive(Debug, Clone, Copy)]
struct Narrow {
    rate: u64,
    direction: Direction,
}

impl Effect for Narrow {
    fn stage(&self, leg: &Leg<'_>) -> Option<Box<dyn Stage>> {
        self.direction.covers(leg.flow).then(|| -> Box<dyn Stage> {
            Box::new(Bucket {
                rate: self.rate,
                free: None,
                asked: None,
                hits: leg.hits.clone(),
            })
        })
    }
}

/// The narrow link of one direction of one connection: when it is free again.
///
/// It is reckoned from when pieces were due, not from when they were sent, so that late timers do not add up.
#[derive(Debug)]
struct Bucket {
    rate: u64,
    free: Option<Instant>,
    /// When it is free after the piece that was asked about.
    asked: Option<Instant>,
    hits: Hits,
}

impl Bucket {
    /// How long one piece takes.
    const PIECE: Duration = Duration::from_millis(5);
    /// How much time may be made up for: late timers, but not a receiver that did not read.
    const LATE: Duration = Duration::from_millis(50);
    const LONGEST: usize = 64 * 1024;
}

impl Stage for Bucket {
    fn judge(&mut self, piece: &Piece<'_>) -> Fate {
        let free = self.free.unwrap_or(piece.at);
        let mut start = piece.at.max(free);
        if let Some(earliest) = piece.now.checked_sub(Self::LATE) {
            start = start.max(earliest);
        }
        if piece.chunk.is_some() {
            self.hits.hit();
        }
        let nanos = piece.data.len() as u128 * 1_000_000_000 / u128::from(self.rate);
        let takes = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        self.asked = start.checked_add(takes);
        self.asked.map_or(Fate::held(), Fate::at)
    }

    fn passed(&mut self) {
        self.free = self.asked;
    }

    fn longest(&mut self) -> usize {
        let bytes = u128::from(self.rate) * Self::PIECE.as_millis() / 1000;
        usize::try_from(bytes)
            .unwrap_or(Self::LONGEST)
            .clamp(1, Self::LONGEST)
    }

    fn room(&self) -> Room {
        Room {
            rate: Some(self.rate),
            ..Room::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends `bytes` that are all there at once, each piece sent `late` after it is due, and says how long it took.
    fn takes(rate: u64, mut bytes: usize, late: Duration) -> Duration {
        let mut bucket = Bucket {
            rate,
            free: None,
            asked: None,
            hits: Hits::default(),
        };
        let start = Instant::now();
        let mut now = start;
        while bytes > 0 {
            let len = bytes.min(bucket.longest());
            let fate = bucket.judge(&Piece {
                at: start,
                now,
                data: &vec![0; len],
                chunk: None,
            });
            now = now.max(fate.at.unwrap() + late);
            bucket.passed();
            bytes -= len;
        }
        now - start
    }

    #[test]
    fn the_rate_is_kept_however_late_the_timer_is() {
        for (rate, seconds) in [(10_000, 3), (1_000_000, 2), (100_000_000, 1)] {
            let bytes = usize::try_from(rate).unwrap() * seconds;
            let exact = Duration::from_secs(seconds as u64);
            for late in [0, 2, 20].map(Duration::from_millis) {
                let took = takes(rate, bytes, late);
                let error = took.abs_diff(exact + late);
                assert!(
                    error < Duration::from_millis(1),
                    "{rate} {late:?}: {took:?}"
                );
            }
        }
    }

    #[test]
    fn a_receiver_that_did_not_read_gets_no_burst() {
        let mut bucket = Bucket {
            rate: 1000,
            free: None,
            asked: None,
            hits: Hits::default(),
        };
        let start = Instant::now();
        let now = start + Duration::from_secs(10);
        let fate = bucket.judge(&Piece {
            at: start,
            now,
            data: &[0; 1000],
            chunk: None,
        });
        assert_eq!(fate.at, Some(now - Bucket::LATE + Duration::from_secs(1)));
    }
}
