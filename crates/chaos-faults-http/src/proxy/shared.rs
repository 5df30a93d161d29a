//! What a proxy has in common with the faults on it.

use super::{hitting::Hitting, left, tls::Authority, upstream::Upstream};
use chaos_core::Stack;
use std::{fmt, net::SocketAddr};
use tokio::sync::Semaphore;

/// What a proxy has in common with the faults on it.
#[derive(Debug)]
pub(crate) struct Shared {
    name: Option<String>,
    address: SocketAddr,
    upstream: Upstream,
    authority: Authority,
    /// Closed with the proxy.
    faults: Stack<Hitting>,
    /// Room for clients that have ended their side and wait.
    waiting: Semaphore,
}

impl Shared {
    pub(crate) fn new(
        name: Option<String>,
        address: SocketAddr,
        upstream: Upstream,
        authority: Authority,
    ) -> Self {
        Self {
            name,
            address,
            upstream,
            authority,
            faults: Stack::new(),
            waiting: Semaphore::new(left::MOST),
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

    pub(crate) fn upstream(&self) -> &Upstream {
        &self.upstream
    }

    pub(crate) fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Room for clients that have ended their side and wait.
    pub(crate) fn waiting(&self) -> &Semaphore {
        &self.waiting
    }

    /// The faults that are on it.
    pub(crate) fn faults(&self) -> &Stack<Hitting> {
        &self.faults
    }
}

impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HTTP proxy ")?;
        if let Some(name) = &self.name {
            write!(f, "{name} ")?;
        }
        write!(f, "{} -> {}", self.address, self.upstream)
    }
}
