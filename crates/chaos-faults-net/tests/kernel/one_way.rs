//! Datagrams that nobody answers, and what the kernel at the other end notes of them, however late a thread reads it.

use super::world::{Space, World};
use nix::{
    cmsg_space,
    sys::{
        socket::{
            ControlMessageOwned, MsgFlags, recvmsg, setsockopt,
            sockopt::{IpRecvTos, Ipv4Tos, RcvBufForce, ReceiveTimestampns, SndBufForce},
        },
        time::TimeSpec,
    },
};
use std::{
    io::IoSliceMut,
    net::UdpSocket,
    os::fd::AsRawFd,
    time::{Duration, SystemTime},
};

/// The headers of Ethernet, of IP and of UDP.
pub(crate) const HEADERS: u32 = 14 + 20 + 8;
/// So long an emulated kernel, or a busy machine, may do nothing.
const STALL: Duration = Duration::from_millis(500);
/// `ECT(0)` and `CE` of RFC 3168.
const CAPABLE: i32 = 2;
const CONGESTED: u8 = 3;

/// What is sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Datagrams {
    pub(crate) count: u32,
    pub(crate) every: Duration,
    /// How long each is, without headers.
    pub(crate) bytes: usize,
    /// Whether they may be marked when there is congestion.
    pub(crate) markable: bool,
}

impl Datagrams {
    /// Small ones.
    pub(crate) const fn new(count: u32, every: Duration) -> Self {
        Self {
            count,
            every,
            bytes: 16,
            markable: false,
        }
    }
}

/// One that came.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Came {
    pub(crate) number: u32,
    /// Since 1970.
    pub(crate) at: Duration,
    /// How much later than it was sent.
    pub(crate) late: Duration,
    pub(crate) marked: bool,
}

fn now() -> Duration {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.unwrap()
}

/// Sends from blue to red. What came, in its order, until nothing came for longer than `pause`.
pub(crate) fn send(world: &World, datagrams: Datagrams, pause: Duration) -> Vec<Came> {
    go(&world.blue, (&world.red, "10.9.0.2:0"), datagrams, pause)
}

/// The same from red to blue.
pub(crate) fn send_back(world: &World, datagrams: Datagrams, pause: Duration) -> Vec<Came> {
    go(&world.red, (&world.blue, "10.9.0.1:0"), datagrams, pause)
}

fn go(
    from: &Space,
    (to, address): (&Space, &'static str),
    datagrams: Datagrams,
    pause: Duration,
) -> Vec<Came> {
    let receiver = to.run(move || {
        let socket = UdpSocket::bind(address).unwrap();
        setsockopt(&socket, RcvBufForce, &(64 << 20)).unwrap();
        setsockopt(&socket, ReceiveTimestampns, &true).unwrap();
        setsockopt(&socket, IpRecvTos, &true).unwrap();
        socket
    });
    let address = receiver.local_addr().unwrap();
    let sent = from.run(move || {
        let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
        setsockopt(&socket, SndBufForce, &(64 << 20)).unwrap();
        if datagrams.markable {
            setsockopt(&socket, Ipv4Tos, &CAPABLE).unwrap();
        }
        socket.connect(address).unwrap();
        let mut bytes = vec![7; datagrams.bytes];
        let start = now();
        let mut sent = Vec::new();
        for number in 0..datagrams.count {
            let due = start + datagrams.every * number;
            std::thread::sleep(due.saturating_sub(now()));
            bytes[..4].copy_from_slice(&number.to_be_bytes());
            sent.push(now());
            // What is dropped on the way out may be told to the sender.
            socket.send(&bytes).ok();
        }
        sent
    });
    receiver.set_read_timeout(Some(pause + STALL)).unwrap();
    let mut came = Vec::new();
    while let Some((number, at, marked)) = receive(&receiver) {
        let late = at.saturating_sub(sent[usize::try_from(number).unwrap()]);
        came.push(Came {
            number,
            at,
            late,
            marked,
        });
    }
    came
}

/// The number of one that came, when, and whether it is marked.
fn receive(socket: &UdpSocket) -> Option<(u32, Duration, bool)> {
    let mut bytes = [0; 2048];
    let mut parts = [IoSliceMut::new(&mut bytes)];
    let mut space = cmsg_space!(TimeSpec, u8);
    let (file, flags) = (socket.as_raw_fd(), MsgFlags::empty());
    let message = recvmsg::<()>(file, &mut parts, Some(&mut space), flags).ok()?;
    let (mut at, mut marked) = (None, false);
    for said in message.cmsgs().unwrap() {
        match said {
            ControlMessageOwned::ScmTimestampns(time) => at = Some(Duration::from(time)),
            ControlMessageOwned::Ipv4Tos(tos) => marked = tos & CONGESTED == CONGESTED,
            _ => {}
        }
    }
    let number = u32::from_be_bytes(bytes[..4].try_into().unwrap());
    Some((number, at.unwrap(), marked))
}

/// The time from one to the one that comes `after` it, mostly: the middle one of all such times, of which a machine that
/// stalls makes some longer and some shorter.
pub(crate) fn apart(came: &[Came], after: usize) -> Duration {
    let pairs = came.iter().zip(came.iter().skip(after));
    let mut times: Vec<Duration> = pairs.map(|(one, other)| other.at - one.at).collect();
    times.sort_unstable();
    times[times.len() / 2]
}

/// The share of so many that is lost, and how many are lost in a row, on average.
pub(crate) fn rows(came: &[Came], count: u32) -> (f64, f64) {
    let mut lost = vec![true; usize::try_from(count).unwrap()];
    for one in came {
        lost[usize::try_from(one.number).unwrap()] = false;
    }
    let all = lost.iter().filter(|lost| **lost).count() as f64;
    let rows = lost.chunk_by(|a, b| a == b).filter(|row| row[0]).count() as f64;
    (all / f64::from(count), all / rows.max(1.0))
}
