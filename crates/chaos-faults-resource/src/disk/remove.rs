//! The undo of a file that fills a disk.

use super::place::{Opened, Place};
use chaos_core::{Context, FaultError, Lifetime, Presence, Undo, Undone, async_trait};
use rustix::{
    fs::{AtFlags, FileType, Mode, OFlags, fstat, openat, statat, unlinkat},
    io::Errno,
    process::geteuid,
};
use serde::{Deserialize, Serialize};
use std::{
    fs::File,
    io::Read,
    os::fd::{AsFd, OwnedFd},
};

/// Removes one file from the directory in which it was made, if it is ours: by name, owner and first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RemoveFile {
    place: Place,
    mark: String,
}

impl RemoveFile {
    pub(super) const fn new(place: Place, mark: String) -> Self {
        Self { place, mark }
    }

    fn name(&self) -> String {
        name(&self.mark)
    }

    /// The directory, if there is something to look for in it.
    fn open(&self) -> Result<Result<OwnedFd, Presence>, FaultError> {
        let foreign = |found: String| Ok(Err(Presence::Foreign { found }));
        if !is_mark(&self.mark) {
            return foreign(format!("`{}`, which no fault has made", self.mark));
        }
        match self.place.open()? {
            Opened::Dir(dir) => Ok(Ok(dir)),
            // Gone for good, or moved, or not mounted: nobody can tell from here.
            Opened::Missing => foreign(format!(
                "no directory {}; if it was moved or is not mounted, remove {} from it by hand",
                self.place.path.display(),
                self.name()
            )),
            Opened::Another => foreign(format!(
                "{} is another directory than the one that was filled; if its file system is not mounted now, remove \
                 {} from it by hand",
                self.place.path.display(),
                self.name()
            )),
        }
    }

    fn look(&self, dir: &OwnedFd) -> Result<Presence, FaultError> {
        let name = self.name();
        let failed = |e: Errno| FaultError::host(format!("look at {name}"), e);
        let foreign = |what: &str| {
            Ok(Presence::Foreign {
                found: format!("{name}, {what}"),
            })
        };
        match statat(dir, &name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => return Ok(Presence::Gone),
            Err(e) => return Err(failed(e)),
            Ok(found) if FileType::from_raw_mode(found.st_mode) != FileType::RegularFile => {
                return foreign("which is not a file");
            }
            Ok(_) => {}
        }
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match openat(dir, &name, flags, Mode::empty()) {
            Ok(file) => file,
            Err(Errno::NOENT) => return Ok(Presence::Gone),
            Err(e) => return Err(failed(e)),
        };
        if !is_own(&file)? {
            return foreign("which belongs to another user");
        }
        let mut start = Vec::new();
        let mut first = File::from(file).take(header(&self.mark).len() as u64);
        first
            .read_to_end(&mut start)
            .map_err(|e| FaultError::host(format!("read {name}"), e))?;
        if is_ours(&start, &self.mark) {
            Ok(Presence::InPlace)
        } else {
            foreign("which holds something else")
        }
    }
}

#[async_trait]
impl Undo for RemoveFile {
    const KIND: &'static str = "resource.remove_file";
    const VERSION: u32 = 1;
    const LIFETIME: Lifetime = Lifetime::Disk;

    async fn undo(&self, cx: &Context) -> Result<Undone, FaultError> {
        let this = self.clone();
        let work = move || {
            let dir = match this.open()? {
                Ok(dir) => dir,
                Err(Presence::Foreign { found }) => return Ok(Undone::LeftAlone { found }),
                Err(_) => return Ok(Undone::AlreadyGone),
            };
            match this.look(&dir)? {
                Presence::Foreign { found } => return Ok(Undone::LeftAlone { found }),
                Presence::InPlace => {}
                _ => return Ok(Undone::AlreadyGone),
            }
            match unlinkat(&dir, this.name(), AtFlags::empty()) {
                Ok(()) => Ok(Undone::Reverted),
                Err(Errno::NOENT) => Ok(Undone::AlreadyGone),
                Err(e) => Err(FaultError::host(format!("remove {}", this.name()), e)),
            }
        };
        // Also when nobody waits for it any more, it only does what the next try would.
        cx.blocking(work).await?
    }

    async fn presence(&self, cx: &Context) -> Result<Presence, FaultError> {
        let this = self.clone();
        cx.blocking(move || match this.open()? {
            Ok(dir) => this.look(&dir),
            Err(presence) => Ok(presence),
        })
        .await?
    }
}

/// The file's name.
pub(super) fn name(mark: &str) -> String {
    format!("{mark}-fill")
}

/// The file's first line.
pub(super) fn header(mark: &str) -> String {
    format!("chaos fill {mark}\n")
}

/// Whether this user made the file.
pub(super) fn is_own(file: impl AsFd) -> Result<bool, FaultError> {
    let found = fstat(file).map_err(|e| FaultError::host("look at a file", e))?;
    Ok(found.st_uid == geteuid().as_raw())
}

/// Whether it is what [`Context::mark`] returns, and nothing that leads out of the directory.
fn is_mark(mark: &str) -> bool {
    mark.starts_with("chaos-")
        && mark.len() <= 64
        && mark.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// Whether a file that starts so is ours. Cut short, or only zeros: its maker, or the power, died early.
fn is_ours(start: &[u8], mark: &str) -> bool {
    header(mark).as_bytes().starts_with(start) || start.iter().all(|byte| *byte == 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::context;
    use std::{fs, os::unix::fs::symlink, path::Path};

    #[test]
    fn a_file_is_ours_by_its_start() {
        let mark = "chaos-1-0";
        for (start, ours) in [
            ("", true),
            ("chaos fi", true),
            ("chaos fill chaos-1-0\n", true),
            ("\0\0\0\0", true),
            ("chaos fill chaos-2-0\n", false),
            ("root:x:0:0", false),
            ("\0\0\0x", false),
        ] {
            assert_eq!(is_ours(start.as_bytes(), mark), ours, "{start:?}");
        }
    }

    #[test]
    fn a_mark_names_a_file_of_ours_only() {
        assert!(is_mark("chaos-18c2f4a9b01-411-0-0-0"));
        for forged in [
            "",
            "passwd",
            "chaos-../../etc",
            "chaos-a/b",
            "chaos-a\0b",
            "../chaos-1",
        ] {
            assert!(!is_mark(forged), "{forged}");
        }
    }

    const MARK: &str = "chaos-18c2f4a9b01-411-0-0-0";

    fn undo_in(dir: &Path) -> RemoveFile {
        RemoveFile::new(Place::of(dir).unwrap(), MARK.to_owned())
    }

    #[tokio::test]
    async fn our_file_is_removed_in_whatever_state_its_maker_died() {
        let cx = context().await;
        let dir = tempfile::tempdir().unwrap();
        let (undo, path) = (undo_in(dir.path()), dir.path().join(name(MARK)));
        assert_eq!(undo.presence(&cx).await.unwrap(), Presence::Gone);
        assert_eq!(undo.undo(&cx).await.unwrap(), Undone::AlreadyGone);
        let whole = header(MARK) + "and more";
        for text in ["", "chaos f", &header(MARK), &whole, "\0\0\0\0\0\0\0\0"] {
            fs::write(&path, text).unwrap();
            assert_eq!(undo.presence(&cx).await.unwrap(), Presence::InPlace);
            assert_eq!(undo.undo(&cx).await.unwrap(), Undone::Reverted, "{text:?}");
            assert!(!path.exists());
        }
    }

    #[tokio::test]
    async fn what_is_not_ours_is_left_alone() {
        let cx = context().await;
        let dir = tempfile::tempdir().unwrap();
        let (undo, path) = (undo_in(dir.path()), dir.path().join(name(MARK)));
        let secret = dir.path().join("passwd");
        fs::write(&secret, "root:x:0:0").unwrap();
        let foreign = async |undo: &RemoveFile, what: &str| {
            let presence = undo.presence(&cx).await.unwrap();
            assert!(
                matches!(presence, Presence::Foreign { .. }),
                "{what}: {presence:?}"
            );
            let undone = undo.undo(&cx).await.unwrap();
            assert!(
                matches!(undone, Undone::LeftAlone { .. }),
                "{what}: {undone:?}"
            );
            assert_eq!(fs::read_to_string(&secret).unwrap(), "root:x:0:0", "{what}");
        };

        fs::write(&path, "theirs").unwrap();
        foreign(&undo, "another's file of this name").await;
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        foreign(&undo, "a directory of this name").await;
        fs::remove_dir(&path).unwrap();
        symlink(&secret, &path).unwrap();
        foreign(&undo, "a link of this name").await;
        assert!(path.is_symlink());

        // Forged records: marks that lead elsewhere, and a file that only looks like ours by its name.
        for mark in [
            "passwd",
            "chaos-/../passwd",
            "",
            "../chaos-1",
            "chaos-a/../b",
        ] {
            let mark = mark.to_owned();
            let place = undo.place.clone();
            foreign(&RemoveFile::new(place, mark.clone()), &mark).await;
        }
        let theirs = dir.path().join("chaos-theirs-fill");
        fs::write(&theirs, "precious").unwrap();
        let forged = RemoveFile::new(undo.place.clone(), "chaos-theirs".to_owned());
        foreign(&forged, "a file with a fitting name").await;
        assert_eq!(fs::read_to_string(&theirs).unwrap(), "precious");
    }

    #[tokio::test]
    async fn another_directory_in_its_place_is_left_alone() {
        let cx = context().await;
        let dir = tempfile::tempdir().unwrap();
        let (here, moved) = (dir.path().join("here"), dir.path().join("moved"));
        fs::create_dir(&here).unwrap();
        let undo = undo_in(&here);
        fs::write(here.join(name(MARK)), "").unwrap();

        // Moved away, with another one in its place that holds a file of the same name.
        fs::rename(&here, &moved).unwrap();
        fs::create_dir(&here).unwrap();
        fs::write(here.join(name(MARK)), "").unwrap();
        let undone = undo.undo(&cx).await.unwrap();
        assert!(matches!(undone, Undone::LeftAlone { .. }), "{undone:?}");
        assert!(here.join(name(MARK)).exists());
        fs::remove_dir_all(&here).unwrap();
        symlink(&moved, &here).unwrap();
        let undone = undo.undo(&cx).await.unwrap();
        assert!(matches!(undone, Undone::LeftAlone { .. }), "{undone:?}");
        assert!(moved.join(name(MARK)).exists());

        // Deleted with everything in it.
        fs::remove_file(&here).unwrap();
        let undone = undo.undo(&cx).await.unwrap();
        assert!(
            matches!(&undone, Undone::LeftAlone { found } if found.contains("moved or is not mounted")),
            "{undone:?}"
        );
        // Back where it was.
        fs::rename(&moved, &here).unwrap();
        assert_eq!(undo.undo(&cx).await.unwrap(), Undone::Reverted);
    }

    #[tokio::test]
    async fn after_a_reboot_the_device_may_have_another_number() {
        let cx = context().await;
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(name(MARK)), "").unwrap();
        let with = |boot: Option<&str>| {
            let mut json = serde_json::to_value(undo_in(dir.path())).unwrap();
            json["place"]["device"] = 0.into();
            if let Some(boot) = boot {
                json["place"]["boot"] = boot.into();
            }
            serde_json::from_value::<RemoveFile>(json).unwrap()
        };
        let undone = with(None).undo(&cx).await.unwrap();
        assert!(matches!(undone, Undone::LeftAlone { .. }), "{undone:?}");
        let undone = with(Some("the last one")).undo(&cx).await.unwrap();
        assert_eq!(undone, Undone::Reverted);
    }
}
