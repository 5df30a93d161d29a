//! Traffic to servers that echo it.

use super::world::{RED, World};
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream, UdpSocket},
    time::{Duration, Instant},
};

/// Sends so many bytes to a server that echoes them, and reads them back; how long it took.
pub(crate) fn echo(world: &World, address: &str, bytes: usize) -> Duration {
    let address: SocketAddr = address.parse().unwrap();
    world.blue.run(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        let mut copy = stream.try_clone().unwrap();
        let start = Instant::now();
        let writer = std::thread::spawn(move || copy.write_all(&vec![7; bytes]).unwrap());
        let mut left = bytes;
        let mut buffer = vec![0; 64 * 1024];
        while left > 0 {
            let n = stream.read(&mut buffer).unwrap();
            assert_ne!(n, 0);
            left -= n;
        }
        writer.join().unwrap();
        start.elapsed()
    })
}

/// Sends a server that echoes them twice as many datagrams as a rate lets through; how many bytes per second came back at
/// least, and at most, with the headers of Ethernet, of IP and of UDP. When the first one came is known only as far as the
/// machine does not stall.
pub(crate) fn flood(world: &World, bytes_per_second: u32) -> [f64; 2] {
    const DATAGRAM: u32 = 1000;
    const ON_THE_WIRE: u32 = DATAGRAM + 14 + 20 + 8;
    let every = Duration::from_secs(1) * ON_THE_WIRE / (2 * bytes_per_second);
    world.blue.run(move || {
        let socket = UdpSocket::bind("10.9.0.1:0").unwrap();
        socket.connect(RED).unwrap();
        socket
            .set_read_timeout(Some(Duration::from_millis(500)))
            .unwrap();
        let reader = socket.try_clone().unwrap();
        let reading = std::thread::spawn(move || {
            let mut arrived = Vec::new();
            while reader.recv(&mut [0; 1500]).is_ok() {
                arrived.push(Instant::now());
            }
            arrived
        });
        let start = Instant::now();
        for n in 0..1000 {
            std::thread::sleep((every * n).saturating_sub(start.elapsed()));
            // What is dropped on the way out is told to the sender.
            socket.send(&[7; DATAGRAM as usize]).ok();
        }
        let arrived = reading.join().unwrap();
        let (first, last) = (arrived.first().unwrap(), arrived.last().unwrap());
        let bytes = |datagrams: usize| f64::from(ON_THE_WIRE) * datagrams as f64;
        [
            bytes(arrived.len()) / (*last - start).as_secs_f64(),
            bytes(arrived.len() - 1) / (*last - *first).as_secs_f64(),
        ]
    })
}

/// Sends datagrams to a server that echoes them. What came back: which one, and how much later.
pub(crate) fn datagrams(
    world: &World,
    count: u32,
    every: Duration,
    patience: Duration,
) -> Vec<(u32, Duration)> {
    world.blue.run(move || {
        let socket = UdpSocket::bind("10.9.0.1:0").unwrap();
        socket.connect(RED).unwrap();
        let reader = socket.try_clone().unwrap();
        let start = Instant::now();
        let reading = std::thread::spawn(move || {
            let mut seen = Vec::new();
            let mut buffer = [0; 64];
            let end = every * count + patience;
            while let Some(left) = end.checked_sub(start.elapsed()).filter(|l| !l.is_zero()) {
                reader.set_read_timeout(Some(left)).unwrap();
                if let Ok(4) = reader.recv(&mut buffer) {
                    let n = u32::from_be_bytes(buffer[..4].try_into().unwrap());
                    seen.push((n, start.elapsed()));
                }
            }
            seen
        });
        let mut sent = Vec::new();
        for n in 0..count {
            std::thread::sleep((every * n).saturating_sub(start.elapsed()));
            sent.push(start.elapsed());
            // What is dropped on the way out is told to the sender.
            socket.send(&n.to_be_bytes()).ok();
        }
        let seen = reading.join().unwrap().into_iter();
        let known = seen.filter(|(n, _)| *n < count);
        known
            .map(|(n, at)| (n, at.saturating_sub(sent[usize::try_from(n).unwrap()])))
            .collect()
    })
}

/// The middle one.
pub(crate) fn median(seen: &[(u32, Duration)]) -> Duration {
    let mut late: Vec<Duration> = seen.iter().map(|(_, late)| *late).collect();
    late.sort_unstable();
    late[late.len() / 2]
}
