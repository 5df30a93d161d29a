//! One log, owned by this process.

use super::{Entry, Header, StateDir, io_error, sync_dir};
use crate::UndoLogError;
use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
};

/// One open log. Its lock lives as long as this value, or as this process.
#[derive(Debug)]
pub(crate) struct Log {
    path: PathBuf,
    file: File,
    /// How long the file is by our own writing: more means that a watchdog has written.
    length: u64,
}

impl Log {
    /// Creates a log with its first entry on disk.
    ///
    /// It is made and locked under a temporary name and then renamed, so that a scanner never sees it
    /// without a lock or without its first entry.
    pub(crate) fn create(dir: &StateDir, header: Header) -> Result<Self, UndoLogError> {
        dir.create()?;
        let path = dir.path().join(format!("{}.jsonl", header.injection));
        let unborn = dir.path().join(format!(".{}.new", header.injection));
        let mut options = OpenOptions::new();
        options.read(true).append(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&unborn).map_err(io_error("create", &unborn))?;
        let mut log = Self {
            path: unborn.clone(),
            file,
            length: 0,
        };
        let born = log
            .file
            .lock()
            .map_err(io_error("lock", &unborn))
            .and_then(|()| {
                log.append(&Entry::Opened(header))?;
                fs::rename(&unborn, &path).map_err(io_error("rename", &unborn))?;
                log.path.clone_from(&path);
                sync_dir(dir.path()).map_err(io_error("sync", dir.path()))
            });
        match born {
            Ok(()) => Ok(log),
            Err(error) => {
                // It holds no intent, so it is no loss.
                fs::remove_file(&log.path).ok();
                Err(error)
            }
        }
    }

    /// A log that was found and locked by a scan, to go on in.
    pub(crate) fn adopt(path: PathBuf, file: File, length: u64) -> Self {
        Self { path, file, length }
    }

    /// Cuts off a torn last line, which would swallow the next entry.
    pub(crate) fn cut_to(&mut self, whole: u64) {
        if whole < self.length && self.file.set_len(whole).is_ok() {
            self.length = whole;
        }
    }

    /// Writes an entry and waits until it is on disk.
    pub(crate) fn append(&mut self, entry: &Entry) -> Result<(), UndoLogError> {
        self.note(entry)?;
        self.file.sync_data().map_err(io_error("sync", &self.path))
    }

    /// Writes an entry that no promise hangs on.
    pub(crate) fn note(&mut self, entry: &Entry) -> Result<(), UndoLogError> {
        self.check_owned()?;
        let mut line =
            serde_json::to_vec(entry).map_err(|e| io_error("write", &self.path)(e.into()))?;
        line.push(b'\n');
        if let Err(error) = self.file.write_all(&line) {
            // A torn line would swallow the next one.
            self.file.set_len(self.length).ok();
            return Err(io_error("write", &self.path)(error));
        }
        self.length += line.len() as u64;
        Ok(())
    }

    /// Says whether a watchdog has taken over.
    pub(crate) fn check_owned(&self) -> Result<(), UndoLogError> {
        let found = self
            .file
            .metadata()
            .map_err(io_error("look at", &self.path))?;
        #[cfg(unix)]
        if std::os::unix::fs::MetadataExt::nlink(&found) == 0 {
            let gone = std::io::Error::new(std::io::ErrorKind::NotFound, "somebody has removed it");
            return Err(io_error("find", &self.path)(gone));
        }
        let length = found.len();
        if length == self.length {
            Ok(())
        } else {
            Err(UndoLogError::TakenOver {
                path: self.path.clone(),
            })
        }
    }

    /// Forgets the log: everything in it is undone.
    pub(crate) fn close(self) -> Result<(), UndoLogError> {
        match fs::remove_file(&self.path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                Err(io_error("remove", &self.path)(e))
            }
            _ => {
                let dir = self.path.parent().unwrap_or(Path::new("/"));
                sync_dir(dir).map_err(io_error("sync", dir))
            }
        }
    }
}
