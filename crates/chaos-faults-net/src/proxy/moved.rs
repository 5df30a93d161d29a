//! What went through a proxy, how, and what did not.

use crate::direction::Flow;
use std::sync::atomic::{AtomicU64, Ordering};

/// What went through a proxy, each way.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    up: Moved,
    down: Moved,
    /// Datagrams that were lost though no fault said so.
    dropped: AtomicU64,
}

impl Traffic {
    /// One way.
    pub(crate) const fn way(&self, flow: Flow) -> &Moved {
        match flow {
            Flow::Upstream => &self.up,
            Flow::Downstream => &self.down,
        }
    }

    /// So many datagrams were lost though no fault said so: there was no room for them.
    pub(crate) fn dropped(&self, datagrams: u64) {
        if datagrams > 0 {
            self.dropped.fetch_add(datagrams, Ordering::Relaxed);
        }
    }

    /// How many datagrams were dropped so far.
    pub(crate) fn dropped_so_far(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Copied, spliced and staged so far, both ways.
    #[cfg(test)]
    pub(crate) fn so_far(&self) -> [u64; 3] {
        let [up, down] = [&self.up, &self.down].map(Moved::so_far);
        std::array::from_fn(|path| up[path] + down[path])
    }
}

/// How many bytes were read on each path, and how many of them were sent.
#[derive(Debug, Default)]
pub(crate) struct Moved {
    copied: AtomicU64,
    spliced: AtomicU64,
    staged: AtomicU64,
    sent: AtomicU64,
}

impl Moved {
    pub(crate) fn copied(&self, bytes: usize) {
        add(&self.copied, bytes);
    }

    pub(crate) fn spliced(&self, bytes: usize) {
        add(&self.spliced, bytes);
    }

    pub(crate) fn staged(&self, bytes: usize) {
        add(&self.staged, bytes);
    }

    pub(crate) fn sent(&self, bytes: usize) {
        add(&self.sent, bytes);
    }

    /// How many bytes were read and how many were sent so far.
    #[cfg(feature = "toxiproxy")]
    pub(crate) fn received_and_sent(&self) -> [u64; 2] {
        [
            self.so_far().iter().sum(),
            self.sent.load(Ordering::Relaxed),
        ]
    }

    /// Copied, spliced and staged so far.
    #[cfg(any(test, feature = "toxiproxy"))]
    pub(crate) fn so_far(&self) -> [u64; 3] {
        [&self.copied, &self.spliced, &self.staged].map(|n| n.load(Ordering::Relaxed))
    }
}

fn add(to: &AtomicU64, bytes: usize) {
    to.fetch_add(bytes as u64, Ordering::Relaxed);
}
