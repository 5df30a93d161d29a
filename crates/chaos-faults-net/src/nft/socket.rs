//! Talking to the kernel's nftables.

use super::{
    attributes::{Attributes, find},
    message::{Answer, Ask, answers},
    table::Table,
};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_NETFILTER};
use std::{
    collections::BTreeSet,
    io,
    os::fd::{AsFd, AsRawFd, BorrowedFd},
};

/// nftables of one network namespace: the one in which the socket was opened, wherever it is used later.
#[derive(Debug)]
pub(crate) struct Nft(Socket);

/// A table that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FoundTable {
    /// Its handle: no other table of the namespace ever gets it.
    handle: Vec<u8>,
    /// What its maker wrote to it.
    mark: Option<Vec<u8>>,
}

impl FoundTable {
    /// Whether it carries our mark. (Linux keeps marks since 5.10, and cookies, which we need, since 5.14.)
    pub(crate) fn is_ours(&self, name: &str) -> bool {
        self.mark.as_deref() == Some(&Table::mark(name)[..])
    }
}

impl Nft {
    /// Of the namespace that the calling thread is in.
    pub(crate) fn open() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_NETFILTER)?;
        socket.bind_auto()?;
        Ok(Self(socket))
    }

    /// The namespace's cookie, which no other namespace of this boot ever gets (Linux 5.14).
    pub(crate) fn cookie(&self) -> io::Result<u64> {
        cookie(self.0.as_fd())
    }

    /// Makes a table, all of it or nothing. Fails with `AlreadyExists` when there is one of that name.
    pub(crate) fn add(&self, table: &Table) -> io::Result<()> {
        self.change(&table.messages())
    }

    /// The table of this name.
    pub(crate) fn find(&self, name: &str) -> io::Result<Option<FoundTable>> {
        let mut table = None;
        let asked = self.ask(
            &[(Ask::FindTable, Attributes::new().text(1, name))],
            |kind, attributes| {
                if kind == Ask::TABLE
                    && let Some(handle) = find(attributes, 4)
                {
                    table = Some(FoundTable {
                        handle: handle.to_vec(),
                        mark: find(attributes, 6).map(<[u8]>::to_vec),
                    });
                }
            },
        );
        match asked {
            Ok(()) => Ok(table),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Removes this very table with everything in it.
    pub(crate) fn delete(&self, table: &FoundTable) -> io::Result<()> {
        let handle = Attributes::new().bytes(4, &table.handle);
        self.change(&[(Ask::DeleteTable, handle)])
    }

    /// Lists the tables, to see that it can be done.
    pub(crate) fn check(&self) -> io::Result<()> {
        self.ask(&[(Ask::ListTables, Attributes::new())], |_, _| {})
    }

    /// Makes all changes or none.
    fn change(&self, changes: &[(Ask, Attributes)]) -> io::Result<()> {
        let none = Attributes::new();
        let mut batch = vec![(Ask::BatchBegin, none.clone())];
        batch.extend_from_slice(changes);
        batch.push((Ask::BatchEnd, none));
        self.ask(&batch, |_, _| {})
    }

    /// Sends messages at once and reads until each is answered; the first error is returned.
    fn ask(
        &self,
        messages: &[(Ask, Attributes)],
        mut is: impl FnMut(u16, &[u8]),
    ) -> io::Result<()> {
        let mut bytes = Vec::new();
        let mut open = BTreeSet::new();
        for (sequence, (ask, attributes)) in (1..).zip(messages) {
            ask.encode(sequence, attributes, &mut bytes);
            if ask.is_acknowledged() || matches!(ask, Ask::FindTable | Ask::ListTables) {
                open.insert(sequence);
            }
        }
        let listing = messages.iter().any(|(ask, _)| *ask == Ask::ListTables);
        self.0.send_to(&bytes, &SocketAddr::new(0, 0), 0)?;

        let mut problem = None;
        let mut buffer = Vec::with_capacity(64 * 1024);
        while !open.is_empty() {
            buffer.clear();
            // The kernel has answered when `send_to` returns; if it has not, it never will.
            let (_, from) = match self.0.recv_from(&mut buffer, libc::MSG_DONTWAIT) {
                Ok(received) => received,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => break,
                Err(e) => return Err(e),
            };
            if from.port_number() != 0 {
                continue;
            }
            for answer in answers(&buffer) {
                match answer {
                    Answer::Result { sequence, errno } => {
                        open.remove(&sequence);
                        if errno != 0 && problem.is_none() {
                            problem = Some(io::Error::from_raw_os_error(errno));
                        }
                    }
                    Answer::Done { sequence } => {
                        open.remove(&sequence);
                    }
                    Answer::Is {
                        sequence,
                        kind,
                        attributes,
                    } => {
                        is(kind, attributes);
                        if !listing {
                            open.remove(&sequence);
                        }
                    }
                }
            }
        }
        match problem {
            Some(problem) => Err(problem),
            None if open.is_empty() => Ok(()),
            None => Err(io::Error::other("the kernel did not answer")),
        }
    }
}

/// Asks for a namespace's cookie through one of its sockets.
#[expect(
    unsafe_code,
    reason = "no safe wrapper has the socket option SO_NETNS_COOKIE"
)]
fn cookie(socket: BorrowedFd<'_>) -> io::Result<u64> {
    let mut cookie = 0_u64;
    let mut len: libc::socklen_t = 8;
    // SAFETY: `cookie` has the eight bytes that `len` promises and both outlive the call; the borrow keeps the socket open.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_NETNS_COOKIE,
            (&raw mut cookie).cast(),
            &raw mut len,
        )
    };
    if result == 0 {
        Ok(cookie)
    } else {
        Err(io::Error::last_os_error())
    }
}
