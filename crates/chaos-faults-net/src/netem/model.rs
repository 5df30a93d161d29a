//! What the kernel's network emulator is to do.

use super::{Chance, Distribution, Slot};
use std::{fmt, time::Duration};

/// How packets get lost. All numbers are percentages.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum LossModel {
    /// Each by itself.
    Random(Chance),
    /// Four states: good (1), burst (3), good within a burst (2), alone (4).
    State {
        p13: f64,
        p31: f64,
        p32: f64,
        p23: f64,
        p14: f64,
    },
    /// Gilbert and Elliott's two states: from good to bad `p`, back `r`; lost in the bad one, and in the good one.
    GilbertElliott {
        p: f64,
        r: f64,
        bad_loss: f64,
        good_loss: f64,
    },
}

/// A rate, and what each packet costs beside its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pace {
    /// In bytes per second.
    pub(crate) rate: u64,
    /// Added to each packet's length; may be negative.
    pub(crate) packet_overhead: i32,
    /// Packets are sent in cells of this size; 0: they are not.
    pub(crate) cell_size: u32,
    /// Added to each cell's length; may be negative.
    pub(crate) cell_overhead: i32,
}

/// What the kernel's network emulator is to do (`man 8 tc-netem`).
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Netem {
    pub(crate) latency: Duration,
    pub(crate) jitter: Duration,
    /// How much each delay depends on the one before, 0 to 100.
    pub(crate) correlation: f64,
    pub(crate) distribution: Distribution,
    pub(crate) loss: Option<LossModel>,
    /// Packets that may be marked are marked instead of lost.
    pub(crate) ecn: bool,
    pub(crate) duplicate: Chance,
    pub(crate) corrupt: Chance,
    /// This share is sent at once, and so overtakes what is late.
    pub(crate) reorder: Chance,
    /// Of so many packets, one may overtake.
    pub(crate) gap: u32,
    pub(crate) pace: Option<Pace>,
    pub(crate) slot: Option<Slot>,
    /// How many packets may wait; what is more is dropped.
    pub(crate) limit: Option<u32>,
}

impl Netem {
    /// The longest time that nearly all packets are under way.
    #[cfg(target_os = "linux")]
    pub(crate) fn longest(&self) -> Duration {
        let slot = self
            .slot
            .map_or(Duration::ZERO, |slot| slot.between.longest());
        // Six deviations, for the long tails.
        self.latency + self.jitter * 6 + slot
    }

    /// Whether every packet is later than it would be. One that overtakes others is not.
    #[cfg(any(target_os = "linux", test))]
    pub(crate) fn slows_all(&self) -> bool {
        let slows = !self.latency.is_zero() || self.pace.is_some() || self.slot.is_some();
        slows && self.reorder.percent == 0.0
    }

    /// Whether something about it is random.
    #[cfg(any(target_os = "linux", test))]
    pub(crate) fn draws(&self) -> bool {
        let drawn = |chance: Chance| chance.percent > 0.0 && chance.percent < 100.0;
        let lost = match self.loss {
            Some(LossModel::Random(chance)) => drawn(chance),
            loss => loss.is_some(),
        };
        let others = [self.duplicate, self.corrupt, self.reorder];
        !self.jitter.is_zero()
            || lost
            || others.into_iter().any(drawn)
            || self.slot.is_some_and(|slot| slot.between.varies())
    }

    /// Whether packets get lost, and nothing else happens to them.
    #[cfg(any(target_os = "linux", test))]
    pub(crate) fn only_loses(&self) -> bool {
        let others = [self.duplicate, self.corrupt, self.reorder];
        self.loss.is_some()
            && !self.slows_all()
            && self.jitter.is_zero()
            && others.iter().all(|chance| chance.percent == 0.0)
    }

    /// How many packets may wait: what is said, or what 200,000 packets a second need, and 1,000 at least.
    #[cfg(any(target_os = "linux", test))]
    pub(crate) fn limit(&self) -> u32 {
        self.limit.unwrap_or_else(|| {
            let waiting = (self.latency + self.jitter * 2).as_micros() / 5;
            u32::try_from(waiting)
                .unwrap_or(u32::MAX)
                .clamp(1000, 10_000_000)
        })
    }
}

impl fmt::Display for Netem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if !self.latency.is_zero() || !self.jitter.is_zero() {
            let mut delay = format!("delay {:?}", self.latency);
            if !self.jitter.is_zero() {
                delay += &format!(" ± {:?} {}", self.jitter, self.distribution);
            }
            if self.correlation > 0.0 {
                delay += &format!(" (correlation {} %)", self.correlation);
            }
            parts.push(delay);
        }
        match self.loss {
            None => {}
            Some(LossModel::Random(chance)) => parts.push(format!("lose {chance}")),
            Some(LossModel::State { p13, .. }) => {
                parts.push(format!("lose in bursts that begin with {p13} %"));
            }
            Some(LossModel::GilbertElliott { p, r, .. }) => {
                parts.push(format!("lose by Gilbert and Elliott, {p} % and {r} %"));
            }
        }
        if self.ecn {
            parts.push("mark instead of lose what has ECN".to_owned());
        }
        for (what, chance) in [
            ("duplicate", self.duplicate),
            ("corrupt", self.corrupt),
            ("reorder", self.reorder),
        ] {
            if chance.percent > 0.0 {
                parts.push(format!("{what} {chance}"));
            }
        }
        if let Some(pace) = self.pace {
            parts.push(format!("at {} bytes/s", pace.rate));
        }
        if let Some(slot) = self.slot {
            parts.push(format!("in batches every {}", slot.between));
        }
        f.write_str(&parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_asked_for_is_not_done() {
        assert_eq!(Netem::default().to_string(), "");
    }

    #[test]
    fn only_what_may_or_may_not_happen_is_random() {
        let lost = |percent| Netem {
            loss: Some(LossModel::Random(Chance::percent(percent))),
            ..Netem::default()
        };
        assert!(lost(99.0).draws());
        assert!(!lost(100.0).draws() && !Netem::default().draws());
    }

    #[test]
    fn packets_that_overtake_others_are_not_counted_as_slow_ones() {
        let mut netem = Netem {
            latency: Duration::from_millis(10),
            ..Netem::default()
        };
        assert!(netem.slows_all() && !netem.only_loses());
        netem.reorder = Chance::percent(1.0);
        assert!(!netem.slows_all() && !netem.only_loses());
    }

    #[test]
    fn nobody_has_to_count_the_packets_that_wait() {
        let of = |ms| Netem {
            latency: Duration::from_millis(ms),
            ..Netem::default()
        };
        assert_eq!((of(0).limit(), of(500).limit()), (1000, 100_000));
    }
}
