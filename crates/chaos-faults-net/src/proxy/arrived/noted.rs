//! As the kernel noted it (`SO_TIMESTAMPNS`), which on the loopback is when it was sent.

use super::Read;
use nix::{
    cmsg_space,
    sys::{
        socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt, sockopt::ReceiveTimestampns},
        time::TimeSpec,
    },
};
use std::{
    io::{self, IoSliceMut},
    os::fd::AsRawFd,
    time::{Duration, Instant, UNIX_EPOCH},
};
use tokio::{io::Interest, net::TcpStream};

/// Has the kernel note when data comes, or no longer. Whether it does.
pub(crate) fn note(stream: &TcpStream, on: bool) -> bool {
    let set = setsockopt(stream, ReceiveTimestampns, &on);
    if let Err(error) = set {
        tracing::debug!(%error, "when data comes is not noted");
    }
    on && set.is_ok()
}

/// Reads what is there. What the kernel has noted nothing about came just now.
pub(crate) fn try_read(stream: &TcpStream, buffer: &mut [u8]) -> io::Result<Read> {
    let mut space = cmsg_space!(TimeSpec);
    let mut buffers = [IoSliceMut::new(buffer)];
    stream.try_io(Interest::READABLE, || {
        let fd = stream.as_raw_fd();
        let message = recvmsg::<()>(fd, &mut buffers, Some(&mut space), MsgFlags::empty())?;
        let noted = message.cmsgs()?.find_map(|told| match told {
            ControlMessageOwned::ScmTimestampns(at) => Some(Duration::from(at)),
            _ => None,
        });
        Ok(Read {
            bytes: message.bytes,
            at: noted.map_or_else(Instant::now, monotonic),
        })
    })
}

/// When that was by the clock that is never set. If anything it is too late, so that nothing is sent too early.
fn monotonic(noted: Duration) -> Instant {
    let age = UNIX_EPOCH.elapsed().unwrap_or_default();
    let age = age.saturating_sub(noted).min(Read::LATEST);
    let now = Instant::now();
    now.checked_sub(age).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{io::Write, net, thread::sleep};

    fn connection() -> (net::TcpStream, TcpStream) {
        let listener = net::TcpListener::bind("127.0.0.1:0").unwrap();
        let client = net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (server, _) = listener.accept().unwrap();
        server.set_nonblocking(true).unwrap();
        (client, TcpStream::from_std(server).unwrap())
    }

    /// A message that nobody reads for a while: what is read of it, and how long after it was sent that came.
    async fn read_late(
        from: &mut net::TcpStream,
        to: &TcpStream,
        late: Duration,
    ) -> (Read, Duration) {
        from.write_all(b"late").unwrap();
        let sent = Instant::now();
        sleep(late);
        to.readable().await.unwrap();
        let read = try_read(to, &mut [0; 16]).unwrap();
        (read, read.at.saturating_duration_since(sent))
    }

    #[tokio::test]
    async fn data_that_is_read_late_came_when_it_was_sent() {
        let (mut client, server) = connection();
        assert!(note(&server, true));
        // The kernel takes a moment to begin, and a busy machine may take one between sending and looking at the clock.
        let late = Duration::from_millis(20);
        let start = Instant::now();
        loop {
            let (read, after) = read_late(&mut client, &server, late).await;
            assert_eq!(read.bytes, 4);
            if after < late / 4 {
                break;
            }
            assert!(start.elapsed() < Duration::from_secs(30), "{after:?}");
        }
        assert!(!note(&server, false));
        let (_, after) = read_late(&mut client, &server, late).await;
        assert!(after >= late, "{after:?}");
    }

    #[test]
    fn a_wall_clock_that_was_set_does_not_make_data_much_older() {
        let now = Instant::now();
        assert!(monotonic(Duration::ZERO) + Read::LATEST >= now);
        // Nor is it from the future.
        let tomorrow = UNIX_EPOCH.elapsed().unwrap() + Duration::from_secs(86_400);
        assert!(monotonic(tomorrow) >= now);
        assert!(monotonic(tomorrow) <= Instant::now());
    }
}
