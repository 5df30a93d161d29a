//! A directory that is told from another one in its place.

use chaos_core::{FaultError, Reach, Site, boot_id};
use rustix::{
    fs::{Access, AtFlags, CWD, Mode, OFlags, accessat, fstat, major, minor, open},
    io::Errno,
};
use serde::{Deserialize, Serialize};
use std::{
    fs,
    io::ErrorKind,
    os::{fd::OwnedFd, unix::fs::MetadataExt},
    path::{Path, PathBuf},
};

/// A directory, by path and identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    pub(super) path: PathBuf,
    inode: u64,
    /// Counts only during one boot: many file systems get another number at the next.
    device: u64,
    boot: String,
}

/// What is at the path of a directory now.
#[derive(Debug)]
pub(super) enum Opened {
    Dir(OwnedFd),
    Missing,
    Another,
}

impl Place {
    /// The directory at this path, which must be there and writable.
    pub(super) fn of(path: &Path) -> Result<Self, FaultError> {
        let name = path.display();
        let path = fs::canonicalize(path).map_err(|e| match e.kind() {
            ErrorKind::NotFound => FaultError::no_target(name.to_string(), "no such directory"),
            _ => FaultError::host(format!("look at {name}"), e),
        })?;
        let found = fs::metadata(&path);
        let found = found.map_err(|e| FaultError::host(format!("look at {name}"), e))?;
        if !found.is_dir() {
            return Err(FaultError::unsupported(
                name.to_string(),
                "it is not a directory",
            ));
        }
        let wanted = Access::WRITE_OK | Access::EXEC_OK;
        accessat(CWD, &path, wanted, AtFlags::EACCESS).map_err(|e| {
            FaultError::unsupported(name.to_string(), format!("it cannot be written: {e}"))
        })?;
        Ok(Self {
            inode: found.ino(),
            device: found.dev(),
            boot: boot_id().map_err(|e| FaultError::host("read the boot id", e))?,
            path,
        })
    }

    /// Opens the directory, if it is still the same.
    pub(super) fn open(&self) -> Result<Opened, FaultError> {
        let failed = |e: Errno| FaultError::host(format!("open {}", self.path.display()), e);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let dir = match open(&self.path, flags, Mode::empty()) {
            Ok(dir) => dir,
            Err(Errno::NOENT) => return Ok(Opened::Missing),
            // A link is refused as either of these.
            Err(Errno::LOOP | Errno::NOTDIR) => return Ok(Opened::Another),
            Err(e) => return Err(failed(e)),
        };
        let found = fstat(&dir).map_err(failed)?;
        let boot = boot_id().map_err(|e| FaultError::host("read the boot id", e))?;
        let same = found.st_ino == self.inode && (boot != self.boot || found.st_dev == self.device);
        Ok(if same {
            Opened::Dir(dir)
        } else {
            Opened::Another
        })
    }

    /// What is claimed: two faults that fill one file system exclude each other.
    pub(super) fn filesystem(&self) -> String {
        format!("filesystem {}:{}", major(self.device), minor(self.device))
    }

    /// Everything here feels the root file system; another one is felt by those who use it.
    pub(super) fn reach(&self) -> Reach {
        match fs::metadata("/") {
            Ok(root) if root.dev() != self.device => Reach::Namespace,
            _ => Reach::Host,
        }
    }
}

/// Sees that the sites know the same file systems as this process.
pub(super) fn check_mounts(sites: &[Site]) -> Result<(), FaultError> {
    let of = |pid: &str| {
        let path = format!("/proc/{pid}/ns/mnt");
        fs::read_link(&path).map_err(|e| FaultError::host(format!("read {path}"), e))
    };
    for site in sites {
        if let Some(id) = site.pid()
            && of(&id.pid.to_string())? != of("self")?
        {
            return Err(FaultError::unsupported(
                site.to_string(),
                "it has file systems of its own; name the directory as this process sees it, on the host",
            ));
        }
    }
    Ok(())
}
