//! The undo log: the inverse of every change, on disk before the change is made.
//!
//! One file per injection, one JSON value per line, in a directory that belongs to the effective user alone.
//! The owner holds a lock on its file, which the kernel frees when the owner dies: a log without a lock is an
//! orphan, and whoever finds it may undo what it says.

mod claim;
mod dir;
mod entry;
mod forget;
mod log;
mod scan;

pub(crate) use claim::Claim;
pub(crate) use dir::StateDir;
pub(crate) use entry::{Entry, FORMAT, Header, Outstanding};
pub use forget::Forgotten;
pub(crate) use forget::forget;
pub(crate) use log::Log;
pub(crate) use scan::{Found, Scan};

use crate::UndoLogError;
use std::path::Path;

fn io_error(operation: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> UndoLogError {
    let path = path.to_owned();
    move |source| UndoLogError::Io {
        operation,
        path,
        source,
    }
}

/// Whether `path` still names the file that is open: its holder may have removed it before the lock was had.
fn still_names(path: &Path, file: &std::fs::File) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        match (std::fs::symlink_metadata(path), file.metadata()) {
            (Ok(a), Ok(b)) => (a.dev(), a.ino()) == (b.dev(), b.ino()),
            _ => false,
        }
    }
    #[cfg(not(unix))]
    {
        path.exists() && file.metadata().is_ok()
    }
}

/// Makes the names in a directory durable.
fn sync_dir(dir: &Path) -> std::io::Result<()> {
    if cfg!(unix) {
        std::fs::File::open(dir)?.sync_all()
    } else {
        Ok(())
    }
}

#[cfg(all(test, unix, feature = "testing"))]
mod tests {
    use super::*;
    use std::fs::{self, File};

    /// What was locked may have lost its name meanwhile, or the name may be somebody else's.
    #[test]
    fn a_lock_counts_only_while_its_file_has_the_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let ours = File::create_new(&path).unwrap();
        assert!(still_names(&path, &ours));
        fs::remove_file(&path).unwrap();
        assert!(!still_names(&path, &ours), "it has no name any more");
        let theirs = File::create_new(&path).unwrap();
        assert!(!still_names(&path, &ours), "the name is somebody else's");
        assert!(still_names(&path, &theirs));
    }
}
