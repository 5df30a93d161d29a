//! Which path the data takes, and that nothing is lost or reordered between them.

use super::{LIMIT, connect, connection, put, until};
use crate::{Bandwidth, Blackhole, Direction, Latency, Loss, Proxy, direction::Flow};
use chaos_core::Held;
use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

const SPLICES: bool = cfg!(target_os = "linux");
const MIB: u64 = 1024 * 1024;

/// Bytes that show when one is missing or out of order: random, with a period that no buffer has.
struct Sample(Vec<u8>);

impl Sample {
    fn new(seed: u64) -> Self {
        let mut state = seed | 1;
        let byte = |_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[3]
        };
        Self((0..1_000_003).map(byte).collect())
    }

    /// What comes after so many bytes, up to the end of the period.
    fn after(&self, bytes: u64) -> &[u8] {
        let at = usize::try_from(bytes % self.0.len() as u64).unwrap();
        &self.0[at..]
    }
}

/// Sends the sample over and over until told to stop, then has no more to say; how many bytes.
fn send(mut to: TcpStream, seed: u64, stop: Arc<AtomicBool>) -> JoinHandle<u64> {
    thread::spawn(move || {
        let sample = Sample::new(seed);
        let mut sent = 0;
        while !stop.load(Ordering::Relaxed) {
            let next = sample.after(sent);
            let wrote = to.write(&next[..next.len().min(256 * 1024)]).unwrap();
            sent += wrote as u64;
        }
        to.shutdown(Shutdown::Write).unwrap();
        sent
    })
}

/// Compares what comes after so many bytes with the sample, and fails at the first byte that is wrong.
fn check(sample: &Sample, received: &mut u64, mut rest: &[u8]) {
    while !rest.is_empty() {
        let expected = sample.after(*received);
        let len = expected.len().min(rest.len());
        assert!(rest[..len] == expected[..len], "wrong after {received}");
        *received += len as u64;
        rest = &rest[len..];
    }
}

/// Reads the rest of the sample, of which so much was received; how many bytes in all.
fn receive(mut from: TcpStream, seed: u64, mut received: u64) -> JoinHandle<u64> {
    thread::spawn(move || {
        let sample = Sample::new(seed);
        let mut buffer = vec![0; 256 * 1024];
        loop {
            match from.read(&mut buffer).unwrap() {
                0 => return received,
                read => check(&sample, &mut received, &buffer[..read]),
            }
        }
    })
}

/// Bulk in both directions, until told to stop.
struct Bulk {
    stop: Arc<AtomicBool>,
    threads: [(JoinHandle<u64>, JoinHandle<u64>); 2],
}

impl Bulk {
    /// Begins, and waits until both ways have begun.
    fn start(proxy: &Proxy, client: &TcpStream, server: &TcpStream) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let pair = |from: &TcpStream, to: &TcpStream, seed| {
            let from = from.try_clone().unwrap();
            let to = to.try_clone().unwrap();
            (send(from, seed, Arc::clone(&stop)), receive(to, seed, 0))
        };
        let threads = [pair(client, server, 7), pair(server, client, 8)];
        let flows = [Flow::Upstream, Flow::Downstream];
        until("both ways have begun", || {
            let moved = |flow| {
                proxy
                    .shared()
                    .moved()
                    .way(flow)
                    .so_far()
                    .iter()
                    .sum::<u64>()
            };
            flows.iter().all(|flow| moved(*flow) > 0)
        });
        Self { stop, threads }
    }

    /// All that was sent has arrived.
    fn finish(self) {
        self.stop.store(true, Ordering::Relaxed);
        for (sent, received) in self.threads {
            let sent = sent.join().unwrap();
            assert_eq!(received.join().unwrap(), sent);
            assert!(sent > 0);
        }
    }
}

/// Waits for some megabytes more on the path that bulk takes without faults.
fn fast_again(proxy: &Proxy) {
    let path = usize::from(SPLICES);
    let before = proxy.shared().moved().so_far()[path];
    until("bulk is moved the fast way", || {
        proxy.shared().moved().so_far()[path] > before + 4 * MIB
    });
}

fn staged_again(proxy: &Proxy) {
    let before = proxy.shared().moved().so_far()[2];
    until("the data goes through the stages", || {
        proxy.shared().moved().so_far()[2] > before + 64 * 1024
    });
}

#[tokio::test]
async fn bulk_goes_back_to_the_fast_path_after_each_fault_and_nothing_is_lost() {
    let (proxy, client, server) = connection().await;
    let bulk = Bulk::start(&proxy, &client, &server);
    fast_again(&proxy);
    for round in 0..3 {
        let both = Direction::Both;
        let faults = [
            put(&proxy, Latency::ms(3).jitter_ms(3).direction(both)),
            put(&proxy, Bandwidth::per_second(50_000_000).on_proxy(both)),
            put(
                &proxy,
                Loss::percent(1.0).direction(crate::Direction::Downstream),
            ),
        ];
        staged_again(&proxy);
        drop(faults);
        fast_again(&proxy);
        let hole = put(&proxy, Blackhole::new());
        until("the black hole is felt", || hole.hits() > Some(0));
        hole.release().unwrap();
        fast_again(&proxy);
        // A fault that is over before anybody looked.
        put(
            &proxy,
            Latency::ms(round).direction(crate::Direction::Downstream),
        )
        .release()
        .unwrap();
    }
    bulk.finish();
}

#[tokio::test]
async fn what_is_within_the_kernel_when_a_fault_begins_is_not_lost() {
    let (proxy, mut client, server) = connection().await;
    let stop = Arc::new(AtomicBool::new(false));
    let sent = send(server, 9, Arc::clone(&stop));
    let (sample, mut received) = (Sample::new(9), 0);
    let mut buffer = vec![0; 256 * 1024];
    let path = usize::from(SPLICES);
    until("bulk is moved the fast way", || {
        let read = client.read(&mut buffer).unwrap();
        check(&sample, &mut received, &buffer[..read]);
        proxy.shared().moved().so_far()[path] > MIB
    });
    // Nobody reads, so everything between the two fills.
    let mut before = 0;
    until("nothing moves any more", || {
        thread::sleep(Duration::from_millis(100));
        let now = proxy.shared().moved().so_far().iter().sum();
        std::mem::replace(&mut before, now) == now
    });
    let fault = put(
        &proxy,
        Latency::ms(1).direction(crate::Direction::Downstream),
    );
    let received = receive(client, 9, received);
    staged_again(&proxy);
    fault.release().unwrap();
    fast_again(&proxy);
    stop.store(true, Ordering::Relaxed);
    assert_eq!(received.join().unwrap(), sent.join().unwrap());
}

#[tokio::test]
async fn messages_are_copied_at_once() {
    let (proxy, mut client, mut server) = connection().await;
    for len in [1, 100, 10_000] {
        let message = vec![1; len];
        for _ in 0..20 {
            client.write_all(&message).unwrap();
            server.read_exact(&mut vec![0; len]).unwrap();
            server.write_all(&message).unwrap();
            client.read_exact(&mut vec![0; len]).unwrap();
        }
    }
    assert_eq!(
        proxy.shared().moved().so_far(),
        [20 * 2 * (1 + 100 + 10_000), 0, 0]
    );
}

#[tokio::test]
async fn what_comes_with_the_end_arrives_before_it() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let upstream = listener.local_addr().unwrap().to_string();
    let proxy = Proxy::in_front_of(upstream).await.unwrap();
    for len in [1, 1000, 60_000, 600_000] {
        let message = Sample::new(len as u64).after(0)[..len].to_vec();
        for round in 0..20 {
            let (mut client, mut server) = connect(&proxy, &listener);
            // With little room the proxy cannot write all at once.
            if round % 2 == 0 {
                let client = socket2::SockRef::from(&client);
                client.set_recv_buffer_size(128 * 1024).unwrap();
            }
            let say = message.clone();
            let said = thread::spawn(move || server.write_all(&say));
            // All of it is there before anybody hears of it.
            if round % 4 < 2 && len < 10_000 {
                said.join().unwrap().unwrap();
            }
            let mut heard = Vec::new();
            client.read_to_end(&mut heard).unwrap();
            assert!(
                heard == message,
                "{len} bytes, round {round}: {}",
                heard.len()
            );
        }
    }
}

#[tokio::test]
async fn after_bulk_messages_are_copied_again() {
    let (proxy, mut client, mut server) = connection().await;
    let bulk = vec![1; 8 << 20];
    let reader = thread::spawn({
        let mut server = server.try_clone().unwrap();
        move || server.read_exact(&mut vec![0; 8 << 20]).unwrap()
    });
    client.write_all(&bulk).unwrap();
    reader.join().unwrap();
    assert_eq!(proxy.shared().moved().so_far()[1] > 0, SPLICES);
    let mut ping = || {
        client.write_all(b"ping").unwrap();
        server.read_exact(&mut [0; 4]).unwrap();
    };
    // So many small messages tell that the bulk is over.
    (0..8).for_each(|_| ping());
    let [copied, spliced, _] = proxy.shared().moved().so_far();
    (0..8).for_each(|_| ping());
    let now = proxy.shared().moved().so_far();
    assert_eq!(now, [copied + 32, spliced, 0]);
}

#[tokio::test]
async fn more_stuck_connections_than_tubes_do_not_stop_the_others() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let upstream = listener.local_addr().unwrap().to_string();
    let proxy = Proxy::in_front_of(upstream).await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let stuck: Vec<_> = (0..40)
        .map(|_| {
            let (client, server) = connect(&proxy, &listener);
            server.set_nonblocking(true).unwrap();
            let mut server = server;
            let block = vec![0; 1 << 20];
            let start = Instant::now();
            // Until everything on the way is full.
            let mut full = Instant::now();
            while full.elapsed() < Duration::from_millis(20) {
                assert!(start.elapsed() < LIMIT);
                match server.write(&block) {
                    Ok(some) if some > 0 => full = Instant::now(),
                    Ok(_) => unreachable!("it takes some or says that it would block"),
                    Err(_) => thread::sleep(Duration::from_millis(1)),
                }
            }
            (client, server)
        })
        .collect();
    let (client, server) = connect(&proxy, &listener);
    let (sent, received) = (send(server, 3, Arc::clone(&stop)), receive(client, 3, 0));
    let before: u64 = proxy.shared().moved().so_far().iter().sum();
    until("the last one moves", || {
        proxy.shared().moved().so_far().iter().sum::<u64>() > before + 16 * MIB
    });
    stop.store(true, Ordering::Relaxed);
    assert_eq!(received.join().unwrap(), sent.join().unwrap());
    drop(stuck);
}

#[tokio::test]
async fn what_is_accepted_is_sent_at_once() {
    let (proxy, mut client, mut server) = connection().await;
    // With Nagle's algorithm the second half waits for a delayed acknowledgement: 40 ms each time.
    let start = Instant::now();
    for _ in 0..20 {
        for half in [b"12", b"34"] {
            server.write_all(half).unwrap();
            thread::sleep(Duration::from_micros(200));
        }
        client.read_exact(&mut [0; 4]).unwrap();
    }
    assert!(start.elapsed() < Duration::from_millis(20 * 40));
    drop(proxy);
}

/// What an idle connection costs beside its sockets.
#[tokio::test]
async fn a_connection_is_small() {
    use super::super::{connection::serve, faults::Follower, stack::Link, stream::Stream};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let proxy = Proxy::in_front_of(address.to_string()).await.unwrap();
    let link = Link {
        number: 1000,
        cuts: 0,
        client: None,
    };
    let follower = Follower::new(Arc::clone(proxy.shared()), 1000);
    let serving = serve(follower, link, Stream::Tcp(stream));
    let size = size_of_val(&serving);
    assert!(size <= 1024, "{size} bytes");
}
