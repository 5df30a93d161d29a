//! `net.latency`: data arrives late.

use crate::{
    check,
    direction::Direction,
    proxy::{Effect, Fate, Hits, Leg, Piece, Room, Stage, plan_on_proxies},
};
use chaos_core::{
    ConfigError, Context, Fault, FaultConfig, FaultError, Intensity, Needs, Plan, Site,
    async_trait, units::Time,
};
use rand::{RngExt, rngs::StdRng};
use schemars::JsonSchema;
use serde::Deserialize;
use std::time::Duration;

/// Data arrives late: `net.latency`.
///
/// # What breaks
/// What is sent through a proxy reaches the other end later by `latency`, give or take `jitter`, evenly
/// distributed and never below zero. The time counts from when the proxy read it, so a stream keeps its
/// throughput: up to 64 MiB per connection and direction may be under way, beyond that the sender has to wait.
/// The order is kept: late data delays what comes after it. The end of a stream is late, too. The proxy itself
/// answers the TCP handshake, so connecting takes no longer. Several latencies add up.
///
/// # What it needs
/// A [`Proxy`](crate::Proxy) as the target. No privilege.
///
/// # What is changed on the host
/// Nothing. Live connections feel it at once.
///
/// # How it is undone
/// What is under way is delivered at once.
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
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Latency {
    latency: Duration,
    jitter: Duration,
    direction: Direction,
}

impl Latency {
    /// Data arrives this much later, on its way to the client.
    pub const fn new(latency: Duration) -> Self {
        Self {
            latency,
            jitter: Duration::ZERO,
            direction: Direction::Downstream,
        }
    }

    /// Data arrives this many milliseconds later, on its way to the client.
    pub const fn ms(latency: u64) -> Self {
        Self::new(Duration::from_millis(latency))
    }

    /// Varies the latency by up to this much, both ways.
    #[must_use]
    pub const fn jitter(mut self, jitter: Duration) -> Self {
        self.jitter = jitter;
        self
    }

    /// Varies the latency by up to this many milliseconds, both ways.
    #[must_use]
    pub const fn jitter_ms(self, jitter: u64) -> Self {
        self.jitter(Duration::from_millis(jitter))
    }

    /// Which way the data is delayed. Default: downstream.
    #[must_use]
    pub const fn direction(mut self, direction: Direction) -> Self {
        self.direction = direction;
        self
    }

    fn check(&self) -> Result<(), ConfigError> {
        check::at_most_an_hour("latency", self.latency)?;
        check::at_most_an_hour("jitter", self.jitter)?;
        if self.latency.is_zero() && self.jitter.is_zero() {
            return Err(ConfigError::field("latency", "0 delays nothing")
                .help("a time above 0 and up to 1h, such as 200ms"));
        }
        Ok(())
    }
}

#[async_trait]
impl Fault for Latency {
    fn kind(&self) -> &'static str {
        LatencyConfig::KIND
    }

    fn needs(&self, _: &Site) -> Needs {
        Needs::none()
    }

    async fn plan(&self, sites: &[Site], cx: &Context) -> Result<Plan, FaultError> {
        self.check()?;
        let what = format!(
            "delay data by {:?} ± {:?} {}",
            self.latency, self.jitter, self.direction
        );
        plan_on_proxies(self, &what, sites, cx.seed())
    }
}

/// Delays what goes through a proxy, with jitter.
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
    /// Which way: upstream (requests), downstream (responses) or both. Default: downstream.
    #[serde(default)]
    pub direction: Direction,
}

impl FaultConfig for LatencyConfig {
    const KIND: &'static str = "net.latency";
    type Fault = Latency;
    const TARGETS: &'static [&'static str] = &["proxy"];

    fn preset(intensity: Intensity) -> &'static [(&'static str, &'static str)] {
        match intensity {
            Intensity::Light => &[("latency", "50ms")],
            Intensity::Medium => &[("latency", "200ms")],
            Intensity::Heavy => &[("latency", "500ms")],
            _ => &[],
        }
    }

    fn build(self) -> Result<Latency, ConfigError> {
        let latency = Latency::new(self.latency.get())
            .jitter(self.jitter.get())
            .direction(self.direction);
        latency.check()?;
        Ok(latency)
    }
}

impl Effect for Latency {
    fn stage(&self, leg: &Leg<'_>) -> Option<Box<dyn Stage>> {
        self.direction.covers(leg.flow).then(|| -> Box<dyn Stage> {
            Box::new(Delay {
                fault: *self,
                delay: Duration::ZERO,
                rng: leg.rng(),
                hits: leg.hits.clone(),
            })
        })
    }
}

/// The latency of one direction of one connection.
#[derive(Debug)]
struct Delay {
    fault: Latency,
    /// Of the chunk that is on its way.
    delay: Duration,
    rng: StdRng,
    hits: Hits,
}

impl Delay {
    fn draw(&mut self) -> Duration {
        let Latency {
            latency, jitter, ..
        } = self.fault;
        if jitter.is_zero() {
            return latency;
        }
        let above = self.rng.random_range(Duration::ZERO..=jitter * 2);
        (latency + above).saturating_sub(jitter)
    }
}

impl Stage for Delay {
    fn judge(&mut self, piece: &Piece<'_>) -> Fate {
        if piece.chunk.is_some() {
            self.delay = self.draw();
            self.hits.hit();
        }
        Fate::at(piece.at + self.delay)
    }

    fn room(&self) -> Room {
        Room {
            delay: self.fault.latency + self.fault.jitter,
            ..Room::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chaos_core::Seed;

    fn delays(fault: Latency, seed: u64) -> Vec<Duration> {
        let mut delay = Delay {
            fault,
            delay: Duration::ZERO,
            rng: Seed::new(seed).rng(),
            hits: Hits::default(),
        };
        (0..1000).map(|_| delay.draw()).collect()
    }

    #[test]
    fn jitter_goes_both_ways_evenly() {
        let drawn = delays(Latency::ms(100).jitter_ms(50), 1);
        let ms = |ms| Duration::from_millis(ms);
        assert!(drawn.iter().all(|d| (ms(50)..=ms(150)).contains(d)));
        let below = drawn.iter().filter(|d| **d < ms(75)).count();
        let above = drawn.iter().filter(|d| **d > ms(125)).count();
        assert!((200..300).contains(&below), "{below}");
        assert!((200..300).contains(&above), "{above}");
    }

    #[test]
    fn a_delay_is_never_negative() {
        let drawn = delays(Latency::ms(10).jitter_ms(100), 1);
        assert!(drawn.contains(&Duration::ZERO));
        assert!(drawn.iter().all(|d| *d <= Duration::from_millis(110)));
    }

    #[test]
    fn the_same_seed_draws_the_same() {
        let fault = Latency::ms(100).jitter_ms(50);
        assert_eq!(delays(fault, 7), delays(fault, 7));
        assert_ne!(delays(fault, 7), delays(fault, 8));
    }
}
