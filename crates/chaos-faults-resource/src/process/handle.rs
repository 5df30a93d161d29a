//! A process that cannot be mistaken for another, even when its pid is used again.

use chaos_core::{FaultError, ProcessId};
use procfs::{
    ProcError,
    process::{Process as Proc, Stat},
};
use rustix::{
    io::Errno,
    process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal},
};
use std::{
    os::fd::OwnedFd,
    time::{Duration, Instant},
};

/// What a process does, as far as being stopped goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// It has ended; another may have its pid.
    Gone,
    /// It runs, or waits for something.
    Running,
    /// It is told to stop and will, as soon as it comes back from the kernel.
    Stopping,
    /// It is stopped.
    Stopped,
    /// A debugger holds it.
    Traced,
}

/// A process, held by its pidfd: a signal through it reaches this process or nobody.
#[derive(Debug)]
pub(super) struct Handle {
    id: ProcessId,
    fd: OwnedFd,
}

impl Handle {
    /// The process, or nothing when it has ended.
    pub(super) fn open(id: &ProcessId) -> Result<Option<Self>, FaultError> {
        let failed = |e: Errno| FaultError::host(format!("open {id}"), e);
        let Some(pid) = i32::try_from(id.pid).ok().and_then(Pid::from_raw) else {
            return Ok(None);
        };
        let fd = match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(fd) => fd,
            Err(Errno::SRCH) => return Ok(None),
            Err(e) => return Err(failed(e)),
        };
        // In this order: whoever started when the record says had the pid when it was opened.
        let alive = id.is_alive();
        let alive = alive.map_err(|e| FaultError::host(format!("look at {id}"), e))?;
        Ok(alive.then(|| Self { id: id.clone(), fd }))
    }

    /// Sends a signal. Says whether the process was still there.
    pub(super) fn signal(&self, signal: Signal) -> Result<bool, FaultError> {
        match pidfd_send_signal(&self.fd, signal) {
            Ok(()) => Ok(true),
            Err(Errno::SRCH) => Ok(false),
            Err(e) => Err(FaultError::host(format!("signal {}", self.id), e)),
        }
    }

    /// Waits until the process is in a state that is `wanted`, and returns the last one seen.
    pub(super) async fn wait_for(
        &self,
        wanted: impl Fn(State) -> bool,
        limit: Duration,
    ) -> Result<State, FaultError> {
        let start = Instant::now();
        let mut pause = Duration::from_micros(500);
        loop {
            let state = state(&self.id)?;
            if wanted(state) || start.elapsed() >= limit {
                return Ok(state);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(10));
        }
    }
}

/// What the process does now.
pub(super) fn state(id: &ProcessId) -> Result<State, FaultError> {
    let Some((process, stat)) = stat(id)? else {
        return Ok(State::Gone);
    };
    Ok(match stat.state {
        'Z' | 'X' | 'x' => State::Gone,
        'T' => State::Stopped,
        't' => State::Traced,
        _ => match process.status() {
            Ok(status) if pending(status.sigpnd | status.shdpnd) => State::Stopping,
            Ok(_) => State::Running,
            Err(ProcError::NotFound(_)) => State::Gone,
            Err(e) => return Err(FaultError::host(format!("look at {id}"), e)),
        },
    })
}

/// The process and its `/proc/PID/stat`, or nothing when it has ended.
pub(super) fn stat(id: &ProcessId) -> Result<Option<(Proc, Stat)>, FaultError> {
    let failed = |e: ProcError| FaultError::host(format!("look at {id}"), e);
    let boot = chaos_core::boot_id().map_err(|e| FaultError::host("read the boot id", e))?;
    let Ok(pid) = i32::try_from(id.pid) else {
        return Ok(None);
    };
    if boot != id.boot {
        return Ok(None);
    }
    match Proc::new(pid).and_then(|process| Ok((process.stat()?, process))) {
        Ok((stat, process)) if stat.starttime == id.started => Ok(Some((process, stat))),
        Ok(_) | Err(ProcError::NotFound(_)) => Ok(None),
        Err(e) => Err(failed(e)),
    }
}

/// Whether a set of signals, as in `/proc/PID/status`, holds SIGSTOP.
fn pending(signals: u64) -> bool {
    signals >> (Signal::STOP.as_raw() - 1) & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pending_stop_is_read_from_the_mask() {
        assert!(pending(0x4_0000));
        assert!(!pending(0x8_0000 | 0x2_0000));
    }
}
