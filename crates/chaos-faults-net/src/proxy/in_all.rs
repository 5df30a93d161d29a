//! How much memory the queues of all connections of this process take.

use std::sync::atomic::{AtomicUsize, Ordering};

static IN_ALL: AtomicUsize = AtomicUsize::new(0);

/// What one queue takes beyond what each of them may have. Dropping it gives it back.
#[derive(Debug, Default)]
pub(crate) struct Share(usize);

impl Share {
    /// So much each queue may have, however many there are: with less a connection would come to a halt.
    pub(crate) const EACH: usize = 64 * 1024;
    /// So much all of them may have beside. The tests do with less.
    pub(crate) const ALL: usize = if cfg!(test) { 100 << 20 } else { 512 << 20 };

    /// The queue has this size now.
    pub(crate) fn is(&mut self, size: usize) {
        let beyond = size.saturating_sub(Self::EACH);
        if beyond > self.0 {
            IN_ALL.fetch_add(beyond - self.0, Ordering::Relaxed);
        } else if beyond < self.0 {
            IN_ALL.fetch_sub(self.0 - beyond, Ordering::Relaxed);
        }
        self.0 = beyond;
    }

    /// Whether it may take more. When it may not, it has something to send first; nobody is told when others give back theirs.
    pub(crate) fn may_grow(&self) -> bool {
        self.0 == 0 || IN_ALL.load(Ordering::Relaxed) < Self::ALL
    }

    /// How much all of them have.
    #[cfg(test)]
    pub(crate) fn in_all() -> usize {
        IN_ALL.load(Ordering::Relaxed)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.is(0);
    }
}
