//! Waking at a time, more exactly than a runtime's own timers, whose grain is a millisecond.

#[cfg(target_os = "linux")]
mod timerfd;
#[cfg(target_os = "linux")]
pub(crate) use timerfd::{Timer, start};

#[cfg(not(target_os = "linux"))]
mod portable;
#[cfg(not(target_os = "linux"))]
pub(crate) use portable::{Timer, start};
