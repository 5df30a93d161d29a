//! A client's connection.

use futures_util::FutureExt;
use socket2::SockRef;
use std::{
    future::Future,
    io::{self, ErrorKind},
    net::Shutdown,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, Interest, ReadBuf},
    net::TcpStream,
    sync::Notify,
    time::sleep,
};

/// Has a connection end with a reset instead of an end.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cut(Arc<AtomicBool>);

impl Cut {
    pub(crate) fn cut(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A client's connection.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: Arc<TcpStream>,
    /// Reading or writing has failed.
    failed: Arc<Notify>,
    /// How many bytes it was sent.
    sent: Arc<AtomicU64>,
    cut: Cut,
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

    /// The first byte that the client sends, which stays where it is; `None`: it sends none.
    pub(crate) async fn first_byte(&self) -> io::Result<Option<u8>> {
        let mut byte = [0];
        let count = self.stream.peek(&mut byte).await?;
        Ok((count > 0).then_some(byte[0]))
    }

    /// Waits until the client has reset the connection: a server that waits for its service does not notice.
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

    /// Waits until the client has ended its side and has been sent nothing for a while: it may wait for its answer, or be
    /// gone for good, which cannot be told.
    pub(crate) fn left(&self) -> impl Future<Output = ()> + Send + use<> {
        let (stream, sent) = (Arc::clone(&self.stream), Arc::clone(&self.sent));
        async move {
            let mut before = None;
            loop {
                sleep(Self::LEFT / 2).await;
                let now = sent.load(Ordering::Relaxed);
                let mut byte = [0];
                // Looked at without waiting. What it said before the end and nobody has read hides the end.
                let peeked = stream.peek(&mut byte).now_or_never();
                let ended = matches!(peeked, Some(Ok(0) | Err(_)));
                if ended && before == Some(now) {
                    return;
                }
                before = ended.then_some(now);
            }
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
    /// A client that has ended its side has been sent nothing for at least half of this.
    const LEFT: Duration = Duration::from_secs(5);

    fn poll_sent(
        &self,
        cx: &mut Context<'_>,
        send: impl FnMut(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        let sent = ready!(self.poll_io(|stream| stream.poll_write_ready(cx), send))?;
        let count = u64::try_from(sent).unwrap_or(u64::MAX);
        self.sent.fetch_add(count, Ordering::Relaxed);
        Poll::Ready(Ok(sent))
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
