//! The proxy as its user holds it.

use super::{DnsProxyBuilder, shared::Shared};
use chaos_core::{Context, FaultError, Site, Target, async_trait};
use std::{fmt, net::SocketAddr, sync::Arc};
use tokio::task::AbortHandle;

/// A DNS proxy in front of a resolver, inside this process: no root, on every system.
///
/// Point the service under test at [`address`](Self::address) instead of at its resolver, and put faults on the
/// proxy. A clone is another handle of the same proxy.
///
/// # Behavior
/// - It listens by UDP and TCP, on the same port number. What no fault hits is forwarded byte for byte, by the protocol
///   by which it came, and so is the answer: EDNS, unknown types and the transaction id stay as they are. Nothing is kept
///   in a cache.
/// - By UDP the upstream is asked from a port of its own for each query, which cannot be guessed, and only its answer is
///   taken. A TCP client has a connection of its own to the upstream, made when it is needed; many queries may be on
///   their way at a time, and answers come as they are ready.
/// - When the upstream cannot be reached, or does not answer in [`timeout`](DnsProxyBuilder::timeout), the client is told
///   `SERVFAIL`.
/// - At most 256 queries ask the upstream by UDP at a time, and some ten thousand wait, in 16 MiB: more are dropped. 256 TCP
///   clients are served at a time, with 64 queries each; the next ones wait. One that says nothing for `timeout`
///   is left; one that has said that it asks nothing more still gets what is answered in that time.
/// - It runs on threads of its own, so it works in a current-thread runtime, and what the caller blocks does not
///   slow it. Dropping the last handle closes the ports and every connection.
/// - Listening on every address of a host with several (`0.0.0.0`), it may answer by UDP from another one than it was asked on:
///   listen on one.
///
/// # Examples
/// ```
/// # use chaos_faults_dns::DnsProxy;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), chaos_core::FaultError> {
/// let dns = DnsProxy::in_front_of("127.0.0.53:53").await?;
/// let resolver = dns.address();
/// # assert_ne!(resolver.port(), 0); Ok(()) }
/// ```
#[derive(Clone)]
pub struct DnsProxy(Arc<Running>);

/// Closes the proxy when dropped.
struct Running {
    shared: Arc<Shared>,
    tasks: [AbortHandle; 2],
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shared.faults().close();
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl DnsProxy {
    /// Listens on a free port of the loopback interface, in front of `upstream`: an address, and its port if it is not 53.
    ///
    /// # Errors
    /// `upstream` is no address, or no port is free.
    pub async fn in_front_of(upstream: impl ToString) -> Result<Self, FaultError> {
        Self::builder(upstream).open().await
    }

    /// Says more about a proxy in front of `upstream`.
    pub fn builder(upstream: impl ToString) -> DnsProxyBuilder {
        DnsProxyBuilder::new(upstream.to_string())
    }

    pub(super) fn running(shared: Arc<Shared>, tasks: [AbortHandle; 2]) -> Self {
        Self(Arc::new(Running { shared, tasks }))
    }

    /// The address that clients ask, by UDP and TCP.
    pub fn address(&self) -> SocketAddr {
        self.0.shared.address()
    }
}

impl fmt::Debug for DnsProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DnsProxy")
            .field(&self.0.shared.to_string())
            .finish()
    }
}

#[async_trait]
impl Target for DnsProxy {
    fn describe(&self) -> String {
        self.0.shared.to_string()
    }

    async fn sites(&self, _: &Context) -> Result<Vec<Site>, FaultError> {
        let shared = &self.0.shared;
        Ok(vec![
            Site::named("dns_proxy", shared.name())
                .with_address(shared.address())
                .with_handle(Arc::clone(shared)),
        ])
    }
}
