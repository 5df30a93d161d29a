//! Makes a file take room.

use super::{cancel::Cancel, space::Space};
use chaos_core::{FaultError, units::Size};
use rustix::{
    fs::{FallocateFlags, fallocate},
    io::Errno,
};
use std::{fs::File, io, os::unix::fs::FileExt};

/// What is taken between two looks at whether it is still wanted.
const STEP: u64 = 256 << 20;
/// The least that is tried when a file system is nearly full.
const LEAST: u64 = 4 << 10;
/// What is written at once where a file system cannot be asked for room.
const PIECE: usize = 1 << 20;
/// How often what is left free is looked at again: a file system keeps its books on the room it gives.
const ROUNDS: usize = 4;

/// How much room a file is to take.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Amount {
    /// This many bytes.
    Bytes(u64),
    /// As many as leave this free.
    AllBut(Size),
}

/// Makes the file, which has `from` bytes, take that much.
pub(super) fn grow(
    file: &File,
    mut from: u64,
    amount: Amount,
    cancel: &Cancel,
) -> Result<(), FaultError> {
    let failed = |e: io::Error| FaultError::host("take that much room", e);
    let left_free = match amount {
        Amount::Bytes(bytes) => {
            return take(file, from, bytes, false, cancel)
                .map(drop)
                .map_err(failed);
        }
        Amount::AllBut(free) => free,
    };
    for _ in 0..ROUNDS {
        let space = Space::of(file)?;
        let more = space.free.saturating_sub(left_free.of(space.total));
        if more < LEAST {
            break;
        }
        from = take(file, from, from + more, true, cancel).map_err(failed)?;
    }
    Ok(())
}

/// Takes room from byte `at` up to byte `end`, and says up to where it came. A full file system ends it early when
/// `until_full`, and is an error otherwise.
fn take(file: &File, mut at: u64, end: u64, until_full: bool, cancel: &Cancel) -> io::Result<u64> {
    let mut step = STEP;
    while at < end {
        let len = step.min(end - at);
        let taken = cancel
            .unless(|| ())
            .map(|()| take_step(file, at, len))
            .unwrap_or_else(|| Err(io::ErrorKind::Interrupted.into()));
        match taken {
            Ok(()) => at += len,
            Err(e) if until_full && e.raw_os_error() == Some(Errno::NOSPC.raw_os_error()) => {
                step = len / 2;
                if step < LEAST {
                    break;
                }
            }
            Err(e) => return Err(e),
        }
    }
    Ok(at)
}

fn take_step(file: &File, at: u64, len: u64) -> io::Result<()> {
    loop {
        match fallocate(file, FallocateFlags::empty(), at, len) {
            Ok(()) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::NODEV) => break,
            Err(e) => return Err(e.into()),
        }
    }
    write(file, at, len)
}

/// Writes what cannot be compressed.
fn write(file: &File, at: u64, len: u64) -> io::Result<()> {
    let noise = noise(at);
    let mut done = 0;
    while done < len {
        let piece = usize::try_from(len - done).map_or(PIECE, |left| left.min(PIECE));
        file.write_all_at(&noise[..piece], at + done)?;
        done += piece as u64;
    }
    // Only now the file system has really found the room.
    file.sync_data()
}

fn noise(seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let words = (0..PIECE / 8).flat_map(|_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    words.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn room_is_taken_and_what_was_written_stays() {
        for by_hand in [false, true] {
            let file = tempfile::tempfile().unwrap();
            file.write_all_at(b"first line\n", 0).unwrap();
            let (from, end) = (11, 3 << 20);
            if by_hand {
                write(&file, from, end - from).unwrap();
            } else {
                grow(&file, from, Amount::Bytes(end), &Cancel::default()).unwrap();
            }
            let found = file.metadata().unwrap();
            assert_eq!(found.len(), end);
            assert!(found.blocks() * 512 >= end, "{by_hand}: {}", found.blocks());
            let mut start = [0; 11];
            file.read_exact_at(&mut start, 0).unwrap();
            assert_eq!(&start, b"first line\n");
        }
    }

    #[test]
    fn what_nobody_waits_for_is_not_taken() {
        let (file, cancel) = (tempfile::tempfile().unwrap(), Cancel::default());
        drop(cancel.on_drop());
        assert!(grow(&file, 0, Amount::Bytes(1 << 20), &cancel).is_err());
        assert_eq!(file.metadata().unwrap().len(), 0);
    }
}
