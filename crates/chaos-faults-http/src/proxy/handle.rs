//! The proxy as its user holds it.

use super::{HttpProxyBuilder, ca_file::CaFile, shared::Shared};
use chaos_core::{Context, FaultError, Site, Target, async_trait};
use std::{fmt, net::SocketAddr, sync::Arc};
use tokio::task::AbortHandle;

/// An HTTP proxy in front of a dependency, inside this process: no root, on every system.
///
/// Point the service under test at [`address`](Self::address) instead of at the dependency, and put faults on the
/// proxy. A clone is another handle of the same proxy.
///
/// # Behavior
/// - It speaks HTTP/1.1 and HTTP/2 (with and without TLS, so gRPC, too), and asks the upstream in the version in which
///   it was asked, HTTP/1.0 included, if the upstream speaks that: without TLS it is asked once whether it does. Bodies
///   and trailers stream through; upgraded connections (WebSocket) are passed on.
/// - A client that begins with TLS gets a certificate for the name that it asks for, issued by an authority that is
///   made with the proxy: [`authority`](Self::authority) is whom it must trust. Others speak plainly, on the same
///   port.
/// - Headers pass as they are, a thousand at most, without those that belong to a connection. The host is what the
///   client said; an HTTPS upstream gets its own name, unless [`host`](HttpProxyBuilder::host) says otherwise.
/// - Each client's connection has connections of its own to the upstream, made when they are needed; its name is
///   looked up for each of them anew.
/// - When the upstream cannot be reached or ends a connection without an answer, the client is told so with
///   `502 Bad Gateway`. There is no time-out for the upstream. A client whose own request breaks off gets `400`.
/// - It runs on threads of its own, so it works in a current-thread runtime, and what the caller blocks does not
///   slow it.
/// - A client has 60 s for a request's head. One that ends its side may still wait for its answer: when it has been sent
///   nothing for 5 s, the upstream is told of the end, too, and does what it does about it. The client is let go when its
///   system says that it is gone, which on Linux takes a good minute. A hundred such clients may wait at a time; more are let go
///   after the 5 s.
/// - Dropping the last handle closes the port and every connection.
///
/// # Examples
/// ```
/// # use chaos_faults_http::HttpProxy;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), chaos_core::FaultError> {
/// let stock = HttpProxy::in_front_of("http://127.0.0.1:8080").await?;
/// let url = format!("http://{}/items", stock.address());
/// # assert_ne!(stock.address().port(), 0); Ok(()) }
/// ```
#[derive(Clone)]
pub struct HttpProxy(Arc<Running>);

/// Closes the proxy when dropped.
struct Running {
    shared: Arc<Shared>,
    task: AbortHandle,
    /// Removed with it.
    _ca_file: Option<CaFile>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shared.faults().close();
        self.task.abort();
    }
}

impl HttpProxy {
    /// Listens on a free port of the loopback interface, in front of `upstream`: `http://host:port` or
    /// `https://host:port`.
    ///
    /// # Errors
    /// `upstream` is no upstream, or no port is free.
    pub async fn in_front_of(upstream: impl ToString) -> Result<Self, FaultError> {
        Self::builder(upstream).open().await
    }

    /// Says more about a proxy in front of `upstream`.
    pub fn builder(upstream: impl ToString) -> HttpProxyBuilder {
        HttpProxyBuilder::new(upstream.to_string())
    }

    pub(super) fn running(shared: Arc<Shared>, task: AbortHandle, ca_file: Option<CaFile>) -> Self {
        Self(Arc::new(Running {
            shared,
            task,
            _ca_file: ca_file,
        }))
    }

    /// The address that clients connect to.
    pub fn address(&self) -> SocketAddr {
        self.0.shared.address()
    }

    /// The certificate, in PEM, of the authority that issues this proxy's certificates.
    pub fn authority(&self) -> String {
        self.0.shared.authority().pem()
    }
}

impl fmt::Debug for HttpProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HttpProxy")
            .field(&self.0.shared.to_string())
            .finish()
    }
}

#[async_trait]
impl Target for HttpProxy {
    fn describe(&self) -> String {
        self.0.shared.to_string()
    }

    async fn sites(&self, _: &Context) -> Result<Vec<Site>, FaultError> {
        let shared = &self.0.shared;
        Ok(vec![
            Site::named("http_proxy", shared.name())
                .with_address(shared.address())
                .with_handle(Arc::clone(shared)),
        ])
    }
}
