//! Finding a network namespace again.

use super::{Inside, NetnsFile, Opened};
use chaos_core::FaultError;
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    path::{Path, PathBuf},
};

/// A network namespace by what it is, not by where it was found: paths, pids and inodes are used again at
/// once, cookies never in one boot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NetnsId {
    /// Where it was.
    path: PathBuf,
    /// Its inode, which tells where it may be now.
    inode: u64,
    /// Its cookie, which tells whether it is.
    cookie: u64,
}

impl NetnsId {
    /// Identifies the namespace under a path. Moves the calling thread into it.
    pub(crate) fn of(path: &Path) -> Result<Self, FaultError> {
        let what = || format!("network namespace {}", path.display());
        let file = match NetnsFile::open(path)? {
            Opened::Namespace(file) => file,
            Opened::Missing => return Err(FaultError::no_target(what(), "there is no such file")),
            Opened::Other => {
                return Err(FaultError::no_target(what(), "the file is not a namespace"));
            }
        };
        Ok(Self {
            path: path.to_owned(),
            inode: file.inode()?,
            cookie: cookie(&file.enter()?)?,
        })
    }

    /// Enters the namespace, if it still is anywhere: where it was, or where a process or a name has it. Moves the
    /// calling thread.
    pub(crate) fn enter(&self) -> Result<Option<Inside>, FaultError> {
        if let Some(inside) = self.enter_at(&self.path)? {
            return Ok(Some(inside));
        }
        for path in elsewhere() {
            // What cannot be looked at here is no namespace that we were in.
            let Ok(Opened::Namespace(file)) = NetnsFile::open(&path) else {
                continue;
            };
            if file.inode()? == self.inode
                && let Some(inside) = self.enter_at(&path)?
            {
                return Ok(Some(inside));
            }
        }
        Ok(None)
    }

    fn enter_at(&self, path: &Path) -> Result<Option<Inside>, FaultError> {
        let Opened::Namespace(file) = NetnsFile::open(path)? else {
            return Ok(None);
        };
        let inside = file.enter()?;
        Ok((cookie(&inside)? == self.cookie).then_some(inside))
    }

    /// Whether they are one, however they were found.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.cookie == other.cookie
    }

    /// Whether it is the namespace of this machine: this process's own, or that of the first process.
    pub(crate) fn is_host(&self) -> Result<bool, FaultError> {
        let here = NetnsFile::open(Path::new("/proc/self/ns/net"))?;
        // Without the right to look at it we have to do without.
        let first = NetnsFile::open(Path::new("/proc/1/ns/net"));
        for opened in [Some(here), first.ok()].into_iter().flatten() {
            if let Opened::Namespace(file) = opened
                && file.inode()? == self.inode
            {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl fmt::Display for NetnsId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "netns {} (cookie {})", self.path.display(), self.cookie)
    }
}

impl NetnsId {
    /// A name that is the same however the namespace was found.
    pub(crate) fn resource(&self) -> String {
        format!("netns cookie {}", self.cookie)
    }
}

fn cookie(inside: &Inside) -> Result<u64, FaultError> {
    inside
        .route
        .cookie()
        .map_err(|e| FaultError::host("ask for the namespace's cookie (Linux 5.14)", e))
}

/// The places where a namespace may be: every process, and every name of `ip netns`.
fn elsewhere() -> impl Iterator<Item = PathBuf> {
    let items = |dir: &str| std::fs::read_dir(dir).into_iter().flatten().flatten();
    let is_pid = |name: &std::ffi::OsStr| name.as_encoded_bytes().iter().all(u8::is_ascii_digit);
    let processes = items("/proc").filter(move |item| is_pid(&item.file_name()));
    let processes = processes.map(|item| item.path().join("ns/net"));
    processes.chain(items("/run/netns").map(|item| item.path()))
}
