//! One resource, one injection, across processes.

use super::{StateDir, io_error, still_names};
use crate::{UndoLogError, seed::Fnv64};
use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{Read, Write},
    path::{Path, PathBuf},
};

/// The right to change one resource. Ends with this value, or with this process.
#[derive(Debug)]
pub(crate) struct Claim {
    path: PathBuf,
    resource: String,
    _lock: File,
}

impl Claim {
    /// Takes the resource, or says who has it.
    pub(crate) fn take(
        dir: &StateDir,
        resource: &str,
        owner: &str,
    ) -> Result<Result<Self, String>, UndoLogError> {
        dir.create()?;
        let mut hash = Fnv64::new();
        hash.write(resource.as_bytes());
        let path = dir.claims().join(format!("{:016x}", hash.finish()));
        loop {
            let mut file = open(&path).map_err(io_error("open", &path))?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    let mut holder = String::new();
                    file.read_to_string(&mut holder).ok();
                    let holder = holder.lines().next().unwrap_or_default();
                    return Ok(Err(format!("injection {holder}")));
                }
                Err(TryLockError::Error(e)) => return Err(io_error("lock", &path)(e)),
            }
            if !still_names(&path, &file) {
                continue;
            }
            // Only for people to read; the lock is what counts.
            file.set_len(0)
                .and_then(|()| writeln!(file, "{owner}\n{resource}"))
                .ok();
            return Ok(Ok(Self {
                path,
                resource: resource.to_owned(),
                _lock: file,
            }));
        }
    }

    /// What is claimed.
    pub(crate) fn resource(&self) -> &str {
        &self.resource
    }

    /// Removes what dead holders have left.
    pub(crate) fn sweep(dir: &StateDir) {
        let Ok(claims) = fs::read_dir(dir.claims()) else {
            return;
        };
        for path in claims.flatten().map(|claim| claim.path()) {
            if let Ok(file) = OpenOptions::new().read(true).write(true).open(&path)
                && file.try_lock().is_ok()
                && still_names(&path, &file)
            {
                fs::remove_file(&path).ok();
            }
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // Still locked here, so nobody else can be holding it.
        fs::remove_file(&self.path).ok();
    }
}

fn open(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options
            .mode(0o600)
            .custom_flags(nix::fcntl::OFlag::O_NOFOLLOW.bits());
    }
    options.open(path)
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// A claim that is given back removes its file, perhaps between another one's open and lock.
    #[test]
    fn a_resource_never_has_two_holders() {
        let home = tempfile::tempdir().unwrap();
        let dir = StateDir::new(Some(home.path().join("state"))).unwrap();
        let (holders, taken) = (AtomicU32::new(0), AtomicU32::new(0));
        std::thread::scope(|scope| {
            for owner in ["a", "b", "c", "d"] {
                scope.spawn(|| {
                    for _ in 0..500 {
                        if let Ok(claim) = Claim::take(&dir, "the one thing", owner).unwrap() {
                            assert_eq!(
                                holders.fetch_add(1, Ordering::SeqCst),
                                0,
                                "two hold it at once"
                            );
                            taken.fetch_add(1, Ordering::SeqCst);
                            for _ in 0..20 {
                                std::thread::yield_now();
                            }
                            holders.fetch_sub(1, Ordering::SeqCst);
                            drop(claim);
                        }
                    }
                });
            }
        });
        assert!(taken.load(Ordering::SeqCst) > 20, "{taken:?}");
        assert_eq!(fs::read_dir(dir.claims()).unwrap().count(), 0);
    }
}
