//! The file that names a network namespace.

use crate::{
    netlink::{Family, Netlink},
    nft::Nft,
};
use chaos_core::FaultError;
use nix::{
    errno::Errno,
    fcntl::{OFlag, open},
    sched::{CloneFlags, setns},
    sys::{
        stat::{Mode, fstat},
        statfs::{NSFS_MAGIC, fstatfs},
    },
};
use std::{
    fs::File,
    os::fd::AsRawFd,
    path::{Path, PathBuf},
};

/// The file that names a network namespace, open, so that the namespace stays as long as this does.
#[derive(Debug)]
pub(crate) struct NetnsFile {
    path: PathBuf,
    file: File,
}

/// What is found under a path.
#[derive(Debug)]
pub(crate) enum Opened {
    /// A namespace.
    Namespace(NetnsFile),
    /// Nothing.
    Missing,
    /// Something else. It was only looked at.
    Other,
}

impl NetnsFile {
    /// Opens what is under a path, if it is a namespace. The path may come from a forged record, so nothing else
    /// is opened for more than to look what it is.
    pub(crate) fn open(path: &Path) -> Result<Opened, FaultError> {
        let problem = |e: Errno| FaultError::host(format!("look at {}", path.display()), e);
        let look = OFlag::O_PATH | OFlag::O_CLOEXEC;
        let seen = match open(path, look, Mode::empty()) {
            Ok(seen) => seen,
            // ESRCH: the process ended meanwhile.
            Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ESRCH) => return Ok(Opened::Missing),
            Err(e) => return Err(problem(e)),
        };
        if fstatfs(&seen).map_err(problem)?.filesystem_type() != NSFS_MAGIC {
            return Ok(Opened::Other);
        }
        let same = format!("/proc/self/fd/{}", seen.as_raw_fd());
        let file = File::open(same)
            .map_err(|e| FaultError::host(format!("open {}", path.display()), e))?;
        let path = path.to_owned();
        Ok(Opened::Namespace(Self { path, file }))
    }

    /// The inode, which no other namespace has while this one lives. Later another one may.
    pub(crate) fn inode(&self) -> Result<u64, FaultError> {
        let problem = |e| FaultError::host(format!("look at {}", self.path.display()), e);
        Ok(fstat(&self.file).map_err(problem)?.st_ino)
    }

    /// Moves the calling thread into the namespace, for good, and opens a socket there. Call it on a throw-away
    /// thread.
    pub(crate) fn enter(&self) -> Result<Inside, FaultError> {
        let path = self.path.display();
        setns(&self.file, CloneFlags::CLONE_NEWNET)
            .map_err(|e| FaultError::host(format!("enter the network namespace {path}"), e))?;
        let route = Netlink::open(Family::Route)
            .map_err(|e| FaultError::host(format!("reach the networks of {path}"), e))?;
        Ok(Inside { route })
    }
}

/// A network namespace that the calling thread is in.
#[derive(Debug)]
pub(crate) struct Inside {
    /// Its interfaces and queues.
    pub(crate) route: Netlink,
}

impl Inside {
    /// Its packet filters.
    pub(crate) fn nft(&self) -> Result<Nft, FaultError> {
        Nft::open().map_err(|e| FaultError::host("reach nftables", e))
    }
}
