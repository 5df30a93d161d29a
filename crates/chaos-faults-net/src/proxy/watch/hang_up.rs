//! One epoll instance per worker, for nothing but hang-ups and errors: these it reports without being asked.
//!
//! The runtime's own watches for data, too. Whoever has no room for more does not read what is there, and hears of nothing
//! that comes after it.

use super::{super::stream::Stream, Gone, Unread};
use rustix::{
    event::{
        PollFd, PollFlags, Timespec,
        epoll::{self, CreateFlags, Event, EventData, EventFlags},
        poll,
    },
    io::Errno,
};
use std::{
    cell::RefCell,
    collections::HashMap,
    future::{Future, poll_fn},
    io,
    os::fd::{AsFd, BorrowedFd},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
};
use tokio::net::unix::pipe::Receiver;

thread_local! {
    /// The watcher of this thread, if it is a worker.
    static WATCHER: RefCell<Option<Arc<Watcher>>> = const { RefCell::new(None) };
}

/// Gives this thread a watcher, and returns what keeps it going. Must be called within the runtime.
pub(crate) fn start() -> io::Result<impl Future<Output = ()> + Send> {
    let epoll = epoll::create(CreateFlags::CLOEXEC)?;
    let watcher = Arc::new(Watcher {
        // It is waited for like a pipe. `AsyncFd`, made for such cases, takes descriptors by an unsafe function.
        epoll: Receiver::from_owned_fd_unchecked(epoll)?,
        watched: Mutex::default(),
    });
    WATCHER.set(Some(Arc::clone(&watcher)));
    Ok(async move { watcher.run().await })
}

/// Who waits for which hang-up on one thread.
#[derive(Debug)]
struct Watcher {
    epoll: Receiver,
    watched: Mutex<Watched>,
}

#[derive(Debug, Default)]
struct Watched {
    tasks: HashMap<u64, (Arc<AtomicBool>, Waker)>,
    number: u64,
}

impl Watcher {
    async fn run(&self) {
        while poll_fn(|cx| self.epoll.poll_read_ready(cx)).await.is_ok() {
            self.tell();
        }
    }

    /// Wakes those whose sockets hung up.
    fn tell(&self) {
        let mut events = Vec::with_capacity(64);
        // The last time finds nothing, so that the runtime waits again.
        while self.epoll.try_io(|| self.wait(&mut events)).is_ok() {
            let watched = self.watched();
            for event in events.drain(..) {
                if let Some((hung_up, waker)) = watched.tasks.get(&event.data.u64()) {
                    hung_up.store(true, Ordering::Relaxed);
                    waker.wake_by_ref();
                }
            }
        }
    }

    /// What happened up to now.
    fn wait(&self, events: &mut Vec<Event>) -> io::Result<()> {
        let room = rustix::buffer::spare_capacity(events);
        match epoll::wait(&self.epoll, room, Some(&AT_ONCE))? {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            _ => Ok(()),
        }
    }

    fn watch(&self, socket: BorrowedFd<'_>, number: u64, flags: EventFlags) -> io::Result<()> {
        let number = EventData::new_u64(number);
        match epoll::add(&self.epoll, socket, number, flags) {
            // Somebody watched it before.
            Err(Errno::EXIST) => Ok(epoll::modify(&self.epoll, socket, number, flags)?),
            added => Ok(added?),
        }
    }

    fn watched(&self) -> MutexGuard<'_, Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const AT_ONCE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 0,
};

/// Watches one end, always the same and for the same task, on one worker.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    for_the_end: bool,
    begun: Option<Box<Begun>>,
}

#[derive(Debug)]
struct Begun {
    watcher: Arc<Watcher>,
    number: u64,
    /// Since it was looked at.
    hung_up: Arc<AtomicBool>,
}

impl Watch {
    /// Notices, too, that it has nothing more to say.
    pub(crate) fn for_the_end() -> Self {
        Self {
            for_the_end: true,
            begun: None,
        }
    }

    /// Whether the end is gone; if not, the task is woken when it is.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, unread: Unread<'_>) -> Poll<Gone> {
        let signs = match self.for_the_end {
            true => PollFlags::RDHUP,
            false => PollFlags::empty(),
        };
        let begun = match &mut self.begun {
            Some(begun) => begun,
            begun => {
                let Some(new) = Begun::new(cx, unread.stream, self.for_the_end) else {
                    return Poll::Pending;
                };
                begun.insert(Box::new(new))
            }
        };
        if !begun.hung_up.swap(false, Ordering::Relaxed) {
            return Poll::Pending;
        }
        let mut socket = [PollFd::from_borrowed_fd(descriptor(unread.stream), signs)];
        if poll(&mut socket, Some(&AT_ONCE)).is_err() {
            return Poll::Pending;
        }
        let seen = socket[0].revents();
        if seen.contains(PollFlags::ERR) {
            Poll::Ready(Gone::Reset)
        } else if seen.intersects(signs) || (seen.contains(PollFlags::HUP) && !unread.told) {
            Poll::Ready(Gone::Closed)
        } else {
            Poll::Pending
        }
    }
}

impl Begun {
    fn new(cx: &Context<'_>, stream: &Stream, for_the_end: bool) -> Option<Self> {
        let watcher = WATCHER.with_borrow(Clone::clone);
        debug_assert!(watcher.is_some(), "a watch on a thread that is no worker");
        let watcher = watcher?;
        let hung_up = Arc::new(AtomicBool::new(false));
        let mut watched = watcher.watched();
        watched.number += 1;
        let number = watched.number;
        let task = (Arc::clone(&hung_up), cx.waker().clone());
        watched.tasks.insert(number, task);
        drop(watched);
        let flags = match for_the_end {
            true => EventFlags::ET | EventFlags::RDHUP,
            false => EventFlags::ET,
        };
        // What has happened before is reported, too.
        if let Err(error) = watcher.watch(descriptor(stream), number, flags) {
            tracing::debug!(%error, "nobody watches an end of a connection");
        }
        Some(Self {
            watcher,
            number,
            hung_up,
        })
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        // The kernel forgets the socket when it is closed.
        self.watcher.watched().tasks.remove(&self.number);
    }
}

fn descriptor(stream: &Stream) -> BorrowedFd<'_> {
    match stream {
        Stream::Tcp(stream) => stream.as_fd(),
        Stream::Unix(stream) => stream.as_fd(),
    }
}
