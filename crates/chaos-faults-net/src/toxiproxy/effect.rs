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

#[cfg(test)]
mod tests {
    use super::{super::json::Fields, *};
    use crate::proxy::{Hits, Piece};
    use chaos_core::Seed;
    use proptest::{prelude::*, sample::select};
    use std::time::Instant;

    /// Numbers as somebody might send them, mostly those at which something ends.
    fn number() -> impl Strategy<Value = String> {
        let whole = select(vec![
            i64::MIN,
            i64::MIN + 1,
            -1,
            0,
            1,
            2,
            1000,
            i64::MAX - 1,
            i64::MAX,
        ]);
        prop_oneof![
            6 => whole.prop_map(|n| n.to_string()),
            6 => any::<i64>().prop_map(|n| n.to_string()),
            1 => (-1e308..1e308).prop_map(|n: f64| n.to_string()),
            1 => select(vec!["null", "true", "\"1\"", "{}", "1e999", "-0", "0.5"])
                .prop_map(str::to_owned),
        ]
    }

    /// The body of a toxic: every name of an attribute, each with any number.
    fn body() -> impl Strategy<Value = String> {
        let kind = select(Kind::ALL.map(Kind::name).to_vec());
        let names = [
            "latency",
            "jitter",
            "rate",
            "delay",
            "timeout",
            "average_size",
            "size_variation",
            "bytes",
            "loss_rate",
            "correlation",
        ];
        let numbers = proptest::collection::vec(number(), names.len());
        let toxicity = prop_oneof![3 => Just("1".to_owned()), 1 => number()];
        (kind, numbers, toxicity).prop_map(move |(kind, numbers, toxicity)| {
            let named = names.iter().zip(numbers);
            let attributes: Vec<_> = named.map(|(name, n)| format!("\"{name}\":{n}")).collect();
            let attributes = attributes.join(",");
            format!(r#"{{"type":"{kind}","toxicity":{toxicity},"attributes":{{{attributes}}}}}"#)
        })
    }

    proptest! {
        #[test]
        fn whatever_is_asked_for_is_refused_or_can_be_done(
            said in body(),
            sizes in proptest::collection::vec(0_usize..70_000, 1..8),
            seed in any::<u64>(),
        ) {
            let read = Fields::read(said.as_bytes()).and_then(|fields| Toxic::read(fields, |_| false));
            let Ok(toxic) = read else { return Ok(()) };
            prop_assert!(super::super::json::write(&toxic).is_ok());
            let hits = Hits::default();
            let leg = Leg {
                flow: toxic.flow(),
                hits: &hits,
                seed: Seed::new(seed),
                newer: seed % 2 == 0,
                before: None,
            };
            let poison = Poison::of(&toxic);
            let Some(mut stage) = poison.stage(&leg) else { return Ok(()) };
            for size in sizes {
                let now = Instant::now();
                prop_assert!(stage.longest() > 0);
                let data = vec![0; size.min(stage.longest())];
                let piece = Piece { at: now, now, data: &data, chunk: Some(size) };
                let fate = stage.judge(&piece);
                prop_assert!(fate.at.is_none_or(|at| at >= now));
                stage.passed();
                stage.back(data.len() / 2);
                prop_assert!(stage.room().bytes() > 0);
                stage.deadline();
            }
            // It is changed meanwhile.
            let again = poison.stage(&Leg { before: Some(&*stage), ..leg });
            prop_assert!(again.is_none_or(|again| again.counted() == stage.counted()));
        }
    }
}
