//! One end of a connection.

use super::{
    address::{Address, leads_to},
    arrived::{self, Read},
};
use bytes::BytesMut;
use std::{
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    pin::{Pin, pin},
    task::{Context, Poll, ready},
};
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf},
    net::{TcpSocket, TcpStream, lookup_host},
};

async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    socket.set_nodelay(true)?;
    if is_local(address.ip()) {
        never_pace(&socket);
    }
    socket.connect(address).await
}

/// Whether packets to it do not leave the host.
pub(crate) fn is_local(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// Takes the congestion control that does nothing but what it must: where packets cannot get lost there is nothing
/// to control, and BBR, the default of many hosts, spends half of the processor's time on pacing them. It has to be
/// said before the connection is made.
#[cfg(target_os = "linux")]
pub(crate) fn never_pace(socket: &impl std::os::fd::AsFd) {
    // Every kernel has it and lets everyone have it.
    if let Err(error) = rustix::net::sockopt::set_tcp_congestion(socket, "reno") {
        tracing::debug!(%error, "the congestion control stays as it is");
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn never_pace<T>(_: &T) {}

/// One end of a connection.
#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

/// One end of a connection that no thread watches.
#[derive(Debug)]
pub(crate) enum Detached {
    Tcp(std::net::TcpStream),
    #[cfg(unix)]
    Unix(std::os::unix::net::UnixStream),
}

impl Detached {
    /// Has this thread's runtime watch it.
    pub(crate) fn attach(self) -> io::Result<Stream> {
        Ok(match self {
            Self::Tcp(stream) => Stream::Tcp(TcpStream::from_std(stream)?),
            #[cfg(unix)]
            Self::Unix(stream) => Stream::Unix(UnixStream::from_std(stream)?),
        })
    }
}

impl Stream {
    /// Has no thread watch it any more.
    pub(crate) fn detach(self) -> io::Result<Detached> {
        Ok(match self {
            Self::Tcp(stream) => Detached::Tcp(stream.into_std()?),
            #[cfg(unix)]
            Self::Unix(stream) => Detached::Unix(stream.into_std()?),
        })
    }

    /// Connects to `host:port`, `unix:/path` or `unix:@name`, but not to the proxy itself, which listens there: a name may
    /// have come to mean it.
    pub(crate) async fn connect(address: &str, listens: &Address) -> io::Result<Self> {
        #[cfg(unix)]
        if let Some(path) = Address::unix(address).and_then(|unix| unix.kernel_path()) {
            return Ok(Self::Unix(UnixStream::connect(path).await?));
        }
        let mut problem = io::Error::new(io::ErrorKind::NotFound, "it has no address of its own");
        for address in lookup_host(address).await? {
            let itself = listens.ip();
            if itself.is_some_and(|itself| leads_to(address, itself)) {
                tracing::warn!(%address, "the upstream is the proxy itself");
                continue;
            }
            match connect(address).await {
                Ok(stream) => return Ok(Self::Tcp(stream)),
                Err(error) => problem = error,
            }
        }
        Err(problem)
    }

    /// Closes it so that the other side sees a reset.
    pub(crate) fn reset(self) {
        match self {
            // It fails only for a connection that is gone already.
            Self::Tcp(stream) => drop(stream.set_zero_linger()),
            // There is no such thing; it is closed.
            #[cfg(unix)]
            Self::Unix(_) => {}
        }
    }

    /// Whether there may be something to read, or the end.
    pub(crate) fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(stream) => stream.poll_read_ready(cx),
            #[cfg(unix)]
            Self::Unix(stream) => stream.poll_read_ready(cx),
        }
    }

    /// Writes what its end is going to follow at once, so that both go in one packet.
    #[cfg(target_os = "linux")]
    pub(crate) fn poll_write_last(
        &mut self,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        use rustix::net::{SendFlags, send};
        use tokio::io::Interest;
        let Self::Tcp(stream) = self else {
            return Pin::new(self).poll_write(cx, data);
        };
        loop {
            ready!(stream.poll_write_ready(cx))?;
            let sent = stream.try_io(Interest::WRITABLE, || {
                Ok(send(&*stream, data, SendFlags::NOSIGNAL | SendFlags::MORE)?)
            });
            match sent {
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                sent => return Poll::Ready(sent),
            }
        }
    }

    /// Writes what its end is going to follow at once.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn poll_write_last(
        &mut self,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(self).poll_write(cx, data)
    }

    /// Has the kernel note when data comes, or no longer. Whether it does.
    pub(crate) fn note_arrivals(&self, on: bool) -> bool {
        match self {
            Self::Tcp(stream) => arrived::note(stream, on),
            // It has no such notes for streams.
            #[cfg(unix)]
            Self::Unix(_) => false,
        }
    }

    /// Reads what is there, and says when it came.
    pub(crate) fn poll_read_noted(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<Read>> {
        loop {
            ready!(self.poll_read_ready(cx))?;
            let read = match self {
                Self::Tcp(stream) => arrived::try_read(stream, buffer),
                #[cfg(unix)]
                Self::Unix(stream) => stream.try_read(buffer).map(Read::now),
            };
            match read {
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                read => return Poll::Ready(read),
            }
        }
    }

    /// Reads what is there into the spare room of `block`, which is made when there is something to read.
    pub(crate) fn poll_read_into(
        &mut self,
        cx: &mut Context<'_>,
        block: &mut BytesMut,
        (least, size): (usize, usize),
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_read_ready(cx))?;
        if block.capacity() - block.len() < least {
            *block = BytesMut::with_capacity(size);
        }
        pin!(self.read_buf(block)).poll(cx)
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
            #[cfg(unix)]
            Self::Unix(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, buf),
            #[cfg(unix)]
            Self::Unix(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Sockets have nothing to flush.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            #[cfg(unix)]
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
