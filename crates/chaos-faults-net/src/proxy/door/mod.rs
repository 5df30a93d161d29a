//! Where clients come to a proxy.

#[cfg(target_os = "linux")]
mod left;
#[cfg(target_os = "linux")]
mod local;
mod tcp;
mod udp;
#[cfg(unix)]
mod unix;

use super::{address::Address, stream::Stream, transport::Transport};
use std::{
    io,
    net::IpAddr,
    task::{Context, Poll, ready},
};
pub(crate) use tcp::TcpDoor;
use tokio::io::ReadBuf;
pub(crate) use udp::{Peer, UdpDoor};
#[cfg(unix)]
pub(crate) use unix::UnixDoor;

/// Where clients come to a proxy: open, shut without giving it up, open again.
#[derive(Debug)]
pub(crate) enum Door {
    Tcp(TcpDoor),
    Udp(UdpDoor),
    #[cfg(unix)]
    Unix(UnixDoor),
}

impl Door {
    /// What comes through it.
    pub(crate) const fn transport(&self) -> Transport {
        match self {
            Self::Tcp(_) => Transport::Tcp,
            #[cfg(unix)]
            Self::Unix(_) => Transport::Tcp,
            Self::Udp(_) => Transport::Udp,
        }
    }

    /// The address that clients use.
    pub(crate) fn address(&self) -> Address {
        match self {
            Self::Tcp(door) => Address::Ip(door.address()),
            Self::Udp(door) => Address::Ip(door.address()),
            #[cfg(unix)]
            Self::Unix(door) => door.address().clone(),
        }
    }

    /// Refuses clients and keeps the port.
    pub(crate) fn shut(&mut self) -> io::Result<()> {
        match self {
            Self::Tcp(door) => door.shut(),
            Self::Udp(door) => door.shut(),
            #[cfg(unix)]
            Self::Unix(door) => door.shut(),
        }
    }

    /// Lets clients in again. Must be called within the runtime.
    pub(crate) fn unlock(&mut self) -> io::Result<()> {
        match self {
            Self::Tcp(door) => door.unlock(),
            Self::Udp(door) => door.unlock(),
            #[cfg(unix)]
            Self::Unix(door) => door.unlock(),
        }
    }

    /// Gives the port up.
    pub(crate) fn close(&mut self) {
        match self {
            Self::Tcp(door) => door.close(),
            Self::Udp(door) => door.close(),
            #[cfg(unix)]
            Self::Unix(door) => door.close(),
        }
    }

    /// The next client, and its address if it has one. There are none where datagrams come.
    pub(crate) fn poll_accept(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(Stream, Option<IpAddr>)>> {
        match self {
            Self::Tcp(door) => {
                let (client, address) = ready!(door.poll_accept(cx))?;
                Poll::Ready(Ok((Stream::Tcp(client), Some(address.ip()))))
            }
            #[cfg(unix)]
            Self::Unix(door) => {
                let client = ready!(door.poll_accept(cx))?;
                Poll::Ready(Ok((Stream::Unix(client), None)))
            }
            Self::Udp(_) => Poll::Pending,
        }
    }

    /// The next datagram, and who sent it. There are none where connections come.
    pub(crate) fn poll_receive(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<Peer>> {
        match self {
            Self::Udp(door) => door.poll_receive(cx, buffer),
            _ => Poll::Pending,
        }
    }

    /// Sends a datagram to a client.
    pub(crate) fn send(&self, data: &[u8], to: Peer) -> io::Result<()> {
        match self {
            Self::Udp(door) => door.send(data, to),
            _ => Err(io::ErrorKind::Unsupported.into()),
        }
    }
}
