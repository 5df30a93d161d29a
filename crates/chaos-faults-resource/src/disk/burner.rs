//! Threads that read and write.

use super::{
    burn::{DiskBurn, DiskBurnConfig, DiskMode},
    pace::Pace,
    place::{Opened, Place, check_mounts},
    space::{Space, mib},
};
use crate::crew::{Crew, Shared};
use chaos_core::{Change, FaultConfig, FaultError, InProcess, Plan, Reach, Site, units::Size};
use rustix::{
    fs::{Advice, Mode, OFlags, fadvise, open},
    io::Errno,
};
use std::{fs::File, io, num::NonZeroU64, os::unix::fs::FileExt, path::Path, time::Instant};

pub(super) fn plan(burn: &DiskBurn, sites: &[Site]) -> Result<Plan, FaultError> {
    let plan = crate::beside::plan(DiskBurnConfig::KIND, sites)?;
    check_mounts(sites)?;
    let place = Place::of(&burn.path)?;
    let Opened::Dir(dir) = place.open()? else {
        return Err(FaultError::no_target(
            burn.path.display().to_string(),
            "it has just gone",
        ));
    };
    let space = Space::of(&dir)?;
    let size = burn
        .size
        .of(space.total)
        .max(1)
        .next_multiple_of(Pace::BLOCK);
    let all = size.saturating_mul(u64::from(burn.workers));
    if all > space.free {
        let (all, free) = (mib(all), mib(space.free));
        let why = format!(
            "{} files of together {all} are more than the {free} that are free there",
            burn.workers
        );
        return Err(FaultError::unsupported(
            place.path.display().to_string(),
            why,
        ));
    }
    Ok(plan.then_in_process(Work {
        place,
        mode: burn.mode,
        workers: burn.workers,
        size,
        rate: burn
            .rate
            .map(|rate| (rate.get() / u64::from(burn.workers)).max(1)),
    }))
}

#[derive(Debug)]
struct Work {
    place: Place,
    mode: DiskMode,
    workers: u32,
    size: u64,
    /// Bytes per second and worker.
    rate: Option<u64>,
}

impl InProcess for Work {
    type Held = Crew;

    fn change(&self) -> Change {
        let Self {
            mode,
            workers,
            size,
            ..
        } = self;
        let s = if *workers == 1 { "" } else { "s" };
        let rate = self.rate.map(|rate| format!(", {} KiB/s each", rate >> 10));
        let summary = format!(
            "{mode} {workers} nameless file{s} of {} in {}{}",
            Size::Bytes(*size),
            self.place.path.display(),
            rate.unwrap_or_default()
        );
        Change::new(summary, self.place.filesystem(), Reach::Host)
    }

    fn apply(&self) -> Result<Crew, FaultError> {
        let burner = |_| {
            let (file, direct) = nameless(&self.place.path)?;
            let (mode, size, rate) = (self.mode, self.size, self.rate);
            Ok(Burner {
                file,
                direct,
                mode,
                size,
                rate,
            })
        };
        let burners: Vec<Burner> = (0..self.workers)
            .map(burner)
            .collect::<Result<_, FaultError>>()?;
        let work = burners.into_iter().map(|burner| {
            move |shared: &Shared| {
                if let Err(error) = burner.burn(shared) {
                    tracing::warn!(%error, "a disk worker has stopped");
                }
            }
        });
        Crew::start("chaos-disk", work)
    }
}

/// A file without a name, past the page cache if that can be had: it is gone when it is closed.
fn nameless(dir: &Path) -> Result<(File, bool), FaultError> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    for direct in [true, false] {
        let past = if direct {
            OFlags::DIRECT
        } else {
            OFlags::empty()
        };
        match open(dir, flags | past, Mode::RUSR | Mode::WUSR) {
            Ok(file) => return Ok((file.into(), direct)),
            Err(Errno::INVAL) if direct => {}
            Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL) => break,
            Err(e) => {
                let what = format!("open a file in {}", dir.display());
                return Err(FaultError::host(what, e));
            }
        }
    }
    Err(FaultError::unsupported(
        dir.display().to_string(),
        "its file system has no files without a name (O_TMPFILE), which are what leaves nothing behind",
    ))
}

/// One worker with its file.
#[derive(Debug)]
struct Burner {
    file: File,
    /// Whether the file is read and written past the page cache.
    direct: bool,
    mode: DiskMode,
    size: u64,
    rate: Option<u64>,
}

impl Burner {
    /// Reads and writes, over and over, until the work is over.
    fn burn(&self, shared: &Shared) -> io::Result<()> {
        let mut room = aligned();
        let start = room.as_ptr().align_offset(Pace::BLOCK as usize);
        let buffer = &mut room[start..start + Pace::LONGEST as usize];
        let mut pace = Pace::new(self.rate, Instant::now());
        if self.mode != DiskMode::Write {
            self.pass(buffer, &mut pace, shared, |burner, piece, at| {
                burner.write(piece, at)
            })?;
        }
        while !shared.ended() {
            self.pass(buffer, &mut pace, shared, |burner, piece, at| {
                shared.hit(1);
                if self.mode != DiskMode::Read {
                    burner.write(piece, at)?;
                }
                if self.mode != DiskMode::Write {
                    burner.read(piece, at)?;
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Goes through the file once.
    fn pass(
        &self,
        buffer: &mut [u8],
        pace: &mut Pace,
        shared: &Shared,
        work: impl Fn(&Self, &mut [u8], u64) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut at = 0;
        while at < self.size && !shared.ended() {
            let len = pace.piece().min(self.size - at);
            let piece = &mut buffer[..usize::try_from(len).unwrap_or(usize::MAX)];
            work(self, piece, at)?;
            at += len;
            let moved = if self.mode == DiskMode::Both {
                2 * len
            } else {
                len
            };
            let due = pace.next(moved, Instant::now());
            shared.rest_until(due);
        }
        // The drive's own cache, too.
        self.file.sync_data()
    }

    fn write(&self, piece: &mut [u8], at: u64) -> io::Result<()> {
        // Never the same twice, for drives that compare.
        let stamp = at ^ u64::from_ne_bytes(piece[..8].try_into().unwrap_or_default());
        piece[..8].copy_from_slice(&stamp.wrapping_add(1).to_ne_bytes());
        self.file.write_all_at(piece, at)?;
        if !self.direct {
            self.file.sync_data()?;
        }
        self.forget(piece, at)
    }

    fn read(&self, piece: &mut [u8], at: u64) -> io::Result<()> {
        self.file.read_exact_at(piece, at)?;
        self.forget(piece, at)
    }

    /// Drops what was read or written from the page cache, so that the next time it is the disk that is asked.
    fn forget(&self, piece: &[u8], at: u64) -> io::Result<()> {
        if !self.direct {
            let len = NonZeroU64::new(piece.len() as u64);
            fadvise(&self.file, at, len, Advice::DontNeed)?;
        }
        Ok(())
    }
}

/// A buffer in which an aligned piece of the longest kind finds room, filled with what does not compress well.
fn aligned() -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let bytes = (0..Pace::LONGEST + Pace::BLOCK).map(|_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    });
    bytes.collect()
}
