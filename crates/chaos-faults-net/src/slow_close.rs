//! `net.slow_close`: connections end late.

use crate::{
    check,
    connections::{Connections, picks_connections},
    direction::Direction,
    proxy::{Effect, Fate, Hits, Leg, Piece, Stage, plan_on_proxies},
};
use chaos_core::{
    ConfigError, Context, Fault, FaultConfig, FaultError, Intensity, Needs, Plan, Site,
    async_trait,
    units::{Percent, Time},
};
use schemars::JsonSchema;
use serde::Deserialize;
use std::time::Duration;

/// Connections end late: `net.slow_close`.
///
/// # What breaks
/// Data gets through at once, but the end of the stream (and a reset) only `delay` later. Who reads to the end waits, and
/// connections pile up that nobody needs any more, at both ends.
///
/// # What it needs
/// A [`Proxy`](crate::Proxy) for connections as the target, not one for UDP. No privilege.
///
/// # What is changed on the host
/// Nothing. Live connections feel it at once.
///
/// # How it is undone
/// Ends that are under way are delivered at once.
///
/// # Configuration
/// ```
/// # use chaos_core::{Parameters, Registry};
/// # let mut registry = Registry::new();
/// # chaos_faults_net::register(&mut registry);
/// let parameters: Parameters = serde_json::from_str(
///     r#"{ "delay": "5s", "direction": "downstream" }"#,
/// )?;
/// registry.fault("net.slow_close", None, &parameters)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// `toxicity` and `clients` pick connections: `{ "toxicity": 30, "clients": ["10.0.0.0/8"] }` hits 30 % of
/// those that come from there.
///
/// There are no intensities.
///
/// # Examples
/// ```
/// use chaos_core::FaultExt;
/// use chaos_faults_net::{SlowClose, Proxy};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), chaos_core::FaultError> {
/// let redis = Proxy::in_front_of("127.0.0.1:6379").await?;
/// let fault = SlowClose::new(std::time::Duration::from_secs(5)).on(&redis);
/// # drop(fault); Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct SlowClose {
    delay: Duration,
    direction: Direction,
    connections: Connections,
}

impl SlowClose {
    /// The end of the stream is this late, on its way to the client.
    pub const fn new(delay: Duration) -> Self {
        Self {
            delay,
            direction: Direction::Downstream,
            connections: Connections::ALL,
        }
    }

    /// Which way. Default: downstream.
    #[must_use]
    pub fn direction(mut self, direction: Direction) -> Self {
        self.direction = direction;
        self
    }

    fn check(&self) -> Result<(), ConfigError> {
        check::delays("delay", self.delay)?;
        self.connections.check()
    }
}

picks_connections!(SlowClose, connections);

#[async_trait]
impl Fault for SlowClose {
    fn kind(&self) -> &'static str {
        SlowCloseConfig::KIND
    }

    fn needs(&self, _: &Site) -> Needs {
        Needs::none()
    }

    async fn plan(&self, sites: &[Site], cx: &Context) -> Result<Plan, FaultError> {
        self.check()?;
        let what = format!(
            "delay the end of streams by {:?} {}",
            self.delay, self.direction
        );
        plan_on_proxies(self, &self.connections, &what, sites, cx.seed())
    }
}

/// Delays the end of streams: connections stay open longer than anybody needs them.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SlowCloseConfig {
    /// How late the end of the stream arrives: a time above 0 and up to 1h, such as 5s.
    pub delay: Time,
    /// Which way: upstream (requests), downstream (responses) or both. Default: downstream.
    #[serde(default)]
    pub direction: Direction,
    /// Which share of the connections is hit, in percent: 0 to 100. Default: 100.
    #[serde(default)]
    pub toxicity: Option<Percent>,
    /// Whose connections are hit: addresses or networks, such as 10.0.0.0/8. Default: everyone's.
    #[serde(default)]
    pub clients: Option<Vec<String>>,
}

impl FaultConfig for SlowCloseConfig {
    const KIND: &'static str = "net.slow_close";
    type Fault = SlowClose;
    const TARGETS: &'static [&'static str] = &["proxy"];
    const EXAMPLE: &'static [(&'static str, &'static str)] = &[("delay", "1s")];

    fn preset(_: Intensity) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    fn build(self) -> Result<SlowClose, ConfigError> {
        let fault = SlowClose {
            delay: self.delay.get(),
            direction: self.direction,
            connections: Connections::new(self.toxicity, self.clients),
        };
        fault.check()?;
        Ok(fault)
    }
}

impl Effect for SlowClose {
    fn stage(&self, leg: &Leg<'_>) -> Option<Box<dyn Stage>> {
        let leg = leg.within(self.direction)?;
        Some(Box::new(LateEnd {
            delay: self.delay,
            asked: false,
            hits: leg.hits.clone(),
        }))
    }
}

/// The end of one direction of one connection.
#[derive(Debug)]
struct LateEnd {
    delay: Duration,
    /// Whether it is the end that was asked about.
    asked: bool,
    hits: Hits,
}

impl Stage for LateEnd {
    fn judge(&mut self, piece: &Piece<'_>) -> Fate {
        self.asked = piece.data.is_empty();
        match self.asked {
            true => Fate::at(piece.at + self.delay),
            false => Fate::at(piece.at),
        }
    }

    fn passed(&mut self) {
        if self.asked {
            self.hits.hit();
        }
    }

    fn linger(&self) -> Duration {
        self.delay
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn only_the_end_is_late() {
        let hits = Hits::default();
        let delay = Duration::from_secs(1);
        let mut stage = LateEnd {
            delay,
            asked: false,
            hits: hits.clone(),
        };
        let now = Instant::now();
        for (data, late, count) in [(&b"data"[..], Duration::ZERO, 0), (&[], delay, 1)] {
            let fate = stage.judge(&Piece {
                at: now,
                now,
                data,
                chunk: Some(data.len()),
            });
            assert_eq!(fate.at, Some(now + late));
            stage.passed();
            assert_eq!(hits.get(), count);
        }
    }
}
