//! What went through a proxy, how, and what did not.

use std::sync::atomic::{AtomicU64, Ordering};

/// How many bytes went through a proxy on each path.
#[derive(Debug, Default)]
pub(crate) struct Moved {
    copied: AtomicU64,
    spliced: AtomicU64,
    staged: AtomicU64,
    /// Datagrams that were lost though no fault said so.
    dropped: AtomicU64,
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

    /// Copied, spliced and staged so far.
    #[cfg(test)]
    pub(crate) fn so_far(&self) -> [u64; 3] {
        [&self.copied, &self.spliced, &self.staged].map(|n| n.load(Ordering::Relaxed))
    }
}

fn add(to: &AtomicU64, bytes: usize) {
    to.fetch_add(bytes as u64, Ordering::Relaxed);
}
