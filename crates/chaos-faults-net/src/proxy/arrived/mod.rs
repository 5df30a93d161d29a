//! When data came. A thread that has to be woken for it is late, and a delay counts from when it came.

use std::time::{Duration, Instant};

#[cfg(target_os = "linux")]
mod noted;
#[cfg(target_os = "linux")]
pub(crate) use noted::{note, try_read};

#[cfg(not(target_os = "linux"))]
mod unnoted;
#[cfg(not(target_os = "linux"))]
pub(crate) use unnoted::{note, try_read};

/// What was read at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Read {
    /// How many bytes.
    pub(crate) bytes: usize,
    /// When the last of them came.
    pub(crate) at: Instant,
}

impl Read {
    /// No thread is later than that: whatever says so is a wall clock that was set.
    #[cfg_attr(
        not(target_os = "linux"),
        expect(dead_code, reason = "nothing is noted there")
    )]
    const LATEST: Duration = Duration::from_millis(100);

    /// What came just now.
    pub(crate) fn now(bytes: usize) -> Self {
        Self {
            bytes,
            at: Instant::now(),
        }
    }
}
