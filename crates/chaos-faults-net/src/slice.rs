//! `net.slice`: data arrives in small pieces.

use crate::{
    check,
    connections::{Connections, picks_connections},
    direction::Direction,
    proxy::{Effect, Fate, Hits, Leg, Piece, Stage, plan_on_proxies},
};
use chaos_core::{
    ConfigError, Context, Fault, FaultConfig, FaultError, Intensity, Needs, Plan, Site,
    async_trait,
    units::{Bytes, Percent, Time},
};
use rand::{RngExt, rngs::StdRng};
use schemars::JsonSchema;
use serde::Deserialize;
use std::time::{Duration, Instant};

/// Data arrives in small pieces: `net.slice`.
///
/// # What breaks
/// What is sent at once arrives in slices of `average` bytes, give or take `variation`, evenly distributed and never below
/// one byte, with `delay` between them. It finds programs that take one read for one message. Each slice is a write of
/// its own; a receiver that is slower than the slices still finds several of them at once.
///
/// # What it needs
/// A [`Proxy`](crate::Proxy) for connections as the target, not one for UDP. No privilege.
///
/// # What is changed on the host
/// Nothing. Live connections feel it at once.
///
/// # How it is undone
/// What waits is delivered at once.
///
/// # Configuration
/// ```
/// # use chaos_core::{Parameters, Registry};
/// # let mut registry = Registry::new();
/// # chaos_faults_net::register(&mut registry);
/// let parameters: Parameters = serde_json::from_str(
///     r#"{ "average": "64B", "variation": "16B", "delay": "100us" }"#,
/// )?;
/// registry.fault("net.slice", None, &parameters)?;
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
/// use chaos_faults_net::{Slice, Proxy};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), chaos_core::FaultError> {
/// let redis = Proxy::in_front_of("127.0.0.1:6379").await?;
/// let fault = Slice::bytes(64).variation(16).on(&redis);
/// # drop(fault); Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Slice {
    average: u64,
    variation: u64,
    delay: Duration,
    direction: Direction,
    connections: Connections,
}

impl Slice {
    /// Slices of this many bytes, on their way to the client.
    pub const fn bytes(average: u64) -> Self {
        Self {
            average,
            variation: 0,
            delay: Duration::ZERO,
            direction: Direction::Downstream,
            connections: Connections::ALL,
        }
    }

    /// Varies their size by up to this many bytes, both ways. Default: 0.
    #[must_use]
    pub fn variation(mut self, bytes: u64) -> Self {
        self.variation = bytes;
        self
    }

    /// The time between two slices. Default: 0.
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Which way. Default: downstream.
    #[must_use]
    pub fn direction(mut self, direction: Direction) -> Self {
        self.direction = direction;
        self
    }

    fn check(&self) -> Result<(), ConfigError> {
        check::at_most_an_hour("delay", self.delay)?;
        if self.average == 0 {
            return Err(
                ConfigError::field("average", "a slice of 0 bytes carries nothing")
                    .help("at least 1B, such as 64B"),
            );
        }
        self.connections.check()
    }
}

picks_connections!(Slice, connections);

#[async_trait]
impl Fault for Slice {
    fn kind(&self) -> &'static str {
        SliceConfig::KIND
    }

    fn needs(&self, _: &Site) -> Needs {
        Needs::none()
    }

    async fn plan(&self, sites: &[Site], cx: &Context) -> Result<Plan, FaultError> {
        self.check()?;
        let Self {
            delay, direction, ..
        } = self;
        let [average, variation] = [self.average, self.variation].map(Bytes);
        let what = format!("slice data into {average} ± {variation}, {delay:?} apart, {direction}");
        plan_on_proxies(self, &self.connections, &what, sites, cx.seed())
    }
}

/// Sends data in small slices: one message takes many reads.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SliceConfig {
    /// How many bytes a slice has: a size of at least 1B, such as 64B.
    pub average: Bytes,
    /// How much that varies, both ways, evenly: a size. A slice has at least 1 byte. Default: 0.
    #[serde(default)]
    pub variation: Bytes,
    /// The time between two slices: up to 1h, such as 100us. Default: 0.
    #[serde(default)]
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

impl FaultConfig for SliceConfig {
    const KIND: &'static str = "net.slice";
    type Fault = Slice;
    const TARGETS: &'static [&'static str] = &["proxy"];
    const EXAMPLE: &'static [(&'static str, &'static str)] = &[("average", "1kB")];

    fn preset(_: Intensity) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    fn build(self) -> Result<Slice, ConfigError> {
        let fault = Slice {
            average: self.average.get(),
            variation: self.variation.get(),
            delay: self.delay.get(),
            direction: self.direction,
            connections: Connections::new(self.toxicity, self.clients),
        };
        fault.check()?;
        Ok(fault)
    }
}

impl Effect for Slice {
    fn stage(&self, leg: &Leg<'_>) -> Option<Box<dyn Stage>> {
        let leg = leg.within(self.direction)?;
        Some(Box::new(Slicer {
            average: self.average,
            variation: self.variation,
            delay: self.delay,
            size: None,
            free: None,
            asked: None,
            rng: leg.rng(),
            hits: leg.hits.clone(),
        }))
    }
}

/// The slices of one direction of one connection.
///
/// They are reckoned from when they were due, not from when they were sent, so that late timers do not add up.
#[derive(Debug)]
struct Slicer {
    average: u64,
    variation: u64,
    delay: Duration,
    /// Of the next slice.
    size: Option<usize>,
    /// When the next slice may go.
    free: Option<Instant>,
    /// When it may after the one that was asked about; the end of the stream is none.
    asked: Option<Instant>,
    rng: StdRng,
    hits: Hits,
}

impl Slicer {
    /// How much time may be made up for: late timers, but not a receiver that did not read.
    const LATE: Duration = Duration::from_millis(10);

    fn draw(&mut self) -> usize {
        let least = self.average.saturating_sub(self.variation).max(1);
        let most = self.average.saturating_add(self.variation);
        let size = self.rng.random_range(least..=most);
        usize::try_from(size).unwrap_or(usize::MAX)
    }
}

impl Stage for Slicer {
    fn judge(&mut self, piece: &Piece<'_>) -> Fate {
        if piece.data.is_empty() {
            self.asked = None;
            return Fate::at(piece.at);
        }
        let mut at = self.free.map_or(piece.at, |free| free.max(piece.at));
        if let Some(earliest) = piece.now.checked_sub(Self::LATE) {
            at = at.max(earliest);
        }
        self.asked = Some(at + self.delay);
        Fate::at(at)
    }

    fn passed(&mut self) {
        if let Some(free) = self.asked {
            self.free = Some(free);
            self.size = None;
            self.hits.hit();
        }
    }

    fn longest(&mut self) -> usize {
        let size = match self.size {
            Some(size) => size,
            None => self.draw(),
        };
        self.size = Some(size);
        size
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chaos_core::Seed;

    fn slicer(average: u64, variation: u64, seed: u64) -> Slicer {
        Slicer {
            average,
            variation,
            delay: Duration::from_micros(100),
            size: None,
            free: None,
            asked: None,
            rng: Seed::new(seed).rng(),
            hits: Hits::default(),
        }
    }

    fn sizes(mut slicer: Slicer) -> Vec<usize> {
        (0..1000).map(|_| slicer.draw()).collect()
    }

    #[test]
    fn sizes_vary_evenly_and_are_at_least_one() {
        let drawn = sizes(slicer(100, 50, 1));
        assert!(drawn.iter().all(|size| (50..=150).contains(size)));
        let below = drawn.iter().filter(|size| **size < 75).count();
        assert!((200..300).contains(&below), "{below}");
        assert_eq!(drawn, sizes(slicer(100, 50, 1)));
        assert_ne!(drawn, sizes(slicer(100, 50, 2)));
        let small = sizes(slicer(1, 5, 1));
        assert!(small.iter().all(|size| (1..=6).contains(size)));
        assert!(
            sizes(slicer(u64::MAX, u64::MAX, 1))
                .iter()
                .all(|size| *size > 0)
        );
    }

    #[test]
    fn a_size_stays_until_its_slice_is_on_its_way() {
        let mut slicer = slicer(1000, 999, 1);
        let first = slicer.longest();
        assert_eq!(slicer.longest(), first);
        let now = Instant::now();
        let mut sizes = (0..10).map(|_| {
            slicer.judge(&Piece {
                at: now,
                now,
                data: b"x",
                chunk: None,
            });
            slicer.passed();
            slicer.longest()
        });
        assert!(sizes.any(|size| size != first));
    }

    #[test]
    fn slices_keep_their_distance_and_late_timers_do_not_add_up() {
        let mut slicer = slicer(1, 0, 1);
        let start = Instant::now();
        let late = Duration::from_millis(1);
        let mut now = start;
        for n in 0..64 {
            let fate = slicer.judge(&Piece {
                at: start,
                now,
                data: b"x",
                chunk: None,
            });
            let due = fate.at.unwrap();
            assert_eq!(due, start + slicer.delay * n);
            now = now.max(due + late);
            slicer.passed();
        }
        assert!(now - start < slicer.delay * 64 + late);
    }
}
