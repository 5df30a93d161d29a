//! The file that fills a disk.

use super::{
    cancel::Cancel,
    fill::{DiskFill, DiskFillConfig, Wanted},
    grow::{Amount, grow},
    place::{Opened, Place, check_mounts},
    remove::{RemoveFile, header, is_own, name},
    space::{Space, mib},
};
use chaos_core::{
    Action, Change, Context, FaultConfig, FaultError, Plan, Site, async_trait, units::Size,
};
use rustix::{
    fs::{AtFlags, Mode, OFlags, openat, unlinkat},
    io::Errno,
};
use std::{fs::File, os::fd::OwnedFd, os::unix::fs::FileExt};

/// One file, however many sites there are.
pub(super) fn plan(fill: &DiskFill, sites: &[Site], mark: String) -> Result<Plan, FaultError> {
    let plan = crate::beside::plan(DiskFillConfig::KIND, sites)?;
    check_mounts(sites)?;
    let place = Place::of(&fill.path)?;
    let Opened::Dir(dir) = place.open()? else {
        return Err(FaultError::no_target(
            fill.path.display().to_string(),
            "it has just gone",
        ));
    };
    let space = Space::of(&dir)?;
    let refuse = |why: String| {
        Err(FaultError::unsupported(
            place.path.display().to_string(),
            why,
        ))
    };
    let (amount, takes) = match fill.wanted {
        Wanted::Size(size) => {
            let bytes = size.of(space.total);
            (Amount::Bytes(bytes), bytes)
        }
        Wanted::LeaveFree(size) => {
            let free = size.of(space.total);
            if space.free <= free {
                let (now, free) = (mib(space.free), mib(free));
                return refuse(format!(
                    "only {now} are free there, and {free} are to be left"
                ));
            }
            (Amount::AllBut(size), space.free - free)
        }
    };
    if takes > space.free {
        let (takes, free) = (mib(takes), mib(space.free));
        return refuse(format!(
            "{takes} are more than the {free} that are free there"
        ));
    }
    if takes == 0 {
        return refuse("that little is nothing there".to_owned());
    }
    let note = format!(
        "takes about {} of {} free in {}",
        mib(takes),
        mib(space.free),
        place.path.display()
    );
    Ok(plan.note(note).then(CreateFile {
        place,
        mark,
        amount,
    }))
}

/// Creates one file and makes it take room.
#[derive(Debug)]
struct CreateFile {
    place: Place,
    mark: String,
    amount: Amount,
}

#[async_trait]
impl Action for CreateFile {
    type Undo = RemoveFile;

    fn change(&self) -> Change {
        let path = self.place.path.join(name(&self.mark));
        let amount = match self.amount {
            Amount::Bytes(bytes) => Size::Bytes(bytes).to_string(),
            Amount::AllBut(free) => format!("all but {free}"),
        };
        Change::new(
            format!("create {} ({amount})", path.display()),
            self.place.filesystem(),
            self.place.reach(),
        )
    }

    fn undo(&self) -> RemoveFile {
        RemoveFile::new(self.place.clone(), self.mark.clone())
    }

    async fn apply(&self, cx: &Context) -> Result<(), FaultError> {
        let cancel = Cancel::default();
        let _given_up = cancel.on_drop();
        let (place, mark, amount) = (self.place.clone(), self.mark.clone(), self.amount);
        cx.blocking(move || {
            let file = create(&place, &mark, &cancel)?;
            let header = header(&mark);
            file.write_all_at(header.as_bytes(), 0)
                .and_then(|()| file.sync_data())
                .map_err(|e| FaultError::host(format!("write {}", name(&mark)), e))?;
            grow(&file, header.len() as u64, amount, &cancel)
        })
        .await?
    }
}

/// Creates the file, empty, unless nobody waits for it any more.
fn create(place: &Place, mark: &str, cancel: &Cancel) -> Result<File, FaultError> {
    let (path, name) = (place.path.display().to_string(), name(mark));
    let dir: OwnedFd = match place.open()? {
        Opened::Dir(dir) => dir,
        Opened::Missing => return Err(FaultError::no_target(path, "it is gone")),
        Opened::Another => return Err(FaultError::conflict(path, "another directory")),
    };
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let created = cancel.unless(|| openat(&dir, &name, flags, Mode::RUSR | Mode::WUSR));
    let failed = |e: Errno| FaultError::host(format!("create {path}/{name}"), e);
    let file = created.unwrap_or(Err(Errno::CANCELED)).map_err(failed)?;
    if !is_own(&file)? {
        // Such as NFS that maps root to nobody. It could not be told from somebody else's later.
        unlinkat(&dir, &name, AtFlags::empty()).map_err(failed)?;
        let why = "files that are made there belong to another user";
        return Err(FaultError::unsupported(path, why));
    }
    Ok(file.into())
}
