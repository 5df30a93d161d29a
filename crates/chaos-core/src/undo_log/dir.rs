//! Where the logs are, and whether that place can be trusted.

use super::{io_error, sync_dir};
use crate::{UndoLogError, identity};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The directory of this user's logs on this machine.
#[derive(Debug, Clone)]
pub(crate) struct StateDir {
    base: PathBuf,
    path: PathBuf,
    /// Nobody has said where it is to be; told when it is needed.
    unknown: bool,
}

impl StateDir {
    /// The directory under `base`, which is `/var/lib/chaos` for root and `$XDG_STATE_HOME/chaos` for others
    /// when nothing else is said.
    pub(crate) fn new(base: Option<PathBuf>) -> Result<Self, UndoLogError> {
        let said = base.or_else(|| std::env::var_os("CHAOS_STATE_DIR").map(PathBuf::from));
        let known = said.or_else(default_base);
        let unknown = known.is_none();
        let base = known.unwrap_or_else(|| PathBuf::from("chaos"));
        let base = std::path::absolute(&base).map_err(io_error("find", &base))?;
        let path = base.join(identity::machine_id());
        Ok(Self {
            base,
            path,
            unknown,
        })
    }

    /// Where the logs are.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What it was made from, so that a watchdog finds the same one.
    pub(crate) fn base(&self) -> &Path {
        &self.base
    }

    /// Where the claims are.
    pub(crate) fn claims(&self) -> PathBuf {
        self.path.join("claims")
    }

    /// Where the logs are that were given up.
    pub(crate) fn forgotten(&self) -> PathBuf {
        self.path.join("forgotten")
    }

    /// Whether there is one that can be trusted; `false` when there is none yet.
    pub(crate) fn check(&self) -> Result<bool, UndoLogError> {
        if self.unknown {
            return Ok(false);
        }
        for dir in [self.base.as_path(), &self.path] {
            match fs::symlink_metadata(dir) {
                Ok(found) => trust(dir, &found)?,
                Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(false),
                Err(e) => return Err(io_error("look at", dir)(e)),
            }
        }
        Ok(true)
    }

    /// Whether it is there and can be trusted, or could be made. Makes nothing.
    pub(crate) fn could_be_used(&self) -> Result<(), UndoLogError> {
        if self.unknown {
            return Err(UndoLogError::NoPlace);
        }
        self.check()?;
        #[cfg(unix)]
        {
            use nix::unistd::{AccessFlags, access};
            let nearest = self
                .path
                .ancestors()
                .find(|dir| dir.exists())
                .unwrap_or(Path::new("/"));
            access(nearest, AccessFlags::W_OK | AccessFlags::X_OK)
                .map_err(|e| io_error("write into", nearest)(e.into()))?;
        }
        Ok(())
    }

    /// Whether records can be written: makes the directory, and writes and removes a file as large as many records.
    pub(crate) fn try_writing(&self, name: &str) -> Result<(), UndoLogError> {
        self.create()?;
        let path = self.path.join(format!(".{name}.try.new"));
        let written = fs::File::create_new(&path).and_then(|mut file| {
            std::io::Write::write_all(&mut file, &[0; 16 << 10])?;
            file.sync_data()
        });
        fs::remove_file(&path).ok();
        written.map_err(io_error("write", &path))
    }

    /// Makes it if there is none, and checks that it can be trusted.
    pub(crate) fn create(&self) -> Result<(), UndoLogError> {
        if self.unknown {
            return Err(UndoLogError::NoPlace);
        }
        let claims = self.claims();
        if self.check()? && claims.is_dir() {
            return Ok(());
        }
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder
            .create(&claims)
            .map_err(io_error("create", &claims))?;
        for dir in [self.base.as_path(), &self.path] {
            sync_dir(dir).map_err(io_error("sync", dir))?;
        }
        self.check().map(drop)
    }
}

fn default_base() -> Option<PathBuf> {
    #[cfg(unix)]
    if nix::unistd::Uid::effective().is_root() {
        return Some(PathBuf::from("/var/lib/chaos"));
    }
    let absolute = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|p| p.is_absolute())
    };
    absolute("XDG_STATE_HOME")
        .or_else(|| absolute("LOCALAPPDATA"))
        .or_else(|| absolute("HOME").map(|home| home.join(".local/state")))
        .map(|state| state.join("chaos"))
}

/// A log is orders for whoever reads it, so nobody else may write here.
#[cfg(unix)]
fn trust(dir: &Path, found: &fs::Metadata) -> Result<(), UndoLogError> {
    use std::os::unix::fs::MetadataExt;
    let me = nix::unistd::Uid::effective().as_raw();
    let untrusted = |why: String| UndoLogError::Untrusted {
        path: dir.to_owned(),
        why,
    };
    if found.file_type().is_symlink() {
        return Err(untrusted(
            "it is a symbolic link; a directory is expected".into(),
        ));
    }
    if !found.is_dir() {
        return Err(untrusted("it is not a directory".into()));
    }
    if found.uid() != me {
        return Err(untrusted(format!(
            "it belongs to user {}, not to user {me}",
            found.uid()
        )));
    }
    if found.mode() & 0o077 != 0 {
        return Err(untrusted(format!(
            "its mode is {:o}, so others can look or write into it; `chmod 700` it",
            found.mode() & 0o777
        )));
    }
    Ok(())
}

#[cfg(not(unix))]
fn trust(dir: &Path, found: &fs::Metadata) -> Result<(), UndoLogError> {
    if found.is_dir() {
        Ok(())
    } else {
        Err(UndoLogError::Untrusted {
            path: dir.to_owned(),
            why: "it is not a directory".into(),
        })
    }
}
