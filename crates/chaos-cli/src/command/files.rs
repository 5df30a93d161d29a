//! The files that a run writes: each its own, and nothing of an earlier run in them.

use super::{USAGE, complain};
use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// Refuses what cannot be written, what is written twice, and what would take the place of the scenario file; then takes
/// away what an earlier run has written there: whatever becomes of this one, nobody takes the old report for its.
pub(super) fn make_way(wanted: &[(&str, &Path)], scenario_file: &Path) -> Result<(), u8> {
    let refuse = |option: &str, path: &Path, why: &str| {
        complain(&format!("error: {option} {}: {why}", path.display()));
        Err(USAGE)
    };
    for (n, (option, path)) in wanted.iter().enumerate() {
        if let Some((other, _)) = wanted[..n].iter().find(|(_, p)| is_same(p, path)) {
            let why = format!("is written by {other}, too; give each a file of its own");
            return refuse(option, path, &why);
        }
        if is_same(path, scenario_file) {
            return refuse(option, path, "is the scenario file; write to another one");
        }
        if let Err(error) = can_be_written(path) {
            return refuse(option, path, &error.to_string());
        }
    }
    for (option, path) in wanted {
        if let Err(error) = clear(path) {
            let why = format!("the report of an earlier run is there and stays: {error}");
            return refuse(option, path, &why);
        }
    }
    Ok(())
}

/// Whether two paths lead to one file, which may not be there yet. What is a device or a pipe can be written twice.
pub(super) fn is_same(one: &Path, other: &Path) -> bool {
    match (fs::metadata(one), fs::metadata(other)) {
        (Ok(one), Ok(other)) => {
            one.is_file() && (one.dev(), one.ino()) == (other.dev(), other.ino())
        }
        (Err(_), Err(_)) => resolved(one) == resolved(other),
        _ => false,
    }
}

/// A path without links and dots, as far as it leads to something.
fn resolved(path: &Path) -> PathBuf {
    let parent = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    match (parent.canonicalize(), path.file_name()) {
        (Ok(parent), Some(name)) => parent.join(name),
        _ => path.to_owned(),
    }
}

/// Whether a file can be written; one that is not there is not left behind.
fn can_be_written(path: &Path) -> io::Result<()> {
    match fs::OpenOptions::new()
        .create_new(true)
        .write(true)
        .open(path)
    {
        Ok(_) => fs::remove_file(path),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            fs::OpenOptions::new().append(true).open(path).map(drop)
        }
        Err(error) => Err(error),
    }
}

/// Removes a file; one behind a link is emptied, as it is written through it.
fn clear(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_file() => fs::remove_file(path),
        Ok(_) if fs::metadata(path).is_ok_and(|behind| behind.is_file()) => {
            fs::File::create(path).map(drop)
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_file_is_known_by_all_its_names() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::create_dir(path("d")).unwrap();
        assert!(is_same(&path("a"), &path("d/../a")));
        assert!(!is_same(&path("a"), &path("b")));
        fs::write(path("a"), "").unwrap();
        std::os::unix::fs::symlink("a", path("link")).unwrap();
        assert!(is_same(&path("a"), &path("link")));
        assert!(!is_same(&path("a"), &path("b")));
        assert!(!is_same(Path::new("/dev/null"), Path::new("/dev/null")));
    }

    #[test]
    fn what_is_cleared_is_gone_or_empty() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::write(path("a"), "old").unwrap();
        fs::write(path("b"), "old").unwrap();
        std::os::unix::fs::symlink("b", path("link")).unwrap();
        for name in ["a", "link", "nothing"] {
            clear(&path(name)).unwrap();
        }
        assert!(!path("a").exists());
        assert_eq!(fs::read_to_string(path("b")).unwrap(), "");
        assert!(path("link").is_symlink());
    }
}
