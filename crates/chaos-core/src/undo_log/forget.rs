//! Giving up on a log that nobody can recover: a damaged one, one of another version, one whose undo fails.

use super::{Entry, StateDir, io_error, scan::parse, still_names, sync_dir};
use crate::UndoLogError;
use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::Read,
    path::{Path, PathBuf},
};

/// A log that was given up.
#[derive(Debug)]
#[non_exhaustive]
pub struct Forgotten {
    /// Where it is kept, for people to read.
    pub path: PathBuf,
    /// The changes that may still be on the host, as far as they could be read.
    pub left: Vec<String>,
}

/// Moves the log of a dead owner out of the way.
pub(crate) fn forget(dir: &StateDir, injection: &str) -> Result<Forgotten, UndoLogError> {
    let injection = injection.strip_suffix(".jsonl").unwrap_or(injection);
    let unknown = || UndoLogError::Unknown {
        injection: injection.to_owned(),
        known: names(dir.path()),
    };
    let plain = !injection.starts_with('.') && !injection.contains(['/', '\\']);
    if !plain || !dir.check()? {
        return Err(unknown());
    }
    let name = format!("{injection}.jsonl");
    let path = dir.path().join(&name);
    let found = match fs::symlink_metadata(&path) {
        Ok(found) => found,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Err(unknown()),
        Err(e) => return Err(io_error("look at", &path)(e)),
    };
    // What is not a file, such as a link, was never read; it is moved, and not followed.
    let mut left = Vec::new();
    let mut held = None;
    if found.is_file() {
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .open(&path)
            .map_err(io_error("open", &path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(UndoLogError::Alive { path }),
            Err(TryLockError::Error(e)) => return Err(io_error("lock", &path)(e)),
        }
        if !still_names(&path, &file) {
            return Err(unknown());
        }
        left = changes(&path, &mut file);
        held = Some(file);
    }
    let kept = dir.forgotten();
    private_dir(&kept)?;
    let to = kept.join(&name);
    fs::rename(&path, &to).map_err(io_error("move", &path))?;
    for dir in [dir.path(), &kept] {
        sync_dir(dir).map_err(io_error("sync", dir))?;
    }
    drop(held);
    Ok(Forgotten { path: to, left })
}

/// What is left by a log, as far as it can be read.
fn changes(path: &Path, file: &mut File) -> Vec<String> {
    let mut text = Vec::new();
    let read = file.take(super::scan::MAX_LOG_BYTES).read_to_end(&mut text);
    match read.map(|_| parse(path, &text)) {
        Ok(Ok(parsed)) => Entry::outstanding(&parsed.entries)
            .into_iter()
            .map(|left| left.change.summary)
            .collect(),
        _ => Vec::new(),
    }
}

fn names(dir: &Path) -> Vec<String> {
    let items = fs::read_dir(dir).into_iter().flatten().flatten();
    let names = items.filter_map(|item| item.file_name().into_string().ok());
    let mut names: Vec<String> = names
        .filter(|name| !name.starts_with('.'))
        .filter_map(|name| name.strip_suffix(".jsonl").map(str::to_owned))
        .collect();
    names.sort();
    names
}

fn private_dir(path: &Path) -> Result<(), UndoLogError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(io_error("create", path))
}
