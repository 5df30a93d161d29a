//! What went through a proxy, and how.

use std::sync::atomic::{AtomicU64, Ordering};

/// How many bytes went through a proxy on each path.
#[derive(Debug, Default)]
pub(crate) struct Moved {
    copied: AtomicU64,
    spliced: AtomicU64,
    staged: AtomicU64,
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

    /// Copied, spliced and staged so far.
    #[cfg(test)]
    pub(crate) fn so_far(&self) -> [u64; 3] {
        [&self.copied, &self.spliced, &self.staged].map(|n| n.load(Ordering::Relaxed))
    }
}

fn add(to: &AtomicU64, bytes: usize) {
    to.fetch_add(bytes as u64, Ordering::Relaxed);
}
