//! The port of a proxy for datagrams.

#[cfg(target_os = "linux")]
use super::local;
use socket2::{Domain, Protocol, Socket, Type};
use std::{
    io,
    net::{IpAddr, SocketAddr},
    task::{Context, Poll, ready},
};
#[cfg(target_os = "linux")]
use tokio::io::Interest;
use tokio::{io::ReadBuf, net::UdpSocket};

/// The port of a proxy for datagrams.
///
/// To shut it, the socket is connected to itself: so it takes from nobody, the kernel tells those who send to it that
/// nobody listens (ICMP port unreachable), and the port stays ours. It works on Linux only.
#[derive(Debug)]
pub(crate) struct UdpDoor {
    address: SocketAddr,
    /// `None`: it was given up.
    socket: Option<UdpSocket>,
}

/// Between whom a datagram is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Peer {
    pub(crate) client: SocketAddr,
    /// Which of the addresses of the host the client knows; `None`: the one that the port is bound to.
    pub(crate) local: Option<IpAddr>,
}

impl UdpDoor {
    /// How much the kernel may keep of what has come; it gives less if `net.core.rmem_max` says so.
    const BACKLOG: usize = 4 * 1024 * 1024;

    /// Takes the port. Must be called within the runtime.
    pub(crate) fn open(address: SocketAddr) -> io::Result<Self> {
        let socket = bind(address)?;
        if let Err(error) = socket.set_recv_buffer_size(Self::BACKLOG) {
            tracing::debug!(%error, "the buffer of the port stays as it is");
        }
        #[cfg(target_os = "linux")]
        if address.ip().is_unspecified() {
            local::tell(&socket, address)?;
        }
        socket.set_nonblocking(true)?;
        let socket = UdpSocket::from_std(socket.into())?;
        Ok(Self {
            address: socket.local_addr()?,
            socket: Some(socket),
        })
    }

    /// The address that clients send to.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Refuses datagrams and keeps the port.
    #[cfg(target_os = "linux")]
    pub(super) fn shut(&self) -> io::Result<()> {
        use std::net::{Ipv4Addr, Ipv6Addr};
        let mut itself = self.address;
        if itself.ip().is_unspecified() {
            itself.set_ip(match itself {
                SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        match &self.socket {
            Some(socket) => Ok(rustix::net::connect(socket, &itself)?),
            None => Ok(()),
        }
    }

    /// Takes datagrams again.
    #[cfg(target_os = "linux")]
    pub(super) fn unlock(&self) -> io::Result<()> {
        match &self.socket {
            Some(socket) => Ok(rustix::net::connect_unspec(socket)?),
            None => Ok(()),
        }
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn shut(&self) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn unlock(&self) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Gives the port up.
    pub(super) fn close(&mut self) {
        self.socket = None;
    }

    /// The next datagram, and who sent it.
    pub(super) fn poll_receive(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<Peer>> {
        let Some(socket) = &self.socket else {
            return Poll::Pending;
        };
        #[cfg(target_os = "linux")]
        while self.address.ip().is_unspecified() {
            ready!(socket.poll_recv_ready(cx))?;
            let into = buffer.initialize_unfilled();
            match socket.try_io(Interest::READABLE, || local::receive(socket, into)) {
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                received => {
                    let (len, peer) = received?;
                    buffer.advance(len);
                    return Poll::Ready(Ok(peer));
                }
            }
        }
        let received = ready!(socket.poll_recv_from(cx, buffer));
        Poll::Ready(received.map(|client| Peer {
            client,
            local: None,
        }))
    }

    /// Sends a datagram to a client.
    pub(super) fn send(&self, data: &[u8], to: Peer) -> io::Result<()> {
        let socket = self.socket.as_ref();
        let socket = socket.ok_or(io::ErrorKind::NotConnected)?;
        #[cfg(target_os = "linux")]
        if to.local.is_some() {
            return socket.try_io(Interest::WRITABLE, || local::send(socket, data, to));
        }
        socket.try_send_to(data, to.client).map(drop)
    }
}

fn bind(address: SocketAddr) -> io::Result<Socket> {
    let socket = bind_to(address, false)?;
    if address.port() != 0 || !cfg!(target_os = "linux") {
        return Ok(socket);
    }
    // A port that the kernel chose is lost when the socket is disconnected; one that was asked for is kept. Two sockets
    // can have one port as long as both say so, and nobody else can have it meanwhile.
    socket.set_reuse_address(true)?;
    let chosen = socket.local_addr()?.as_socket();
    let again = bind_to(chosen.ok_or(io::ErrorKind::Unsupported)?, true)?;
    again.set_reuse_address(false)?;
    Ok(again)
}

fn bind_to(address: SocketAddr, reuse: bool) -> io::Result<Socket> {
    let domain = Domain::for_address(address);
    let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_reuse_address(reuse)?;
    socket.bind(&address.into())?;
    Ok(socket)
}
