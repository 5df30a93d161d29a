//! `net.port`: a port is taken.

use crate::scope;
use chaos_core::{
    ConfigError, Context, Fault, FaultConfig, FaultError, Intensity, Needs, Plan, Site, async_trait,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What has ports that can be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum PortProtocol {
    /// TCP.
    #[default]
    Tcp,
    /// UDP.
    Udp,
}

impl fmt::Display for PortProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
        })
    }
}

/// A port is taken by somebody else: `net.port`.
///
/// # What breaks
/// Who wants to listen on the port is told that it is in use (`EADDRINUSE`): a service that is started, or started
/// again, meanwhile. Nobody listens: who connects is refused.
///
/// # What it needs
/// Linux 5.14 or newer and `CAP_SYS_ADMIN`, to enter the network namespace; `CAP_NET_BIND_SERVICE` for ports below 1024. The
/// port must be free. When the target is in the network namespace of the host, the fault has host reach and needs
/// `allow_host`.
///
/// # What is changed on the host
/// A socket of this process is bound to the port, for all IPv4 and IPv6 addresses. Nothing is logged: it goes with the
/// process.
///
/// # How it is undone
/// The sockets are closed.
///
/// # Configuration
/// ```
/// # use chaos_core::{Parameters, Registry};
/// # let mut registry = Registry::new();
/// # chaos_faults_net::register(&mut registry);
/// let parameters: Parameters = serde_json::from_str(r#"{ "port": 8080, "protocol": "tcp" }"#)?;
/// registry.fault("net.port", None, &parameters)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// There are no intensities: taken is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TakenPort {
    port: u16,
    protocol: PortProtocol,
}

impl TakenPort {
    /// This port of TCP.
    pub const fn tcp(port: u16) -> Self {
        Self {
            port,
            protocol: PortProtocol::Tcp,
        }
    }

    /// This port of UDP.
    pub const fn udp(port: u16) -> Self {
        Self {
            port,
            protocol: PortProtocol::Udp,
        }
    }

    fn check(self) -> Result<(), ConfigError> {
        if self.port == 0 {
            return Err(ConfigError::field("port", "0 is no port").help("1 to 65535"));
        }
        Ok(())
    }
}

#[async_trait]
impl Fault for TakenPort {
    fn kind(&self) -> &'static str {
        TakenPortConfig::KIND
    }

    fn needs(&self, _: &Site) -> Needs {
        let needs = Needs::none().linux();
        #[cfg(target_os = "linux")]
        let needs = needs.capability(chaos_core::Capability::SysAdmin);
        needs
    }

    async fn plan(&self, sites: &[Site], cx: &Context) -> Result<Plan, FaultError> {
        self.check()?;
        #[cfg(target_os = "linux")]
        {
            take::plan(*self, sites, cx).await
        }
        #[cfg(not(target_os = "linux"))]
        {
            let _ = cx;
            std::future::ready(crate::emulate::elsewhere(sites)).await
        }
    }
}

/// Takes a port of a network namespace.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct TakenPortConfig {
    /// The port: 1 to 65535.
    pub port: u16,
    /// Of what: tcp or udp. Default: tcp.
    #[serde(default)]
    pub protocol: PortProtocol,
}

impl FaultConfig for TakenPortConfig {
    const KIND: &'static str = "net.port";
    type Fault = TakenPort;
    const TARGETS: &'static [&'static str] = scope::KERNEL;
    const EXAMPLE: &'static [(&'static str, &'static str)] = &[("port", "8080")];

    fn preset(_: Intensity) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    fn build(self) -> Result<TakenPort, ConfigError> {
        let taken = TakenPort {
            port: self.port,
            protocol: self.protocol,
        };
        taken.check()?;
        Ok(taken)
    }
}

#[cfg(target_os = "linux")]
mod take {
    use super::TakenPort;
    use crate::{
        PortProtocol,
        netns::{NetnsId, spaces},
    };
    use chaos_core::{Change, Context, FaultError, Held, InProcess, Plan, Reach, Site};
    use socket2::{Domain, Protocol as Kind, Socket, Type};
    use std::{
        io,
        net::{Ipv4Addr, Ipv6Addr, SocketAddr},
        thread,
        time::{Duration, Instant},
    };

    pub(super) async fn plan(
        port: TakenPort,
        sites: &[Site],
        cx: &Context,
    ) -> Result<Plan, FaultError> {
        let (spaces, mut plan) = spaces(sites, cx, Plan::new()).await?;
        for space in spaces {
            let take = Take {
                port,
                netns: space.netns,
                reach: space.reach,
            };
            // Tried now, so that a port in use is known before anything is changed.
            let attempt = take.clone();
            cx.blocking(move || attempt.bind().map(drop)).await??;
            plan = plan.then_in_process(take);
        }
        Ok(plan)
    }

    /// Takes a port of one namespace.
    #[derive(Debug, Clone)]
    struct Take {
        port: TakenPort,
        netns: NetnsId,
        reach: Reach,
    }

    impl Take {
        fn what(&self) -> String {
            format!("{} port {}", self.port.protocol, self.port.port)
        }

        /// Moves the calling thread into the namespace.
        fn bind(&self) -> Result<Vec<Socket>, FaultError> {
            let inside = self.netns.enter()?;
            let inside = inside
                .ok_or_else(|| FaultError::no_target(self.netns.to_string(), "it is gone"))?;
            let sockets = patiently(self.port).map_err(|e| match e.kind() {
                io::ErrorKind::AddrInUse => FaultError::conflict(self.what(), "somebody's socket"),
                _ => FaultError::host(format!("take {}", self.what()), e),
            });
            drop(inside);
            sockets
        }
    }

    /// So long a process that somebody here starts at this moment may hold a copy of a socket that was closed here: until it
    /// is another program.
    const COPIED: Duration = Duration::from_millis(500);

    /// Takes it. One that is in use is tried again, as it may be by a copy of the last attempt.
    fn patiently(port: TakenPort) -> io::Result<Vec<Socket>> {
        let start = Instant::now();
        loop {
            match sockets(port) {
                Err(e) if e.kind() == io::ErrorKind::AddrInUse && start.elapsed() < COPIED => {
                    thread::sleep(Duration::from_millis(10));
                }
                done => return done,
            }
        }
    }

    /// Bound, and not listening.
    fn sockets(port: TakenPort) -> io::Result<Vec<Socket>> {
        let (kind, protocol) = match port.protocol {
            PortProtocol::Udp => (Type::DGRAM, Kind::UDP),
            PortProtocol::Tcp => (Type::STREAM, Kind::TCP),
        };
        let addresses = [
            SocketAddr::from((Ipv4Addr::UNSPECIFIED, port.port)),
            SocketAddr::from((Ipv6Addr::UNSPECIFIED, port.port)),
        ];
        let mut sockets = Vec::new();
        for address in addresses {
            let socket = match Socket::new(Domain::for_address(address), kind, Some(protocol)) {
                Ok(socket) => socket,
                // There may be no IPv6.
                Err(_) if address.is_ipv6() => continue,
                Err(e) => return Err(e),
            };
            if address.is_ipv6() {
                socket.set_only_v6(true)?;
            }
            match socket.bind(&address.into()) {
                Ok(()) => sockets.push(socket),
                Err(e) if address.is_ipv6() && e.kind() == io::ErrorKind::AddrNotAvailable => {}
                Err(e) => return Err(e),
            }
        }
        Ok(sockets)
    }

    impl InProcess for Take {
        type Held = Taken;

        fn change(&self) -> Change {
            let resource = format!("{}: {}", self.netns.resource(), self.what());
            Change::new(
                format!("take {} in {}", self.what(), self.netns),
                resource,
                self.reach,
            )
        }

        fn apply(&self) -> Result<Taken, FaultError> {
            let this = self.clone();
            let bound = thread::spawn(move || this.bind()).join();
            let sockets = bound.unwrap_or_else(|_| {
                Err(FaultError::host("take the port", "the attempt panicked"))
            })?;
            Ok(Taken { sockets })
        }
    }

    /// Sockets that hold a port.
    #[derive(Debug)]
    struct Taken {
        sockets: Vec<Socket>,
    }

    impl Held for Taken {
        fn in_place(&self) -> bool {
            !self.sockets.is_empty()
        }

        fn hits(&self) -> Option<u64> {
            // Whoever was told that the port is in use has not told us.
            None
        }

        fn release(self) -> Result<(), FaultError> {
            drop(self.sockets);
            Ok(())
        }
    }
}
