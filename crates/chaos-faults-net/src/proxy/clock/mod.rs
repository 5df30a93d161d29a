//! Waking at a time, more exactly than a runtime's own timers, whose grain is a millisecond.

use std::{
    future::poll_fn,
    time::{Duration, Instant},
};

#[cfg(target_os = "linux")]
mod timerfd;
#[cfg(target_os = "linux")]
pub(crate) use timerfd::{IS_OWN, Timer, start};

#[cfg(not(target_os = "linux"))]
mod portable;
#[cfg(not(target_os = "linux"))]
pub(crate) use portable::{IS_OWN, Timer, start};

/// Waits on a worker, which may have no other timers.
pub(crate) async fn pause(time: Duration) {
    let (mut timer, until) = (Timer::default(), Instant::now() + time);
    poll_fn(|cx| timer.poll(cx, until)).await;
}
