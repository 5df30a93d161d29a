//! The Unix socket of a proxy.

use super::super::address::Address;
#[cfg(target_os = "linux")]
use super::left;
use socket2::{Domain, SockAddr, Socket, Type};
use std::{
    fs::{self, Metadata},
    io,
    os::unix::fs::{FileTypeExt, MetadataExt},
    task::{Context, Poll, Waker},
    time::SystemTime,
};
use tokio::net::{UnixListener, UnixStream};

/// The Unix socket of a proxy.
///
/// While it is shut a socket that is bound but does not listen keeps the path or the name, so connections are refused by the
/// kernel. It takes the listener's place, so for an instant the path is nobody's.
#[derive(Debug)]
pub(crate) struct UnixDoor {
    address: Address,
    listener: Option<UnixListener>,
    keeper: Option<Socket>,
    /// Which file is ours; an abstract socket has none.
    ours: Option<File>,
    /// Who waits for a client.
    waker: Option<Waker>,
}

/// What tells a file from another one that has taken its place.
#[derive(Debug, Clone, PartialEq, Eq)]
struct File {
    device: u64,
    inode: u64,
    /// Inodes are used again; not every file system knows this.
    created: Option<SystemTime>,
}

impl UnixDoor {
    /// How many connections may wait to be accepted.
    const BACKLOG: i32 = 1024;

    /// Makes the socket and listens; on Linux in the place of one that a killed proxy has left. Must be called within the runtime.
    ///
    /// It fails with [`WouldBlock`](io::ErrorKind::WouldBlock) while another proxy takes such a place in the same directory.
    pub(crate) fn open(address: Address) -> io::Result<Self> {
        let mut door = Self {
            address,
            listener: None,
            keeper: None,
            ours: None,
            waker: None,
        };
        door.keep()?;
        door.unlock()?;
        Ok(door)
    }

    /// Where clients connect to.
    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    /// Refuses connections and keeps the path.
    pub(super) fn shut(&mut self) -> io::Result<()> {
        if self.keeper.is_some() {
            return Ok(());
        }
        if !self.is_ours() {
            let problem = "another file has taken the place of the socket";
            return Err(io::Error::new(io::ErrorKind::AddrInUse, problem));
        }
        self.listener = None;
        self.remove();
        self.keep()
    }

    /// Listens again. Must be called within the runtime.
    pub(super) fn unlock(&mut self) -> io::Result<()> {
        if let Some(keeper) = self.keeper.take() {
            keeper.listen(Self::BACKLOG)?;
            keeper.set_nonblocking(true)?;
            self.listener = Some(UnixListener::from_std(keeper.into())?);
        }
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
        Ok(())
    }

    /// Gives the path up.
    pub(super) fn close(&mut self) {
        self.remove();
        self.listener = None;
        self.keeper = None;
    }

    /// The next client.
    pub(super) fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<UnixStream>> {
        self.waker = Some(cx.waker().clone());
        match &self.listener {
            Some(listener) => listener.poll_accept(cx).map_ok(|(client, _)| client),
            None => Poll::Pending,
        }
    }

    /// Takes the path. It fails when there is something.
    fn keep(&mut self) -> io::Result<()> {
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        // On Linux the file that `bind` makes has the mode of its socket.
        #[cfg(target_os = "linux")]
        rustix::fs::fchmod(&socket, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR)?;
        self.bind(&socket)?;
        if let Some(path) = self.address.path() {
            // Nobody can connect before it listens.
            #[cfg(not(target_os = "linux"))]
            fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
            self.ours = Some(File::of(&fs::symlink_metadata(path)?));
            #[cfg(target_os = "linux")]
            if let Err(error) = left::mark(path) {
                tracing::debug!(%error, "the socket cannot be marked, so nobody would replace it");
            }
        }
        self.keeper = Some(socket);
        Ok(())
    }

    fn bind(&self, socket: &Socket) -> io::Result<()> {
        let path = self.address.kernel_path().unwrap_or_default();
        let address = SockAddr::unix(&path)?;
        let bound = socket.bind(&address);
        #[cfg(target_os = "linux")]
        if let (Err(error), Some(path)) = (&bound, self.address.path())
            && error.kind() == io::ErrorKind::AddrInUse
        {
            match left::remove(path) {
                // Whoever was faster has it.
                Ok(Some(_alone)) => return socket.bind(&address),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(error),
                Err(error) => tracing::debug!(%error, "what is at the path cannot be looked at"),
                Ok(None) => {}
            }
        }
        bound
    }

    /// Whether the file is still ours. An abstract socket always is.
    fn is_ours(&self) -> bool {
        let (Some(path), Some(ours)) = (self.address.path(), &self.ours) else {
            return true;
        };
        let found = fs::symlink_metadata(path);
        found.is_ok_and(|found| found.file_type().is_socket() && File::of(&found) == *ours)
    }

    /// Removes the file, if it is still ours.
    fn remove(&mut self) {
        if self.is_ours()
            && let (Some(path), Some(_)) = (self.address.path(), self.ours.take())
            && let Err(error) = fs::remove_file(path)
        {
            tracing::warn!(%error, path = %path.display(), "the socket of a proxy is left");
        }
    }
}

impl Drop for UnixDoor {
    fn drop(&mut self) {
        self.close();
    }
}

impl File {
    fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            created: metadata.created().ok(),
        }
    }
}
