//! How much room a file system has.

use chaos_core::FaultError;
use rustix::{
    fs::{StatVfs, fstatvfs},
    io::Errno,
};
use std::os::fd::AsFd;

/// The room of a file system, in bytes, as `df` shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Space {
    pub(super) total: u64,
    /// What is free for users without privilege.
    pub(super) free: u64,
}

impl Space {
    /// The room where this file or directory is.
    pub(super) fn of(file: impl AsFd) -> Result<Self, FaultError> {
        let stat = fstatvfs(file);
        stat.map(Self::from)
            .map_err(|e: Errno| FaultError::host("read how much room the file system has", e))
    }
}

impl From<StatVfs> for Space {
    fn from(stat: StatVfs) -> Self {
        Self {
            total: stat.f_blocks.saturating_mul(stat.f_frsize),
            free: stat.f_bavail.saturating_mul(stat.f_frsize),
        }
    }
}

/// Bytes for people.
pub(super) fn mib(bytes: u64) -> String {
    if bytes < 10 << 20 {
        format!("{} KiB", bytes >> 10)
    } else {
        format!("{} MiB", bytes >> 20)
    }
}
