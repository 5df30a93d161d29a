//! How much memory the datagrams of a proxy take that are under way.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// How much memory the datagrams of a proxy take that are under way. What does not fit is dropped, as by a router.
#[derive(Debug, Default)]
pub(crate) struct UnderWay(AtomicUsize);

impl UnderWay {
    /// For all sessions together.
    const MOST: usize = 64 * 1024 * 1024;

    /// How much it is now.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    fn take(&self, bytes: usize) -> bool {
        let fits = |taken: usize| taken.checked_add(bytes).filter(|sum| *sum <= Self::MOST);
        (self.0)
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits)
            .is_ok()
    }

    fn give_back(&self, bytes: usize) {
        self.0.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// The part of it that one direction of one session takes. Dropping it gives it back.
#[derive(Debug)]
pub(super) struct Part {
    of: Arc<UnderWay>,
    bytes: usize,
    datagrams: u64,
}

impl Part {
    /// For one direction of one session.
    const MOST: usize = 4 * 1024 * 1024;
    /// What one datagram costs beside its bytes.
    const ITEM: usize = 128;

    pub(super) fn new(of: &Arc<UnderWay>) -> Self {
        Self {
            of: Arc::clone(of),
            bytes: 0,
            datagrams: 0,
        }
    }

    /// Whether there is room for a datagram of that length, which is taken then.
    pub(super) fn take(&mut self, len: usize) -> bool {
        let bytes = len + Self::ITEM;
        let fits = self.bytes + bytes <= Self::MOST && self.of.take(bytes);
        if fits {
            self.bytes += bytes;
            self.datagrams += 1;
        }
        fits
    }

    /// A datagram of that length is gone.
    pub(super) fn give_back(&mut self, len: usize) {
        let bytes = len + Self::ITEM;
        self.bytes -= bytes;
        self.datagrams -= 1;
        self.of.give_back(bytes);
    }

    /// How many datagrams take it.
    pub(super) fn datagrams(&self) -> u64 {
        self.datagrams
    }

    /// All of them are gone.
    pub(super) fn clear(&mut self) {
        self.of.give_back(std::mem::take(&mut self.bytes));
        self.datagrams = 0;
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.of.give_back(self.bytes);
    }
}
