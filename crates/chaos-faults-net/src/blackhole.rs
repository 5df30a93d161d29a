//! `net.blackhole`: nothing gets through.

use crate::{
    Transport,
    connections::{Connections, picks_connections},
    direction::{Direction, Flow},
    proxy::{
        Datagram, DatagramStage, Effect, Fate, Gate, Hits, Leg, Onward, Piece, Room, Stage,
        plan_on_proxies,
    },
};
use chaos_core::{
    ConfigError, Context, Fault, FaultConfig, FaultError, Intensity, Needs, Plan, Site,
    async_trait, units::Percent,
};
use schemars::JsonSchema;
use serde::Deserialize;

/// Nothing gets through: `net.blackhole`.
///
/// # What breaks
/// Connections are accepted and live ones stay open, but nothing is forwarded, not even the end of a stream.
/// It is what a client sees when its dependency hangs, or when a firewall drops its packets after the
/// connection was made. The proxy takes up to 64 KiB per connection and direction; then the sender has to wait.
/// A client that connects meanwhile reaches the dependency when the fault is over, unless it is gone. One that has ended its
/// stream may want an answer or, over TCP, be closed, which looks the same: 256 of these on one proxy are kept, each for a
/// minute, and others are let go. A connection whose client is reset meanwhile is let go: it is the one thing that a dependency
/// hears of.
///
/// On a UDP proxy datagrams disappear, as where a firewall drops them: none of them comes later. (To have them come later,
/// as many as a queue holds, use [`net.bandwidth`](crate::Bandwidth) with a rate of 0.)
///
/// # What it needs
/// A [`Proxy`](crate::Proxy) as the target. No privilege.
///
/// # What is changed on the host
/// Nothing. Live connections feel it at once.
///
/// # How it is undone
/// What was held flows on; of a stream nothing is lost.
///
/// # Configuration
/// ```
/// # use chaos_core::{Parameters, Registry};
/// # let mut registry = Registry::new();
/// # chaos_faults_net::register(&mut registry);
/// let parameters: Parameters = serde_json::from_str(r#"{ "direction": "both" }"#)?;
/// registry.fault("net.blackhole", None, &parameters)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// `toxicity` and `clients` pick connections: `{ "toxicity": 30, "clients": ["10.0.0.0/8"] }` hits 30 % of
/// those that come from there.
///
/// There are no intensities: nothing is nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Blackhole {
    direction: Direction,
    connections: Connections,
}

impl Blackhole {
    /// Nothing gets through, both ways.
    pub const fn new() -> Self {
        Self {
            direction: Direction::Both,
            connections: Connections::ALL,
        }
    }

    /// Which way nothing gets through. Default: both.
    #[must_use]
    pub fn direction(mut self, direction: Direction) -> Self {
        self.direction = direction;
        self
    }
}

impl Default for Blackhole {
    fn default() -> Self {
        Self::new()
    }
}

picks_connections!(Blackhole, connections);

#[async_trait]
impl Fault for Blackhole {
    fn kind(&self) -> &'static str {
        BlackholeConfig::KIND
    }

    fn needs(&self, _: &Site) -> Needs {
        Needs::none()
    }

    async fn plan(&self, sites: &[Site], cx: &Context) -> Result<Plan, FaultError> {
        let what = format!("forward nothing {}", self.direction);
        plan_on_proxies(self, &self.connections, &what, sites, cx.seed())
    }
}

/// Accepts connections and forwards nothing: callers without a timeout hang.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct BlackholeConfig {
    /// Which way: upstream (requests), downstream (responses) or both. Default: both.
    #[serde(default = "both")]
    pub direction: Direction,
    /// Which share of the connections is hit, in percent: 0 to 100. Default: 100.
    #[serde(default)]
    pub toxicity: Option<Percent>,
    /// Whose connections are hit: addresses or networks, such as 10.0.0.0/8. Default: everyone's.
    #[serde(default)]
    pub clients: Option<Vec<String>>,
}

fn both() -> Direction {
    Direction::Both
}

impl FaultConfig for BlackholeConfig {
    const KIND: &'static str = "net.blackhole";
    type Fault = Blackhole;
    const TARGETS: &'static [&'static str] = &["proxy"];

    fn preset(_: Intensity) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    fn build(self) -> Result<Blackhole, ConfigError> {
        let blackhole = Blackhole {
            direction: self.direction,
            connections: Connections::new(self.toxicity, self.clients),
        };
        blackhole.connections.check()?;
        Ok(blackhole)
    }
}

impl Effect for Blackhole {
    fn gate(&self) -> Gate {
        if self.direction.covers(Flow::Upstream) {
            Gate::Hold
        } else {
            Gate::Open
        }
    }

    fn stage(&self, leg: &Leg<'_>) -> Option<Box<dyn Stage>> {
        let hits = leg.within(self.direction)?.hits.clone();
        Some(Box::new(Hole { hits }))
    }

    fn datagram_stage(&self, leg: &Leg<'_>) -> Option<Box<dyn DatagramStage>> {
        let hits = leg.within(self.direction)?.hits.clone();
        Some(Box::new(Hole { hits }))
    }

    fn refuses(&self, _: Transport) -> Option<&'static str> {
        None
    }
}

/// Where data stays until the fault is over, and datagrams disappear.
#[derive(Debug)]
struct Hole {
    hits: Hits,
}

impl Stage for Hole {
    fn judge(&mut self, _: &Piece<'_>) -> Fate {
        self.hits.hit();
        Fate::held()
    }

    fn room(&self) -> Room {
        Room {
            held: true,
            ..Room::default()
        }
    }
}

impl DatagramStage for Hole {
    fn judge(&mut self, _: &Datagram<'_>) -> Onward {
        self.hits.hit();
        Onward::Lost
    }
}
