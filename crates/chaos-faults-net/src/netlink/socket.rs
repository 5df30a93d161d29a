//! A netlink socket.

use super::message::{Answer, Expect, Request, answers};
use netlink_sys::{
    Socket, SocketAddr,
    protocols::{NETLINK_NETFILTER, NETLINK_ROUTE},
};
use std::{
    collections::BTreeSet,
    fmt, io,
    os::fd::{AsFd, AsRawFd, BorrowedFd},
};

/// Whom a socket talks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    /// Interfaces, addresses, routes, queues.
    Route,
    /// Packet filters.
    Netfilter,
}

/// The networks of one network namespace: the one in which the socket was opened, wherever it is used later.
#[derive(Debug)]
pub(crate) struct Netlink(Socket);

impl Netlink {
    /// Of the namespace that the calling thread is in.
    pub(crate) fn open(family: Family) -> io::Result<Self> {
        let mut socket = Socket::new(match family {
            Family::Route => NETLINK_ROUTE,
            Family::Netfilter => NETLINK_NETFILTER,
        })?;
        socket.bind_auto()?;
        // Errors in words; without them there are the numbers.
        socket.set_ext_ack(true).ok();
        Ok(Self(socket))
    }

    /// The namespace's cookie, which no other namespace of this boot ever gets (Linux 5.14).
    pub(crate) fn cookie(&self) -> io::Result<u64> {
        cookie(self.0.as_fd())
    }

    /// Sends messages at once and reads until each is answered; the first error is returned. What comes back beside
    /// acknowledgements goes to `is`: its type, and its header with attributes.
    pub(crate) fn ask(
        &self,
        requests: &[Request],
        mut is: impl FnMut(u16, &[u8]),
    ) -> io::Result<()> {
        let mut bytes = Vec::new();
        let (mut open, mut lists) = (BTreeSet::new(), BTreeSet::new());
        for (sequence, request) in (1..).zip(requests) {
            request.encode(sequence, &mut bytes);
            if request.expect == Expect::List {
                lists.insert(sequence);
            }
            if request.expect != Expect::Nothing {
                open.insert(sequence);
            }
        }
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
                    Answer::Result {
                        sequence,
                        errno,
                        said,
                    } => {
                        open.remove(&sequence);
                        if errno != 0 && problem.is_none() {
                            problem = Some(Refused::error(errno, said));
                        }
                    }
                    Answer::Done { sequence } => {
                        open.remove(&sequence);
                    }
                    Answer::Is {
                        sequence,
                        kind,
                        body,
                    } => {
                        is(kind, body);
                        if !lists.contains(&sequence) {
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

/// What the kernel has refused, with its own words for it.
#[derive(Debug)]
struct Refused {
    number: io::Error,
    said: String,
}

impl Refused {
    fn error(errno: i32, said: Option<String>) -> io::Error {
        let number = io::Error::from_raw_os_error(errno);
        match said {
            None => number,
            Some(said) => io::Error::new(number.kind(), Self { number, said }),
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.number, self.said.trim_end_matches('.'))
    }
}

impl std::error::Error for Refused {}

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
