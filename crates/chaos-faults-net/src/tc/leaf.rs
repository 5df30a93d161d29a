//! The queue that does what a fault says.

use super::tbf::Tbf;
use crate::netem::Netem;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The queue that does what a fault says.
#[derive(Debug, Clone)]
pub(crate) enum Leaf {
    /// Delay, loss, duplicates and the like.
    Netem(Box<Netem>),
    /// A rate.
    Tbf(Tbf),
}

impl Leaf {
    /// At this rate, in bytes per second.
    pub(crate) fn rate(bytes_per_second: u64) -> Self {
        Self::Tbf(Tbf::new(bytes_per_second))
    }

    /// The same for an interface that takes packets of so many bytes.
    pub(crate) fn mtu(&self, mtu: u32) -> Self {
        match self {
            Self::Tbf(tbf) => Self::Tbf(tbf.mtu(mtu)),
            netem @ Self::Netem(_) => netem.clone(),
        }
    }

    /// The kernel's name.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Netem(_) => "netem",
            Self::Tbf(_) => "tbf",
        }
    }

    /// What the kernel is told. `seed` is that of the interface.
    pub(crate) fn options(&self, seed: u64) -> Vec<u8> {
        match self {
            Self::Netem(netem) => super::netem::options(netem, seed),
            Self::Tbf(tbf) => tbf.options(),
        }
    }

    /// Whether something about it is random.
    pub(crate) fn draws(&self) -> bool {
        match self {
            Self::Netem(netem) => netem.draws(),
            Self::Tbf(_) => false,
        }
    }

    /// On which packets it acts.
    pub(crate) fn acts_on(&self) -> ActsOn {
        match self {
            Self::Tbf(_) => ActsOn::All,
            Self::Netem(netem) if netem.slows_all() => ActsOn::All,
            Self::Netem(netem) if netem.only_loses() => ActsOn::Lost,
            Self::Netem(_) => ActsOn::Unknown,
        }
    }

    /// What is under way in it, and how long that takes.
    pub(crate) fn drain(&self) -> Option<Drain> {
        match self {
            Self::Netem(netem) => Some(Drain {
                longest: netem.longest().min(Drain::MOST),
            }),
            Self::Tbf(_) => None,
        }
    }
}

/// On which packets a queue acts, as far as the kernel counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ActsOn {
    /// On all that come to it.
    All,
    /// On those that it loses.
    Lost,
    /// On some, which are not counted.
    #[default]
    Unknown,
}

/// Packets that are under way when a fault is taken back: they are delivered, not dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Drain {
    /// How long it takes at most.
    pub(crate) longest: Duration,
}

impl Drain {
    /// Nobody waits longer than that for a recovery; what is older is dropped.
    const MOST: Duration = Duration::from_secs(3);
}
