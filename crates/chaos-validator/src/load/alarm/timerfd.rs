//! A timer of the kernel (timerfd), which wakes within some 50 µs where Tokio's, with its ticks of a millisecond, takes one or
//! two.

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use std::{io, os::fd::OwnedFd, time::Instant};
use tokio::{io::AsyncReadExt, net::unix::pipe::Receiver};

/// Wakes up at a time.
#[derive(Debug)]
pub(in super::super) struct Alarm {
    /// None where there is no descriptor for it: Tokio's timer has to do.
    timer: Option<Timer>,
}

impl Alarm {
    /// Tokio's timer.
    pub(in super::super) fn coarse() -> Self {
        Self { timer: None }
    }

    /// In a runtime.
    pub(in super::super) fn fine() -> Self {
        let timer = Timer::new()
            .inspect_err(|error| tracing::warn!(%error, "the load is paced by a coarse timer"))
            .ok();
        Self { timer }
    }

    /// Waits until then.
    pub(in super::super) async fn wait(&mut self, until: Instant) {
        let fine = match &mut self.timer {
            Some(timer) => timer.wait(until).await,
            None => Err(io::ErrorKind::Unsupported.into()),
        };
        if fine.is_err() {
            tokio::time::sleep_until(until.into()).await;
        }
    }
}

#[derive(Debug)]
struct Timer {
    fd: OwnedFd,
    /// The same timer: it is read like a pipe. `AsyncFd`, made for such cases, takes descriptors by an unsafe function.
    end: Receiver,
}

impl Timer {
    fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        let fd = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        let end = Receiver::from_owned_fd_unchecked(fd.try_clone()?)?;
        Ok(Self { fd, end })
    }

    async fn wait(&mut self, until: Instant) -> io::Result<()> {
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            let once = Itimerspec {
                it_interval: Timespec::default(),
                it_value: Timespec::try_from(left).map_err(|_| io::ErrorKind::InvalidInput)?,
            };
            // Takes back an expiry that nobody has read.
            timerfd_settime(&self.fd, TimerfdTimerFlags::empty(), &once)?;
            // It yields eight bytes; asking for more tells the runtime that there were no others.
            let _yielded = self.end.read(&mut [0; 16]).await?;
        }
    }
}
