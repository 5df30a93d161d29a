//! Finding logs: whose owner is gone, and what they hold.

use super::{Claim, Entry, FORMAT, Header, Log, StateDir, io_error, still_names};
use crate::{InjectionId, UndoLogError};
use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::Read,
    path::{Path, PathBuf},
};

/// Larger logs are not read: we write a few hundred bytes per change.
pub(super) const MAX_LOG_BYTES: u64 = 64 << 20;

/// What is in a log file.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) path: PathBuf,
    pub(crate) header: Header,
    pub(crate) entries: Vec<Entry>,
    /// Lines that could not be read; what can be read is undone all the same.
    pub(crate) damage: Vec<UndoLogError>,
    /// How long the log is without a torn last line.
    pub(crate) whole: u64,
    /// The locked log, when its owner is gone.
    pub(crate) orphan: Option<Log>,
}

/// All logs of a directory.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    /// Newest first.
    pub(crate) found: Vec<Found>,
    /// Files that cannot be read or trusted at all. They are left where they are.
    pub(crate) unreadable: Vec<UndoLogError>,
}

impl Scan {
    /// Reads all logs, and locks those whose owner is gone.
    pub(crate) fn orphans(dir: &StateDir) -> Result<Self, UndoLogError> {
        let scan = Self::read(dir, true)?;
        Claim::sweep(dir);
        Ok(scan)
    }

    /// The same for the logs of one owner; the others are neither locked nor swept.
    pub(crate) fn orphans_of(dir: &StateDir, owner: u32) -> Result<Self, UndoLogError> {
        let mut scan = Self::look(dir)?;
        let of_owner = |found: &Found| found.header.pid == owner;
        let paths: Vec<PathBuf> = scan
            .found
            .drain(..)
            .filter(of_owner)
            .map(|found| found.path)
            .collect();
        for path in paths {
            match read_log(&path, true) {
                Ok(Some(found)) => scan.found.push(found),
                Ok(None) => {}
                Err(error) => scan.unreadable.push(error),
            }
        }
        Ok(scan)
    }

    /// Reads all logs and locks none.
    pub(crate) fn look(dir: &StateDir) -> Result<Self, UndoLogError> {
        Self::read(dir, false)
    }

    fn read(dir: &StateDir, lock: bool) -> Result<Self, UndoLogError> {
        let mut scan = Self::default();
        if !dir.check()? {
            return Ok(scan);
        }
        for item in fs::read_dir(dir.path()).map_err(io_error("read", dir.path()))? {
            let path = item.map_err(io_error("read", dir.path()))?.path();
            let name = path
                .file_name()
                .and_then(|n| n.to_str())
                .unwrap_or_default();
            if lock && name.starts_with('.') && name.ends_with(".new") {
                remove_unborn(&path);
            }
            if name.starts_with('.') || !name.ends_with(".jsonl") {
                continue;
            }
            match read_log(&path, lock) {
                Ok(Some(found)) => scan.found.push(found),
                Ok(None) => {}
                Err(error) => scan.unreadable.push(error),
            }
        }
        // Names begin with the time of creation.
        scan.found.sort_by(|a, b| b.path.cmp(&a.path));
        Ok(scan)
    }

    /// Which other injection has outstanding changes of a resource.
    pub(crate) fn holder(&self, resource: &str, me: &InjectionId) -> Option<&InjectionId> {
        let mut others = self
            .found
            .iter()
            .filter(|found| found.header.injection != *me);
        let holds = |found: &&Found| {
            Entry::outstanding(&found.entries)
                .iter()
                .any(|o| o.change.resource == resource)
        };
        others.find(holds).map(|found| &found.header.injection)
    }
}

/// Removes a log whose owner died before it was renamed: it holds no intent.
fn remove_unborn(path: &Path) {
    if let Ok(file) = open(path)
        && file.try_lock().is_ok()
        && still_names(path, &file)
    {
        fs::remove_file(path).ok();
    }
}

/// `None` when the log vanished while it was looked at: its owner has closed it.
fn read_log(path: &Path, lock: bool) -> Result<Option<Found>, UndoLogError> {
    let mut file = match open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(_) if is_link(path) => {
            return Err(UndoLogError::Untrusted {
                path: path.to_owned(),
                why: "it is a symbolic link; a file is expected".into(),
            });
        }
        Err(e) => return Err(io_error("open", path)(e)),
    };
    trust(path, &file)?;
    let locked = match lock.then(|| file.try_lock()) {
        None | Some(Err(TryLockError::WouldBlock)) => false,
        Some(Ok(())) => true,
        Some(Err(TryLockError::Error(e))) => return Err(io_error("lock", path)(e)),
    };
    if !still_names(path, &file) {
        return Ok(None);
    }
    let mut text = Vec::new();
    file.read_to_end(&mut text)
        .map_err(io_error("read", path))?;
    let length = text.len() as u64;
    let parsed = parse(path, &text)?;
    let orphan = locked.then(|| Log::adopt(path.to_owned(), file, length));
    Ok(Some(Found {
        path: path.to_owned(),
        header: parsed.header,
        entries: parsed.entries,
        damage: parsed.damage,
        whole: parsed.whole,
        orphan,
    }))
}

/// What stands in a log.
pub(super) struct Parsed {
    pub(super) header: Header,
    pub(super) entries: Vec<Entry>,
    pub(super) damage: Vec<UndoLogError>,
    pub(super) whole: u64,
}

/// The header, the entries, and the lines that are neither.
pub(super) fn parse(path: &Path, text: &[u8]) -> Result<Parsed, UndoLogError> {
    let malformed = |line: usize, why: String| UndoLogError::Malformed {
        path: path.to_owned(),
        line,
        why,
    };
    // A torn last line was never acted on: an intent is acted on only after it is on disk.
    let end = text
        .iter()
        .rposition(|b| *b == b'\n')
        .map_or(0, |at| at + 1);
    let mut lines = text[..end].split_inclusive(|b| *b == b'\n').enumerate();
    let header = match lines.next().map(|(_, line)| serde_json::from_slice(line)) {
        Some(Ok(Entry::Opened(header))) => header,
        Some(Ok(_)) => return Err(malformed(1, "the first entry is not `opened`".into())),
        Some(Err(e)) => return Err(malformed(1, e.to_string())),
        None => return Err(malformed(1, "it has no entry".into())),
    };
    if header.format > FORMAT {
        let why = format!(
            "it has format {}, this version reads up to {FORMAT}; recover with the version that wrote it",
            header.format
        );
        return Err(malformed(1, why));
    }
    let (mut entries, mut damage) = (Vec::new(), Vec::new());
    for (i, line) in lines {
        match serde_json::from_slice(line) {
            Ok(entry) => entries.push(entry),
            Err(e) => damage.push(malformed(i + 1, e.to_string())),
        }
    }
    Ok(Parsed {
        header,
        entries,
        damage,
        whole: end as u64,
    })
}

fn open(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).append(true);
    #[cfg(unix)]
    {
        use nix::fcntl::OFlag;
        use std::os::unix::fs::OpenOptionsExt;
        // Neither a link to somewhere else nor a pipe that would block.
        options.custom_flags((OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits());
    }
    options.open(path)
}

/// Whether it was not opened because it is a link to somewhere else.
fn is_link(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_symlink())
}

fn trust(path: &Path, file: &File) -> Result<(), UndoLogError> {
    let found = file.metadata().map_err(io_error("look at", path))?;
    let untrusted = |why: String| UndoLogError::Untrusted {
        path: path.to_owned(),
        why,
    };
    if !found.is_file() {
        return Err(untrusted("it is not a file".into()));
    }
    if found.len() > MAX_LOG_BYTES {
        let bytes = found.len();
        return Err(untrusted(format!(
            "it has {bytes} bytes; a log has at most {MAX_LOG_BYTES}"
        )));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let me = nix::unistd::Uid::effective().as_raw();
        if found.uid() != me {
            return Err(untrusted(format!(
                "it belongs to user {}, not to user {me}",
                found.uid()
            )));
        }
        if found.mode() & 0o022 != 0 {
            let mode = found.mode() & 0o777;
            return Err(untrusted(format!(
                "its mode is {mode:o}, so others can write into it"
            )));
        }
        if found.nlink() != 1 {
            // Vanished while we looked, or linked from elsewhere.
            return if found.nlink() == 0 {
                Ok(())
            } else {
                Err(untrusted("it has more than one name".into()))
            };
        }
    }
    Ok(())
}
