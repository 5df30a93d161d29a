//! splice(2) through a kernel pipe, here called a tube: the pages go from socket to socket and are not copied.

use super::super::stream::Stream;
use bytes::{Bytes, BytesMut};
use rustix::{
    io::Errno,
    pipe::{PipeFlags, SpliceFlags, fcntl_getpipe_size, fcntl_setpipe_size, pipe_with, splice},
};
use std::{
    cell::RefCell,
    io,
    os::fd::{AsFd, OwnedFd},
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    task::{Context, Poll, ready},
};
use tokio::io::Interest;

/// What a tube holds, if the system allows it.
const SIZE: usize = 1024 * 1024;

/// How many tubes there may be: what is left of the 64 MiB that Linux grants the pipes of a user
/// (`/proc/sys/fs/pipe-user-pages-soft`) is for other programs.
const MOST: usize = 32;

/// How many empty ones a worker keeps: a connection takes one for as long as it is moving data.
const KEPT: usize = 2;

/// How many there are.
static TUBES: AtomicUsize = AtomicUsize::new(0);

/// Whether this system turned out to be unable to.
static USELESS: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// Empty tubes.
    static FREE: RefCell<Vec<Tube>> = const { RefCell::new(Vec::new()) };
}

/// A kernel pipe. Whoever waits for data has given his back, so an idle connection has none.
#[derive(Debug)]
pub(crate) struct Tube {
    reader: OwnedFd,
    writer: OwnedFd,
    size: usize,
    len: usize,
}

impl Tube {
    /// An empty tube, if one can be had.
    pub(crate) fn take() -> Option<Self> {
        if USELESS.load(Ordering::Relaxed) {
            return None;
        }
        FREE.with_borrow_mut(Vec::pop).or_else(Self::open)
    }

    fn open() -> Option<Self> {
        if TUBES.fetch_add(1, Ordering::Relaxed) >= MOST {
            TUBES.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        let opened = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).and_then(|ends| {
            let size = fcntl_setpipe_size(&ends.0, SIZE);
            let size = size.or_else(|_| fcntl_getpipe_size(&ends.0))?;
            Ok((ends, size))
        });
        match opened {
            Ok(((reader, writer), size)) => Some(Self {
                reader,
                writer,
                size,
                len: 0,
            }),
            Err(_) => {
                TUBES.fetch_sub(1, Ordering::Relaxed);
                None
            }
        }
    }

    /// Lets others have it; one that is not empty is closed, and so is one too many, for another worker to open.
    pub(crate) fn give_back(self) {
        FREE.with_borrow_mut(|free| {
            if self.is_empty() && free.len() < KEPT {
                free.push(self);
            }
        });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Takes in what has arrived; 0: the stream has ended. It must be empty, or nobody could tell an empty
    /// socket from a full tube.
    pub(crate) fn poll_fill(
        &mut self,
        cx: &mut Context<'_>,
        from: &Stream,
    ) -> Poll<io::Result<usize>> {
        debug_assert!(self.is_empty());
        let moved = ready!(when_ready(cx, from, Interest::READABLE, |socket| {
            splice(socket, None, &self.writer, None, self.size, FLAGS)
        }))?;
        self.len = moved;
        Poll::Ready(Ok(moved))
    }

    /// Sends what it can of what is in it.
    pub(crate) fn poll_pour(
        &mut self,
        cx: &mut Context<'_>,
        to: &Stream,
    ) -> Poll<io::Result<usize>> {
        let moved = ready!(when_ready(cx, to, Interest::WRITABLE, |socket| {
            splice(&self.reader, None, socket, None, self.len, FLAGS)
        }))?;
        self.len -= moved;
        Poll::Ready(Ok(moved))
    }

    /// What is in it, copied, in pieces.
    pub(crate) fn read_all(mut self) -> io::Result<Vec<Bytes>> {
        const PIECE: usize = 64 * 1024;
        let mut pieces = Vec::new();
        while self.len > 0 {
            let mut piece = BytesMut::zeroed(self.len.min(PIECE));
            let read = rustix::io::read(&self.reader, &mut piece[..])?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            piece.truncate(read);
            self.len -= read;
            pieces.push(piece.freeze());
        }
        self.give_back();
        Ok(pieces)
    }
}

impl Drop for Tube {
    fn drop(&mut self) {
        TUBES.fetch_sub(1, Ordering::Relaxed);
    }
}

const FLAGS: SpliceFlags = SpliceFlags::NONBLOCK.union(SpliceFlags::MOVE);

/// Tries `splice` as often as the socket seems to be ready for it.
fn when_ready(
    cx: &mut Context<'_>,
    stream: &Stream,
    interest: Interest,
    mut splice: impl FnMut(std::os::fd::BorrowedFd<'_>) -> rustix::io::Result<usize>,
) -> Poll<io::Result<usize>> {
    loop {
        let tried = match (stream, interest.is_readable()) {
            (Stream::Tcp(s), readable) => {
                ready!(match readable {
                    true => s.poll_read_ready(cx),
                    false => s.poll_write_ready(cx),
                })?;
                s.try_io(interest, || Ok(splice(s.as_fd())?))
            }
            (Stream::Unix(s), readable) => {
                ready!(match readable {
                    true => s.poll_read_ready(cx),
                    false => s.poll_write_ready(cx),
                })?;
                s.try_io(interest, || Ok(splice(s.as_fd())?))
            }
        };
        match tried {
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
            Err(e)
                if [Errno::INVAL, Errno::NOSYS]
                    .contains(&Errno::from_io_error(&e).unwrap_or(Errno::IO)) =>
            {
                USELESS.store(true, Ordering::Relaxed);
                return Poll::Ready(Err(io::ErrorKind::Unsupported.into()));
            }
            tried => return Poll::Ready(tried),
        }
    }
}
