//! The proxy as its user holds it.

#[cfg(unix)]
use super::door::UnixDoor;
use super::{
    accept::accept,
    address::{Address, check, not_itself},
    door::{Door, TcpDoor, UdpDoor},
    shared::Shared,
    transport::Transport,
    udp::receive,
    workers,
};
use chaos_core::{Context, FaultError, Site, Target, async_trait};
use std::{fmt, io, net::SocketAddr, sync::Arc};
use tokio::task::AbortHandle;

/// A proxy in front of a dependency, inside this process: no root, on every system. For TCP, or for UDP.
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
/// - With a fault what is under way is held in memory, up to 64 MiB per connection and direction, and beyond 64 KiB each no more
///   than 512 MiB for all proxies of the process: then senders wait. What waits for an end that was reset is dropped, and the
///   connection closed when both were. On Linux its times come from a timer of its own (`timerfd`), elsewhere from the
///   runtime's, whose grain is a millisecond.
/// - Dropping the last handle closes the port and every connection.
///
/// # Unix sockets
/// A proxy that listens on `unix:/path` makes the socket there and lets only its own user connect (mode 0600). A file that is
/// there already is refused and left alone, a socket, too. When the proxy is dropped the socket is removed, unless
/// another one has taken its place. A process that is killed (SIGKILL) leaves it behind, as every program does, and `chaos
/// recover` does not know of it. On Linux it stays until the next proxy of the same user on its path replaces it: the file has
/// the mark of a proxy (a time of last change that is always the same), and no process has the socket. Elsewhere the next one
/// is refused until somebody removes it. On Linux `unix:@name` leaves nothing behind: an abstract socket is no file,
/// but everyone in the network namespace may connect to it. Their clients have no address, so a fault with
/// `clients` is refused, and instead of being reset connections are closed.
///
/// # Datagrams
/// A proxy made by [`udp`](Self::udp) passes on UDP datagrams, each as it is:
/// - Each client address has a session: a socket of its own towards the upstream, so that replies find back. They come from
///   the address that the client sent to. (Of a proxy that listens on all addresses, elsewhere than on Linux: from one that
///   the system chooses.)
/// - The upstream's name is resolved for each session anew, and while nobody listens there once a second again. While it cannot
///   be reached, or nobody listens there (ICMP port unreachable), datagrams are lost and the session goes on.
/// - A session ends after 60 s without a datagram. There are at most 4096 of them, and no more than a quarter of the
///   descriptors that the process may open (elsewhere than on Linux: 64); then the one that was not used for longest makes
///   room.
/// - Where a queue is full datagrams are dropped, as by a router, and [counted](Self::dropped): more than 4 MiB under way in
///   one direction of a session, or 64 MiB in all of them. Nothing slows a sender.
/// - For a fault a session is a connection: `toxicity` is drawn for each, and `clients` picks them.
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

    /// Listens on `listen` (`host:port`; port 0: a free one), in front of `upstream` (`host:port`). Both may be Unix sockets:
    /// `unix:/path` on Unix, `unix:@name` (abstract) on Linux.
    ///
    /// # Errors
    /// One of them is no address, the port is in use, or there is something at the path (on Linux: other than the socket of a
    /// killed proxy of this user, which is replaced).
    pub async fn listen(
        listen: impl ToString,
        upstream: impl ToString,
    ) -> Result<Self, FaultError> {
        Self::open(None, listen.to_string(), upstream.to_string()).await
    }

    /// Listens for datagrams on a free UDP port of the loopback interface, in front of `upstream` (`host:port`).
    ///
    /// # Errors
    /// `upstream` is no address, or no port is free.
    pub async fn udp(upstream: impl ToString) -> Result<Self, FaultError> {
        Self::listen_udp("127.0.0.1:0", upstream).await
    }

    /// Listens for datagrams on `listen` (`host:port`; port 0: a free one), in front of `upstream` (`host:port`).
    ///
    /// # Errors
    /// One of them is no address, or the port is in use.
    pub async fn listen_udp(
        listen: impl ToString,
        upstream: impl ToString,
    ) -> Result<Self, FaultError> {
        let (listen, upstream) = (listen.to_string(), upstream.to_string());
        Self::open_for(Transport::Udp, None, listen, upstream).await
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
            Door::Tcp(TcpDoor::open(listen)?)
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
        Self::open_for(Transport::Tcp, name, listen, upstream).await
    }

    pub(crate) async fn open_for(
        transport: Transport,
        name: Option<String>,
        listen: String,
        upstream: String,
    ) -> Result<Self, FaultError> {
        check(transport, &listen, &upstream)?;
        let home = workers::home()?;
        // Names are looked up on the proxies' runtime: the caller may have none.
        let starting = home.handle().spawn(async move {
            let door = open_door(transport, &listen).await?;
            not_itself(&door.address(), &upstream).await?;
            let shared = Arc::new(Shared::new(name, upstream, door, home));
            let serving = Arc::clone(&shared);
            let task = match transport {
                Transport::Tcp => tokio::spawn(accept(serving, home)),
                Transport::Udp => tokio::spawn(receive(serving)),
            };
            let task = task.abort_handle();
            Ok(Self(Arc::new(Running { shared, task })))
        });
        starting
            .await
            .map_err(|e| FaultError::host("start the proxy", e))?
    }

    /// The address and port that clients connect to.
    ///
    /// # Panics
    /// The proxy listens on a Unix socket, which has none: ask [`listens_on`](Self::listens_on) instead.
    pub fn address(&self) -> SocketAddr {
        match self.listens_on() {
            Address::Ip(address) => *address,
            unix => panic!("a proxy on {unix} has no IP address; ask `Proxy::listens_on`"),
        }
    }

    /// Where clients connect to, whatever it is.
    pub fn listens_on(&self) -> &Address {
        self.0.shared.address()
    }

    /// What it passes on.
    pub fn transport(&self) -> Transport {
        self.0.shared.transport()
    }

    /// How many datagrams were dropped so far though no fault said so: more were under way than there is room for, or
    /// the kernel could not send them.
    pub fn dropped(&self) -> u64 {
        self.0.shared.moved().dropped_so_far()
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
        let site = Site::named("proxy", shared.name()).with_handle(Arc::clone(shared));
        Ok(vec![match shared.address() {
            Address::Ip(address) => site.with_address(*address),
            Address::Path(_) | Address::Abstract(_) => site,
        }])
    }
}

async fn open_door(transport: Transport, listen: &str) -> Result<Door, FaultError> {
    #[cfg(unix)]
    if let Some(address) = Address::unix(listen) {
        return open_unix(address).await;
    }
    open_at(listen, |address| match transport {
        Transport::Tcp => TcpDoor::open(address).map(Door::Tcp),
        Transport::Udp => UdpDoor::open(address).map(Door::Udp),
    })
    .await
}

/// Opens the first of the addresses of `listen` that can be had.
pub(crate) async fn open_at<D>(
    listen: &str,
    open: impl Fn(SocketAddr) -> io::Result<D>,
) -> Result<D, FaultError> {
    let addresses = tokio::net::lookup_host(listen)
        .await
        .map_err(|e| FaultError::no_target(listen, e.to_string()))?;
    let mut problem = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in addresses {
        match open(address) {
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

/// Makes a Unix socket.
#[cfg(unix)]
async fn open_unix(address: Address) -> Result<Door, FaultError> {
    use std::time::{Duration, Instant};
    /// How long to wait for other proxies that replace what was left in the same directory.
    const PATIENCE: Duration = Duration::from_secs(5);
    let (said, start) = (address.to_string(), Instant::now());
    let opened = loop {
        match UnixDoor::open(address.clone()) {
            Err(e) if e.kind() == io::ErrorKind::WouldBlock && start.elapsed() < PATIENCE => {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            opened => break opened,
        }
    };
    opened.map(Door::Unix).map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => FaultError::conflict(
            format!("the address {said}"),
            "there is something already, and not the socket of a killed proxy of this user, which on Linux would be replaced: \
            remove it if nobody needs it, or choose another path",
        ),
        _ => FaultError::host(format!("listen on {said}"), error),
    })
}
