//! The Unix socket that a killed process has left behind, and how the next proxy takes its place.

use rustix::{
    fs::{AtFlags, CWD, Timespec, Timestamps, utimensat},
    process::geteuid,
};
use socket2::{Domain, SockAddr, Socket, Type};
use std::{
    fs::{self, File, Metadata, TryLockError},
    io,
    os::unix::fs::{FileTypeExt, MetadataExt},
    path::Path,
};

/// When the socket of every proxy was changed last, it says: in ASCII `chao` and the numbers of `soc`. So a file tells by itself
/// that a proxy made it. Nothing that is done with a socket changes that time, neither connecting nor its owner's death.
const MARK: Timespec = Timespec {
    tv_sec: 0x6368_616f,
    tv_nsec: 115_111_099,
};

/// Marks the socket at a path as made by a proxy.
pub(super) fn mark(path: &Path) -> io::Result<()> {
    let times = Timestamps {
        last_access: MARK,
        last_modification: MARK,
    };
    Ok(utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW)?)
}

/// Removes what is at the path if it is the socket of a proxy of this user that nobody has any more; `None`: it is something
/// else, and left alone. As long as what is returned lives no other proxy removes anything in that directory.
///
/// It fails with [`WouldBlock`](io::ErrorKind::WouldBlock) while another one does.
pub(super) fn remove(path: &Path) -> io::Result<Option<File>> {
    // Most of what is there is something else; that needs no lock.
    if !is_left(path)? {
        return Ok(None);
    }
    let directory = File::open(path.parent().unwrap_or(path))?;
    match directory.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(io::ErrorKind::WouldBlock.into()),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    if !is_left(path)? {
        return Ok(None);
    }
    fs::remove_file(path)?;
    tracing::info!(path = %path.display(), "the socket of a killed proxy is replaced");
    Ok(Some(directory))
}

fn is_left(path: &Path) -> io::Result<bool> {
    let found = fs::symlink_metadata(path)?;
    let ours = found.file_type().is_socket() && is_marked(&found);
    Ok(ours && found.uid() == geteuid().as_raw() && is_dead(path)?)
}

fn is_marked(found: &Metadata) -> bool {
    (found.mtime(), found.mtime_nsec()) == (MARK.tv_sec, MARK.tv_nsec)
}

/// Whether no socket of any process has that file. A proxy that is shut does not listen, and so a stream would be refused by
/// it, too; a datagram is refused only when there is no socket at all (`unix_find_bsd` of the kernel: otherwise EPROTOTYPE).
fn is_dead(path: &Path) -> io::Result<bool> {
    let socket = Socket::new(Domain::UNIX, Type::DGRAM, None)?;
    let connected = socket.connect(&SockAddr::unix(path)?);
    Ok(connected.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused))
}
