//! The port of a TCP proxy.

use super::super::stream::{is_local, never_pace};
use socket2::{Domain, Protocol, Socket, Type};
use std::{
    io,
    net::SocketAddr,
    task::{Context, Poll, Waker, ready},
};
use tokio::net::{TcpListener, TcpStream};

/// The port of a TCP proxy.
///
/// While it is shut, connections are refused by the kernel, and a socket that is bound but does not listen keeps
/// the port. On Linux that socket (the keeper) is there from the start, so the port is never free for a moment.
/// Elsewhere two sockets cannot be bound to one port, and the keeper takes the listener's place.
#[derive(Debug)]
pub(crate) struct TcpDoor {
    address: SocketAddr,
    listener: Option<TcpListener>,
    keeper: Option<Socket>,
    /// Who waits for a client.
    waker: Option<Waker>,
}

impl TcpDoor {
    /// How many connections may wait to be accepted.
    const BACKLOG: i32 = 1024;

    /// Takes the port and listens. Must be called within the runtime.
    pub(crate) fn open(address: SocketAddr) -> io::Result<Self> {
        let bound = bind(address, address.port() != 0)?;
        let address = address_of(&bound)?;
        let mut door = Self {
            address,
            listener: None,
            keeper: None,
            waker: None,
        };
        if cfg!(target_os = "linux") {
            door.keeper = Some(bound);
            door.unlock()?;
        } else {
            door.listener = Some(listen(bound)?);
        }
        Ok(door)
    }

    /// The address that clients connect to.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Refuses connections and keeps the port.
    pub(crate) fn shut(&mut self) -> io::Result<()> {
        self.listener = None;
        if self.keeper.is_none() {
            self.keeper = Some(bind(self.address, true)?);
        }
        Ok(())
    }

    /// Listens again. Must be called within the runtime.
    pub(crate) fn unlock(&mut self) -> io::Result<()> {
        if self.listener.is_some() {
            return Ok(());
        }
        match &self.keeper {
            // Linux lets two sockets have one port as long as both say SO_REUSEADDR and none listens. The keeper
            // says so only in this moment; any other time nobody else can have the port.
            Some(keeper) if cfg!(target_os = "linux") => {
                keeper.set_reuse_address(true)?;
                let listener = bind(self.address, true).and_then(listen);
                keeper.set_reuse_address(false)?;
                self.listener = Some(listener?);
            }
            _ => {
                self.keeper = None;
                self.listener = Some(listen(bind(self.address, true)?)?);
            }
        }
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
        Ok(())
    }

    /// Gives the port up.
    pub(crate) fn close(&mut self) {
        self.listener = None;
        self.keeper = None;
    }

    /// The next client.
    pub(crate) fn poll_accept(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        self.waker = Some(cx.waker().clone());
        match &self.listener {
            Some(listener) => {
                let (client, address) = ready!(listener.poll_accept(cx))?;
                // On Linux it has that from the listener.
                if !cfg!(target_os = "linux") {
                    // It fails only for a client that is gone already.
                    client.set_nodelay(true).ok();
                }
                Poll::Ready(Ok((client, address)))
            }
            None => Poll::Pending,
        }
    }
}

fn bind(address: SocketAddr, reuse: bool) -> io::Result<Socket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    // On Unix: the port may be taken while connections of an earlier owner are still winding down. On Windows
    // the option means something else: that the port may be taken from a listener.
    if reuse && cfg!(unix) {
        socket.set_reuse_address(true)?;
    }
    if address.is_ipv6() && address.ip().is_unspecified() {
        // Every interface is every IPv4 one, too, as it is on most systems unless they are told otherwise. Some cannot.
        socket.set_only_v6(false).ok();
    }
    socket.bind(&address.into())?;
    Ok(socket)
}

fn listen(socket: Socket) -> io::Result<TcpListener> {
    // On Linux clients get both from here.
    socket.set_tcp_nodelay(true)?;
    if is_local(address_of(&socket)?.ip()) {
        never_pace(&socket);
    }
    socket.listen(TcpDoor::BACKLOG)?;
    socket.set_nonblocking(true)?;
    TcpListener::from_std(socket.into())
}

fn address_of(socket: &Socket) -> io::Result<SocketAddr> {
    socket
        .local_addr()?
        .as_socket()
        .ok_or_else(|| io::ErrorKind::Unsupported.into())
}
