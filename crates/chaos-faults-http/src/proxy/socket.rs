//! A connection of a client, or to the upstream.

use futures_util::FutureExt;
use socket2::{SockRef, TcpKeepalive};
use std::{
    future::Future,
    io::{self, ErrorKind},
    net::Shutdown,
    pin::Pin,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, Interest, ReadBuf},
    net::TcpStream,
    sync::Notify,
};

/// Has a connection end with a reset instead of an end.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cut(Arc<AtomicBool>);

impl Cut {
    pub(crate) fn cut(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A connection of a client, or to the upstream.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: Arc<TcpStream>,
    /// Reading or writing has failed.
    failed: Arc<Notify>,
    sent: Arc<Sent>,
    cut: Cut,
}

/// What it was sent.
#[derive(Debug, Default)]
struct Sent {
    /// How many bytes.
    count: AtomicU64,
    /// There was more to send than it took.
    stuck: AtomicBool,
}

impl Socket {
    pub(crate) fn new(stream: TcpStream, cut: Cut) -> Self {
        Self {
            stream: Arc::new(stream),
            failed: Arc::default(),
            sent: Arc::default(),
            cut,
        }
    }

    /// The first byte that comes, which stays where it is; `None`: none comes.
    pub(crate) async fn first_byte(&self) -> io::Result<Option<u8>> {
        let mut byte = [0];
        let count = self.stream.peek(&mut byte).await?;
        Ok((count > 0).then_some(byte[0]))
    }

    /// Waits until the other side has reset the connection: a server that waits for its service does not notice.
    pub(crate) fn broken(&self) -> impl Future<Output = ()> + Send + use<> {
        let (stream, failed) = (Arc::clone(&self.stream), Arc::clone(&self.failed));
        async move {
            tokio::select! {
                // Who reads first takes the error, and nobody else hears of it.
                () = failed.notified() => {}
                // Also when it cannot be waited for.
                _ = stream.ready(Interest::ERROR) => {}
            }
        }
    }

    /// What others do with it.
    pub(crate) fn side(&self) -> Side {
        Side {
            stream: Arc::downgrade(&self.stream),
            sent: Arc::clone(&self.sent),
        }
    }

    /// Does what there is to do as soon as it can be done.
    fn poll_io<T>(
        &self,
        mut poll_ready: impl FnMut(&TcpStream) -> Poll<io::Result<()>>,
        mut act: impl FnMut(&TcpStream) -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        loop {
            ready!(poll_ready(&self.stream))?;
            match act(&self.stream) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                done => {
                    if done.is_err() {
                        self.failed.notify_one();
                    }
                    return Poll::Ready(done);
                }
            }
        }
    }
}

impl Socket {
    fn poll_sent(
        &self,
        cx: &mut Context<'_>,
        send: impl FnMut(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        let polled = self.poll_io(|stream| stream.poll_write_ready(cx), send);
        self.sent
            .stuck
            .store(polled.is_pending(), Ordering::Relaxed);
        let sent = ready!(polled)?;
        let count = u64::try_from(sent).unwrap_or(u64::MAX);
        self.sent.count.fetch_add(count, Ordering::Relaxed);
        Poll::Ready(Ok(sent))
    }
}

/// A connection as it is seen, and ended, from beside it.
#[derive(Debug)]
pub(crate) struct Side {
    stream: Weak<TcpStream>,
    sent: Arc<Sent>,
}

impl Side {
    /// A system that is asked so often says soon that a connection is gone. One that was closed altogether it forgets after
    /// a time of its own, which is a minute on Linux.
    const PROBE: Duration = Duration::from_secs(5);

    /// Whether the connection is still there.
    pub(crate) fn is_there(&self) -> bool {
        self.stream.strong_count() > 0
    }

    /// How many bytes were sent.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.count.load(Ordering::Relaxed)
    }

    /// Whether there is more to send than the other side took.
    pub(crate) fn is_stuck(&self) -> bool {
        self.sent.stuck.load(Ordering::Relaxed)
    }

    /// Whether the other side has ended what it says. What it said before and nobody has read hides that.
    pub(crate) fn ended(&self) -> bool {
        let mut byte = [0];
        // Looked at without waiting.
        let peeked = self.stream.upgrade().map(|stream| {
            let peeked = stream.peek(&mut byte).now_or_never();
            matches!(peeked, Some(Ok(0) | Err(_)))
        });
        peeked.unwrap_or(true)
    }

    /// Whether the other side has ended what it says, or has said more that nobody has read yet and ended then.
    pub(crate) fn may_be_gone(&self) -> bool {
        let ready = self.stream.upgrade().map(|stream| {
            let ready = stream.ready(Interest::READABLE).now_or_never();
            ready.is_some_and(|ready| ready.is_ok_and(|ready| ready.is_read_closed()))
        });
        ready.unwrap_or(true) || self.ended()
    }

    /// Ends what we say.
    pub(crate) fn end(&self) {
        if let Some(stream) = self.stream.upgrade() {
            // One that is gone need not be told.
            SockRef::from(&*stream).shutdown(Shutdown::Write).ok();
        }
    }

    /// Has the other system asked, time and again, whether the connection is still there.
    pub(crate) fn probe(&self) {
        if let Some(stream) = self.stream.upgrade() {
            let often = TcpKeepalive::new().with_time(Self::PROBE);
            SockRef::from(&*stream).set_tcp_keepalive(&often).ok();
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.cut.0.load(Ordering::Relaxed) {
            // A connection that is gone already need not be reset.
            SockRef::from(&*self.stream)
                .set_linger(Some(Duration::ZERO))
                .ok();
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.poll_io(
            |stream| stream.poll_read_ready(cx),
            |stream| stream.try_read_buf(buffer).map(drop),
        )
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_sent(cx, |stream| stream.try_write(data))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_sent(cx, |stream| stream.try_write_vectored(data))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.cut.0.load(Ordering::Relaxed) {
            // No end before the reset.
            return Poll::Ready(Ok(()));
        }
        let ended = SockRef::from(&*self.stream).shutdown(Shutdown::Write);
        Poll::Ready(match ended {
            // The client is gone already.
            Err(error) if error.kind() == ErrorKind::NotConnected => Ok(()),
            ended => ended,
        })
    }
}
