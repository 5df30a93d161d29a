//! `net.corrupt`: data arrives with a wrong bit.

use crate::{
    PacketsConfig,
    connections::{Connections, picks_connections},
    direction::Direction,
    emulate,
    netem::{Chance, Netem},
    proxy::{Effect, Fate, Hits, Leg, Piece, Stage, plan_on_proxies},
    scope::{self, BackEnd, Scope},
};
use bytes::BytesMut;
use chaos_core::{
    ConfigError, Context, Fault, FaultConfig, FaultError, Intensity, Needs, Plan, Site,
    async_trait, units::Percent,
};
use rand::{RngExt, rngs::StdRng};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::VecDeque;

/// Data arrives with a wrong bit: `net.corrupt`.
///
/// # What breaks
/// On a proxy what is read at once is taken as packets of 1448 bytes, and one bit somewhere in a share of them is turned
/// over. The checksums of TCP are made after that, so the data arrives wrong: what finds it is TLS, a checksum of the
/// protocol, or nobody.
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
        let correlation = 0.0;
        Self {
            chance: Chance {
                percent,
                correlation,
            },
            scope: Scope::DEFAULT,
        }
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

    /// What it does to a proxy.
    fn on_proxy(&self, direction: Direction) -> Flipping {
        Flipping {
            share: self.chance.percent / 100.0,
            direction,
        }
    }

    fn check(&self) -> Result<(), ConfigError> {
        let help = "a number above 0 and up to 100";
        let percent = Percent::try_from(self.chance.percent)
            .map_err(|e| ConfigError::field("corrupt", e.to_string()).help(help))?;
        if percent.get() == 0.0 {
            return Err(ConfigError::field("corrupt", "0 does nothing").help(help));
        }
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
                if self.chance.correlation > 0.0 {
                    let problem = "on a proxy each wrong bit is by itself";
                    return Err(ConfigError::field("correlation", problem).into());
                }
                let percent = self.chance.percent;
                let what = format!("turn over a bit in {percent} % of the data {direction}");
                let effect = self.on_proxy(direction);
                plan_on_proxies(&effect, &self.scope.connections, &what, sites, cx.seed())
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
    /// On a network namespace: how much each depends on the one before, in percent. Default: 0.
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
            chance: Chance {
                percent: self.corrupt.get(),
                correlation: self.correlation.get(),
            },
            scope: Scope {
                direction: self.direction,
                connections: Connections::new(self.toxicity, self.clients),
                packets: self.packets,
            },
        };
        fault.check()?;
        Ok(fault)
    }
}

/// Wrong bits on a proxy.
#[derive(Debug, Clone, Copy)]
struct Flipping {
    share: f64,
    direction: Direction,
}

impl Effect for Flipping {
    fn stage(&self, leg: &Leg<'_>) -> Option<Box<dyn Stage>> {
        self.direction.covers(leg.flow).then(|| -> Box<dyn Stage> {
            let hits = leg.hits.clone();
            Box::new(Flips::new(self.share, leg.rng(), hits))
        })
    }
}

/// The wrong bits in one direction of one connection.
#[derive(Debug)]
struct Flips {
    share: f64,
    /// What is still to come in the chunk that is on its way: the number of a byte, and its bit.
    flips: VecDeque<(usize, u8)>,
    /// How much of the chunk went on.
    at: usize,
    /// How much of it goes on with the piece that was asked about.
    asked: usize,
    rng: StdRng,
    hits: Hits,
}

impl Flips {
    /// What a packet carries on Ethernet, as net.loss has it.
    const SEGMENT: usize = 1448;

    fn new(share: f64, rng: StdRng, hits: Hits) -> Self {
        Self {
            share,
            flips: VecDeque::new(),
            at: 0,
            asked: 0,
            rng,
            hits,
        }
    }

    /// Draws the wrong bits of a chunk.
    fn draw(&mut self, len: usize) {
        self.at = 0;
        self.flips.clear();
        for start in (0..len).step_by(Self::SEGMENT) {
            if self.rng.random_bool(self.share) {
                let end = len.min(start + Self::SEGMENT);
                let byte = self.rng.random_range(start..end);
                self.flips.push_back((byte, self.rng.random_range(0..8)));
            }
        }
    }

    /// Those that are within the piece that was asked about.
    fn within(&self) -> impl Iterator<Item = (usize, u8)> {
        let (start, end) = (self.at, self.at + self.asked);
        let flips = self.flips.iter().take_while(move |(byte, _)| *byte < end);
        flips.map(move |(byte, bit)| (byte - start, *bit))
    }
}

impl Stage for Flips {
    fn judge(&mut self, piece: &Piece<'_>) -> Fate {
        if let Some(len) = piece.chunk {
            self.draw(len);
        }
        self.asked = piece.data.len();
        let fate = Fate::at(piece.at);
        if self.within().next().is_none() {
            return fate;
        }
        let mut data = BytesMut::from(piece.data);
        for (byte, bit) in self.within() {
            data[byte] ^= 1 << bit;
        }
        fate.changed(data.freeze())
    }

    fn passed(&mut self) {
        let count = self.within().count();
        self.flips.drain(..count);
        (0..count).for_each(|_| self.hits.hit());
        self.at += self.asked;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::Carried;
    use chaos_core::Seed;
    use std::time::Instant;

    /// What becomes of a chunk of zeros that is cut into pieces of `longest` bytes.
    fn becomes(flips: &mut Flips, len: usize, longest: usize) -> Vec<u8> {
        let now = Instant::now();
        let mut all = Vec::new();
        while all.len() < len {
            let data = vec![0; longest.min(len - all.len())];
            let fate = flips.judge(&Piece {
                at: now,
                now,
                data: &data,
                chunk: all.is_empty().then_some(len),
            });
            match fate.carried {
                Carried::Changed(data) => all.extend(data),
                _ => all.extend(data),
            }
            flips.passed();
        }
        all
    }

    fn flips(share: f64, seed: u64) -> Flips {
        Flips::new(share, Seed::new(seed).rng(), Hits::default())
    }

    fn wrong_bits(data: &[u8]) -> u32 {
        data.iter().map(|byte| byte.count_ones()).sum()
    }

    #[test]
    fn each_packet_that_is_hit_has_one_wrong_bit() {
        let mut all = flips(1.0, 1);
        let data = becomes(&mut all, 10 * Flips::SEGMENT + 1, usize::MAX);
        assert!(data.chunks(Flips::SEGMENT).all(|c| wrong_bits(c) == 1));
        assert_eq!(all.hits.get(), 11);
        let mut some = flips(0.1, 1);
        let data = becomes(&mut some, 1000 * Flips::SEGMENT, usize::MAX);
        assert!((70..130).contains(&wrong_bits(&data)));
        assert_eq!(some.hits.get(), u64::from(wrong_bits(&data)));
    }

    #[test]
    fn the_seed_says_which_bits_however_the_data_is_cut() {
        let len = 100 * Flips::SEGMENT;
        let whole = becomes(&mut flips(0.5, 1), len, usize::MAX);
        assert_eq!(whole, becomes(&mut flips(0.5, 1), len, 7));
        assert_ne!(whole, becomes(&mut flips(0.5, 2), len, usize::MAX));
    }
}
