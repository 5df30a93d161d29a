//! The faults on a proxy, and how its connections hear of a change.

use super::{shared::Shared, stack::Stack};
use std::{
    collections::HashMap,
    future::poll_fn,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
};

/// The faults that are on a proxy right now.
///
/// A connection sees by one atomic load that nothing has changed, and is woken when something has.
#[derive(Debug)]
pub(crate) struct Faults {
    version: AtomicU64,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    stack: Arc<Stack>,
    closed: bool,
    /// By the number of the connection.
    listeners: HashMap<u64, Waker>,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            // What no follower has seen.
            version: AtomicU64::new(1),
            inner: Mutex::default(),
        }
    }
}

impl Faults {
    pub(crate) fn stack(&self) -> Arc<Stack> {
        Arc::clone(&self.inner().stack)
    }

    /// Replaces the stack, unless `change` has nothing to change.
    pub(crate) fn change(&self, change: impl FnOnce(&Stack) -> Option<Stack>) {
        let mut inner = self.inner();
        if let Some(stack) = change(&inner.stack) {
            inner.stack = Arc::new(stack);
            self.tell(&inner);
        }
    }

    /// Tells the connections that the proxy is closed.
    pub(crate) fn close(&self) {
        let mut inner = self.inner();
        inner.closed = true;
        self.tell(&inner);
    }

    /// How many connections listen.
    #[cfg(test)]
    pub(crate) fn listeners(&self) -> usize {
        self.inner().listeners.len()
    }

    fn tell(&self, inner: &Inner) {
        self.version.fetch_add(1, Ordering::Release);
        inner.listeners.values().for_each(Waker::wake_by_ref);
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The proxy was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Closed;

/// The faults on a proxy as one connection has seen them.
#[derive(Debug)]
pub(crate) struct Follower {
    shared: Arc<Shared>,
    /// The number of the connection.
    number: u64,
    seen: u64,
    waker: Option<Waker>,
}

impl Follower {
    /// It has seen nothing yet. As long as it is there the connection counts as open.
    pub(crate) fn new(shared: Arc<Shared>, number: u64) -> Self {
        shared.open().fetch_add(1, Ordering::Relaxed);
        Self {
            shared,
            number,
            seen: 0,
            waker: None,
        }
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// The same, to be kept.
    pub(crate) fn shared_with(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }

    /// Takes what is there now for news.
    pub(crate) fn look_again(&mut self) {
        self.seen = 0;
    }

    /// Has the task woken by changes from now on.
    pub(crate) fn listen(&mut self, cx: &Context<'_>) {
        let known = self.waker.as_ref();
        if !known.is_some_and(|known| known.will_wake(cx.waker())) {
            self.waker = Some(cx.waker().clone());
            let mut inner = self.shared.faults().inner();
            inner.listeners.insert(self.number, cx.waker().clone());
        }
    }

    /// Whether the faults are others than the last time. Who has just read something has to ask: it may have been said
    /// after they changed, however lately they were looked at, and is for the new ones.
    pub(crate) fn has_news(&self) -> bool {
        self.shared.faults().version.load(Ordering::Acquire) != self.seen
    }

    /// The faults, if they are others than the last time.
    pub(crate) fn news(&mut self) -> Option<Result<Arc<Stack>, Closed>> {
        if !self.has_news() {
            return None;
        }
        let faults = self.shared.faults();
        let inner = faults.inner();
        self.seen = faults.version.load(Ordering::Acquire);
        Some(match inner.closed {
            true => Err(Closed),
            false => Ok(Arc::clone(&inner.stack)),
        })
    }

    /// Waits until the faults are others than the last time.
    pub(crate) async fn changed(&mut self) -> Result<Arc<Stack>, Closed> {
        poll_fn(|cx| {
            self.listen(cx);
            self.news().map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.shared.open().fetch_sub(1, Ordering::Relaxed);
        if self.waker.is_some() {
            let mut inner = self.shared.faults().inner();
            inner.listeners.remove(&self.number);
        }
    }
}
