//! The proxy as its user holds it.

use super::{accept::accept, door::Door, shared::Shared, stream::UNIX, workers};
use chaos_core::{ConfigError, Context, FaultError, Site, Target, async_trait};
use std::{fmt, io, net::SocketAddr, sync::Arc};
use tokio::task::AbortHandle;

/// A TCP proxy in front of a dependency, inside this process: no root, on every system.
///
/// Point the service under test at [`address`](Self::address) instead of at the dependency, and put faults on
/// the proxy. A clone is another handle of the same proxy.
///
/// # Behavior
/// - The upstream's name is resolved, and the upstream connected to, for each connection anew. When it cannot be
///   reached the client is cut with a reset.
/// - Half-closed connections stay half-closed; a slow receiver slows its sender; Nagle's algorithm is off.
/// - It runs on threads of its own, so it works in a current-thread runtime, and what the caller blocks does
///   not slow it.
/// - Without a fault it only moves bytes: messages are copied once through a buffer that all connections share, and
///   on Linux bulk stays within the kernel (`splice`). An idle connection costs about 2 kB.
/// - With a fault what is under way is held in memory, up to 64 MiB per connection and direction. On Linux its times
///   come from a timer of its own (`timerfd`), elsewhere from the runtime's, whose grain is a millisecond.
/// - Dropping the last handle closes the port and every connection.
///
/// # Examples
/// ```
/// # use chaos_faults_net::Proxy;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), chaos_core::FaultError> {
/// let redis = Proxy::in_front_of("127.0.0.1:6379").await?;
/// let url = format!("redis://{}/", redis.address());
/// # assert_ne!(redis.address().port(), 0); Ok(()) }
/// ```
#[derive(Clone)]
pub struct Proxy(Arc<Running>);

/// Closes the proxy when dropped.
struct Running {
    shared: Arc<Shared>,
    task: AbortHandle,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shared.close();
        self.task.abort();
    }
}

impl Proxy {
    /// Listens on a free port of the loopback interface, in front of `upstream` (`host:port` or, on Unix,
    /// `unix:/path`).
    ///
    /// # Errors
    /// `upstream` is no address, or no port is free.
    pub async fn in_front_of(upstream: impl ToString) -> Result<Self, FaultError> {
        Self::listen("127.0.0.1:0", upstream).await
    }

    /// Listens on `listen` (`host:port`; port 0: a free one), in front of `upstream` (`host:port` or, on Unix,
    /// `unix:/path`).
    ///
    /// # Errors
    /// One of them is no address, or the port is in use.
    pub async fn listen(
        listen: impl ToString,
        upstream: impl ToString,
    ) -> Result<Self, FaultError> {
        Self::open(None, listen.to_string(), upstream.to_string()).await
    }

    /// Listens at an address, whatever the upstream is: it is looked at when a client comes, and the client is closed
    /// when it cannot be reached. Before the first one is served, `prepare` puts faults on the proxy.
    #[cfg(feature = "toxiproxy")]
    pub(crate) fn serve(
        name: String,
        listen: SocketAddr,
        upstream: String,
        prepare: impl FnOnce(&Arc<Shared>),
    ) -> io::Result<Self> {
        let home = workers::home().map_err(io::Error::other)?;
        let door = {
            let _within = home.enter();
            Door::open(listen)?
        };
        let shared = Arc::new(Shared::new(Some(name), upstream, door, home).gentle());
        prepare(&shared);
        let accepting = accept(Arc::clone(&shared), home);
        let task = home.handle().spawn(accepting).abort_handle();
        Ok(Self(Arc::new(Running { shared, task })))
    }

    /// What the proxy has in common with the faults on it.
    #[cfg(any(test, feature = "toxiproxy"))]
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.0.shared
    }

    pub(crate) async fn open(
        name: Option<String>,
        listen: String,
        upstream: String,
    ) -> Result<Self, FaultError> {
        check(&listen, &upstream)?;
        let home = workers::home()?;
        // Names are looked up on the proxies' runtime: the caller may have none.
        let starting = home.handle().spawn(async move {
            let door = open_door(&listen).await?;
            not_itself(door.address(), &upstream).await?;
            let shared = Arc::new(Shared::new(name, upstream, door, home));
            let task = tokio::spawn(accept(Arc::clone(&shared), home)).abort_handle();
            Ok(Self(Arc::new(Running { shared, task })))
        });
        starting
            .await
            .map_err(|e| FaultError::host("start the proxy", e))?
    }

    /// The address that clients connect to.
    pub fn address(&self) -> SocketAddr {
        self.0.shared.address()
    }

    /// The dependency's address, as it was given.
    pub fn upstream(&self) -> &str {
        self.0.shared.upstream()
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Proxy")
            .field(&self.0.shared.to_string())
            .finish()
    }
}

#[async_trait]
impl Target for Proxy {
    fn describe(&self) -> String {
        self.0.shared.to_string()
    }

    async fn sites(&self, _: &Context) -> Result<Vec<Site>, FaultError> {
        let shared = &self.0.shared;
        Ok(vec![
            Site::named("proxy", shared.name())
                .with_address(shared.address())
                .with_handle(Arc::clone(shared)),
        ])
    }
}

/// An upstream that is the proxy itself would make connections without end. One that cannot be resolved yet is another.
async fn not_itself(listens: SocketAddr, upstream: &str) -> Result<(), ConfigError> {
    let found = tokio::net::lookup_host(upstream).await;
    if found.is_ok_and(|mut found| found.any(|address| leads_to(address, listens))) {
        return Err(itself(upstream));
    }
    Ok(())
}

/// Whether who connects to `address` comes to who listens there.
pub(super) fn leads_to(address: SocketAddr, listens: SocketAddr) -> bool {
    let (ip, any) = (address.ip(), listens.ip().is_unspecified());
    let here = ip == listens.ip() || ip.is_unspecified() || any && ip.is_loopback();
    here && address.port() == listens.port()
}

fn itself(upstream: &str) -> ConfigError {
    ConfigError::field("upstream", format!("`{upstream}` is the proxy itself"))
        .help("the address of the dependency, which is another one than the proxy listens on")
}

/// Checks what can be told of both addresses without asking anybody.
pub(super) fn check(listen: &str, upstream: &str) -> Result<(), ConfigError> {
    check_address("listen", listen, 0)?;
    check_upstream(upstream)?;
    match (listen.parse(), upstream.parse()) {
        (Ok(listens), Ok(address)) if leads_to(address, listens) && listens.port() != 0 => {
            Err(itself(upstream))
        }
        _ => Ok(()),
    }
}

/// Takes the first of the addresses of `listen` that can be had.
pub(crate) async fn open_door(listen: &str) -> Result<Door, FaultError> {
    let addresses = tokio::net::lookup_host(listen)
        .await
        .map_err(|e| FaultError::no_target(listen, e.to_string()))?;
    let mut problem = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in addresses {
        match Door::open(address) {
            Ok(door) => return Ok(door),
            Err(error) => problem = error,
        }
    }
    Err(match problem.kind() {
        io::ErrorKind::AddrInUse => FaultError::conflict(
            format!("the address {listen}"),
            "another program listens there; choose another port, or port 0 for a free one",
        ),
        _ => FaultError::host(format!("listen on {listen}"), problem),
    })
}

/// Checks that an upstream is `host:port` or the path of a Unix socket.
fn check_upstream(upstream: &str) -> Result<(), ConfigError> {
    match upstream.strip_prefix(UNIX) {
        Some(path) if cfg!(unix) && path.starts_with('/') => Ok(()),
        Some(_) => Err(
            ConfigError::field("upstream", format!("`{upstream}` is not an address"))
                .help("write unix:/path, on Unix"),
        ),
        None => check_address("upstream", upstream, 1),
    }
}

/// Checks that an address is `host:port` without asking anybody for the host.
fn check_address(field: &str, address: &str, least_port: u16) -> Result<(), ConfigError> {
    let port = match address.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() => port.parse::<u16>().ok(),
        _ => None,
    };
    match port {
        Some(port) if port >= least_port => Ok(()),
        _ => Err(ConfigError::field(
            field,
            format!("`{address}` is not an address"),
        )
        .help(format!(
            "write host:port with a port from {least_port} to 65535, such as 127.0.0.1:6379 or [::1]:6379"
        ))),
    }
}
