//! Waking up at a time.

#[cfg(target_os = "linux")]
mod timerfd;
#[cfg(target_os = "linux")]
pub(super) use timerfd::Alarm;

#[cfg(not(target_os = "linux"))]
mod sleep;
#[cfg(not(target_os = "linux"))]
pub(super) use sleep::Alarm;
