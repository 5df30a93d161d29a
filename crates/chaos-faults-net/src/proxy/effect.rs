//! What a fault does to a proxy, and how often it did.

use super::{stage::Stage, transport::Transport, udp::DatagramStage};
use crate::direction::{Direction, Flow};
use chaos_core::Seed;
use rand::rngs::StdRng;
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// What a fault does to a proxy.
pub(crate) trait Effect: fmt::Debug + Send + Sync + 'static {
    /// What is put on one proxy in its place; for an effect that has something all connections of a proxy share.
    fn for_one_proxy(&self) -> Option<Arc<dyn Effect>> {
        None
    }

    /// What it does to connections as a whole.
    fn gate(&self) -> Gate {
        Gate::Open
    }

    /// How long a new connection waits before it is served.
    fn delay(&self) -> Duration {
        Duration::ZERO
    }

    /// Whether a new connection is served when so many others are open.
    fn admits(&self, _others: usize) -> bool {
        true
    }

    /// What it does to one direction of one connection, if anything. Asked once for each.
    fn stage(&self, _: &Leg<'_>) -> Option<Box<dyn Stage>> {
        None
    }

    /// What it does to one direction of one session of datagrams, if anything. Asked once for each.
    fn datagram_stage(&self, _: &Leg<'_>) -> Option<Box<dyn DatagramStage>> {
        None
    }

    /// Why it cannot be put on a proxy of that transport, if it cannot.
    fn refuses(&self, transport: Transport) -> Option<&'static str> {
        match transport {
            Transport::Tcp => None,
            Transport::Udp => Some(
                "datagrams have no connection that could be cut, and no stream; on a UDP proxy net.latency, net.bandwidth, \
                net.blackhole, net.refuse, net.loss, net.duplicate, net.reorder and net.corrupt work",
            ),
        }
    }
}

/// One direction of one connection, as a fault sees it when it decides what to do to it.
#[derive(Debug)]
pub(crate) struct Leg<'a> {
    /// Which way.
    pub(crate) flow: Flow,
    /// The fault's count.
    pub(crate) hits: &'a Hits,
    /// The fault's seed for this connection.
    pub(crate) seed: Seed,
    /// Whether the connection was accepted after the fault was put there.
    #[cfg_attr(
        not(feature = "toxiproxy"),
        expect(dead_code, reason = "only toxics differ by it")
    )]
    pub(crate) newer: bool,
    /// The stage that the fault had here before it was changed.
    #[cfg_attr(
        not(feature = "toxiproxy"),
        expect(dead_code, reason = "only toxics are changed")
    )]
    pub(crate) before: Option<&'a dyn Stage>,
}

impl Leg<'_> {
    /// Itself, if data that flows this way is meant.
    pub(crate) fn within(&self, direction: Direction) -> Option<&Self> {
        direction.covers(self.flow).then_some(self)
    }

    /// What is drawn for this direction.
    pub(crate) fn rng(&self) -> StdRng {
        self.seed.derive(self.flow.name(), 0).rng()
    }
}

/// What happens to connections as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Gate {
    /// They are served.
    Open,
    /// New ones are accepted, and nothing reaches the upstream.
    Hold,
    /// They are cut with a reset, live and new ones.
    Cut,
}

/// Counts what a fault did.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hits(Arc<AtomicU64>);

impl Hits {
    pub(crate) fn hit(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
