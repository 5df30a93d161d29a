//! What a toxic does to a proxy.

use super::{
    attributes::{Attributes, Kind},
    stages::{Delayed, Limited, Lossy, ResetLater, Stalled, Timeout},
    toxic::Toxic,
};
use crate::{
    Bandwidth, Direction, Slice, SlowClose,
    direction::Flow,
    proxy::{Effect, Leg, Stage, Then},
};
use rand::RngExt;
use std::time::Duration;

/// What a toxic does to a proxy. Its seed is another one whenever the toxic is touched, so that the share of the
/// connections is drawn anew then.
#[derive(Debug)]
pub(super) struct Poison {
    kind: Kind,
    flow: Flow,
    toxicity: f32,
    attributes: Attributes,
}

impl Poison {
    pub(super) fn of(toxic: &Toxic) -> Self {
        Self {
            kind: toxic.kind(),
            flow: toxic.flow(),
            toxicity: toxic.toxicity(),
            attributes: toxic.attributes().clone(),
        }
    }

    /// An attribute in milliseconds.
    fn ms(&self, key: &str) -> Duration {
        time(self.attributes.count(key), Duration::from_millis)
    }

    /// What it does to a connection that it hits.
    fn hit(&self, leg: &Leg<'_>) -> Option<Box<dyn Stage>> {
        let whole = |key| self.attributes.whole(key);
        let count = |key| self.attributes.count(key);
        let direction = match self.flow {
            Flow::Upstream => Direction::Upstream,
            Flow::Downstream => Direction::Downstream,
        };
        match self.kind {
            Kind::Noop => None,
            Kind::Bandwidth if count("rate") == 0 => Some(Box::new(Stalled)),
            Kind::Bandwidth => {
                let rate = count("rate").saturating_mul(1000);
                let narrow = Bandwidth::per_second(rate).on_proxy(direction);
                narrow.stage(leg)
            }
            Kind::Latency => {
                let stage = Delayed::new(whole("latency"), whole("jitter"), leg.rng());
                Some(Box::new(stage))
            }
            Kind::LimitData => Some(Box::new(Limited::new(count("bytes"), leg))),
            Kind::PacketLoss => {
                let share = |key| self.attributes.share(key);
                let stage = Lossy::new(share("loss_rate"), share("correlation"), leg.rng());
                Some(Box::new(stage))
            }
            Kind::ResetPeer => {
                // Those that were there already have been told to close as any connection does.
                let then = match leg.newer {
                    true => Then::Reset,
                    false => Then::Close,
                };
                Some(Box::new(ResetLater::new(self.ms("timeout"), then)))
            }
            Kind::Slicer => Slice::bytes(count("average_size"))
                .variation(count("size_variation"))
                .delay(time(count("delay"), Duration::from_micros))
                .direction(direction)
                .stage(leg),
            Kind::SlowClose => SlowClose::new(self.ms("delay"))
                .direction(direction)
                .stage(leg),
            Kind::Timeout => {
                let timeout = self.ms("timeout");
                let timeout = (!timeout.is_zero()).then_some(timeout);
                Some(Box::new(Timeout::new(timeout)))
            }
        }
    }
}

impl Effect for Poison {
    fn stage(&self, leg: &Leg<'_>) -> Option<Box<dyn Stage>> {
        if leg.flow != self.flow {
            return None;
        }
        let drawn: f32 = leg.seed.derive("toxicity", 0).rng().random();
        match drawn < self.toxicity {
            true => self.hit(leg),
            // It may be hit the next time that the toxic is touched, and then goes on counting.
            false if self.kind == Kind::LimitData => Some(Box::new(Limited::spared(leg))),
            false => None,
        }
    }
}

/// A time that can be reckoned with: what is longer than any test is as good as for ever.
fn time(count: u64, unit: impl Fn(u64) -> Duration) -> Duration {
    const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
    unit(count).min(FOR_EVER)
}
