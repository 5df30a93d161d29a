//! What a proxy has in common with the faults on it.

use super::stack::{Active, Stack};
use crate::{effect::Effect, queries::Picked};
use chaos_core::Seed;
use std::{
    fmt,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{sync::watch, time::sleep};

/// What a proxy has in common with the faults on it.
#[derive(Debug)]
pub(crate) struct Shared {
    name: Option<String>,
    address: SocketAddr,
    upstream: SocketAddr,
    timeout: Duration,
    /// `None`: the proxy is closed.
    stack: watch::Sender<Option<Arc<Stack>>>,
    next_fault: AtomicU64,
}

impl Shared {
    pub(crate) fn new(
        name: Option<String>,
        address: SocketAddr,
        upstream: SocketAddr,
        timeout: Duration,
    ) -> Self {
        Self {
            name,
            address,
            upstream,
            timeout,
            stack: watch::Sender::new(Some(Arc::default())),
            next_fault: AtomicU64::new(0),
        }
    }

    /// The name for people: the one that was given, or the address.
    pub(crate) fn name(&self) -> String {
        self.name
            .clone()
            .unwrap_or_else(|| self.address.to_string())
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn upstream(&self) -> SocketAddr {
        self.upstream
    }

    /// How long to wait for the upstream, and for a TCP client.
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The faults that are on it now. A closed proxy has none.
    pub(crate) fn stack(&self) -> Arc<Stack> {
        self.stack.borrow().clone().unwrap_or_default()
    }

    /// Puts a fault on top of the others.
    pub(crate) fn put(&self, effect: Arc<dyn Effect>, picked: Picked, seed: Seed) -> Arc<Active> {
        let active = Arc::new(Active {
            id: self.next_fault.fetch_add(1, Ordering::Relaxed),
            effect,
            picked,
            seed,
            hits: AtomicU64::new(0),
            seen: AtomicU64::new(0),
        });
        self.change(|stack| stack.with(Arc::clone(&active)));
        active
    }

    /// Takes a fault off; what waits for it goes on at once.
    pub(crate) fn take_off(&self, id: u64) {
        self.change(|stack| stack.without(id));
    }

    fn change(&self, change: impl FnOnce(&Stack) -> Stack) {
        self.stack.send_modify(|stack| {
            if let Some(stack) = stack {
                *stack = Arc::new(change(stack));
            }
        });
    }

    /// Whether a fault is on an open proxy.
    pub(crate) fn holds(&self, id: u64) -> bool {
        self.stack().holds(id)
    }

    /// Closes every connection and the ports.
    pub(crate) fn close(&self) {
        self.stack.send_replace(None);
    }

    /// Waits until the proxy is closed.
    pub(crate) async fn closed(&self) {
        // The sender is here, so it cannot be gone.
        self.stack.subscribe().wait_for(Option::is_none).await.ok();
    }

    /// Waits for so long, or until the fault is taken off.
    pub(crate) async fn wait(&self, time: Duration, id: u64) {
        let mut changes = self.stack.subscribe();
        let gone = changes.wait_for(|stack| !stack.as_ref().is_some_and(|stack| stack.holds(id)));
        tokio::select! {
            () = sleep(time) => {}
            _ = gone => {}
        }
    }
}

impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DNS proxy ")?;
        if let Some(name) = &self.name {
            write!(f, "{name} ")?;
        }
        write!(f, "{} -> {}", self.address, self.upstream)
    }
}
