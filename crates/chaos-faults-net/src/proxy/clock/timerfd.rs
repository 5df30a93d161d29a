//! One timerfd per worker, set to the earliest time that any of its connections waits for.

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use std::{
    cell::RefCell,
    collections::BTreeMap,
    future::Future,
    io,
    os::fd::OwnedFd,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};
use tokio::{io::AsyncReadExt, net::unix::pipe::Receiver};

/// Whether it does without the timers of the runtime.
pub(crate) const IS_OWN: bool = true;

thread_local! {
    /// The clock of this thread, if it is a worker.
    static CLOCK: RefCell<Option<Arc<Clock>>> = const { RefCell::new(None) };
}

/// Gives this thread a clock, and returns what keeps it going. Must be called within the runtime.
pub(crate) fn start() -> io::Result<impl Future<Output = ()>> {
    let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
    let fd = timerfd_create(TimerfdClockId::Monotonic, flags)?;
    // A timerfd is read like a pipe. `AsyncFd`, made for such cases, takes descriptors by an unsafe function.
    let ends = Receiver::from_owned_fd_unchecked(fd.try_clone()?)?;
    let clock = Arc::new(Clock {
        fd,
        waiting: Mutex::default(),
    });
    CLOCK.set(Some(Arc::clone(&clock)));
    Ok(async move { clock.run(ends).await })
}

/// Who waits for what time on one thread.
#[derive(Debug)]
struct Clock {
    fd: OwnedFd,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    /// By time, and by a number that tells apart what is due at the same time.
    tasks: BTreeMap<(Instant, u64), Waker>,
    number: u64,
    /// What the timerfd is set to.
    set: Option<Instant>,
    /// When the last approach ended.
    approached: Option<Instant>,
}

impl Clock {
    /// A processor that sleeps takes this long to be woken, so the timerfd ends that much before the time, and the
    /// rest is waited awake.
    const LEAD: Duration = Duration::from_micros(150);
    /// Between two times that are approached awake, so that it costs at most a fourteenth of a processor.
    const REST: Duration = Duration::from_millis(2);

    async fn run(&self, mut ends: Receiver) {
        // It yields eight bytes; asking for more tells the runtime that there were no others.
        let mut times = [0; 16];
        while ends.read(&mut times).await.is_ok() {
            if let Some(at) = self.approaching() {
                while Instant::now() < at {
                    tokio::task::yield_now().await;
                }
            }
            self.wake_the_due();
        }
    }

    /// The time that is so near that it is waited for awake.
    fn approaching(&self) -> Option<Instant> {
        let mut waiting = self.waiting();
        let (&(at, _), _) = waiting.tasks.first_key_value()?;
        let near = at <= Instant::now() + Self::LEAD;
        near.then(|| {
            waiting.approached = Some(at);
            at
        })
    }

    fn wake_the_due(&self) {
        let mut waiting = self.waiting();
        waiting.set = None;
        let now = Instant::now();
        while let Some(first) = waiting.tasks.first_entry() {
            if first.key().0 > now {
                break;
            }
            first.remove().wake();
        }
        self.set(&mut waiting);
    }

    /// Sets the timerfd to the earliest time.
    fn set(&self, waiting: &mut Waiting) {
        let Some((&(at, _), _)) = waiting.tasks.first_key_value() else {
            return;
        };
        if waiting.set.is_some_and(|set| set <= at) {
            return;
        }
        waiting.set = Some(at);
        let rested = waiting
            .approached
            .is_none_or(|last| at >= last + Self::REST);
        let lead = if rested { Self::LEAD } else { Duration::ZERO };
        // Zero would stop it.
        let left = at
            .saturating_duration_since(Instant::now() + lead)
            .max(Duration::from_nanos(1));
        let value = Itimerspec {
            it_interval: timespec(Duration::ZERO),
            it_value: timespec(left),
        };
        let set = timerfd_settime(&self.fd, TimerfdTimerFlags::empty(), &value);
        if let Err(error) = set {
            tracing::error!(%error, "cannot set a timer");
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn timespec(time: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: time.subsec_nanos().into(),
    }
}

/// Wakes a task at a time.
#[derive(Debug, Default)]
pub(crate) struct Timer(Option<(Arc<Clock>, (Instant, u64))>);

impl Timer {
    /// Whether it is `at`; if not, the task is woken then. The task must always be the same, on one worker.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, at: Instant) -> Poll<()> {
        if at <= Instant::now() {
            self.clear();
            return Poll::Ready(());
        }
        if self.0.as_ref().is_some_and(|(_, (set, _))| *set == at) {
            return Poll::Pending;
        }
        self.clear();
        let Some(clock) = CLOCK.with_borrow(Clone::clone) else {
            debug_assert!(false, "a timer on a thread that is no worker");
            return Poll::Ready(());
        };
        let mut waiting = clock.waiting();
        waiting.number += 1;
        let key = (at, waiting.number);
        waiting.tasks.insert(key, cx.waker().clone());
        clock.set(&mut waiting);
        drop(waiting);
        self.0 = Some((clock, key));
        Poll::Pending
    }

    /// Wakes nobody.
    pub(crate) fn clear(&mut self) {
        if let Some((clock, key)) = self.0.take() {
            clock.waiting().tasks.remove(&key);
        }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.clear();
    }
}
