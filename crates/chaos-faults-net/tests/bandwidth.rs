//! A rate that connections share, and a rate of nothing, with real sockets on loopback.

#[expect(dead_code, reason = "shared with other tests")]
mod world;

use chaos_faults_net::{Bandwidth, Direction, Latency, Proxy};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};
use world::{Server, connect, is_silent, ping, put, take_off, takes, within};

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// How many bytes each of several connections has read so far.
struct Readers {
    read: Vec<Arc<AtomicUsize>>,
    _tasks: JoinSet<()>,
}

impl Readers {
    async fn start(proxy: &Proxy, count: usize) -> Self {
        let mut tasks = JoinSet::new();
        let mut read = Vec::new();
        for _ in 0..count {
            let mut stream = connect(proxy).await;
            let counter = Arc::new(AtomicUsize::new(0));
            read.push(Arc::clone(&counter));
            tasks.spawn(async move {
                let mut buffer = vec![0; 1 << 16];
                while let Ok(n @ 1..) = stream.read(&mut buffer).await {
                    counter.fetch_add(n, Ordering::Relaxed);
                }
            });
        }
        Self {
            read,
            _tasks: tasks,
        }
    }

    fn so_far(&self) -> Vec<usize> {
        let read = self.read.iter();
        read.map(|read| read.load(Ordering::Relaxed)).collect()
    }

    /// How long it takes until together they have read so many bytes more.
    async fn takes(&self, bytes: usize) -> Duration {
        let sum = || self.so_far().iter().sum::<usize>();
        let (start, before) = (Instant::now(), sum());
        world::until("the bytes arrive", || sum() >= before + bytes).await;
        start.elapsed()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_share_one_rate_in_equal_parts() {
    let server = Server::source(usize::MAX).await;
    for count in [1, 4] {
        let proxy = server.proxy().await;
        let fault = put(Bandwidth::per_second(1_000_000).shared(), &proxy).await;
        let readers = Readers::start(&proxy, count).await;
        // From when all of them take part.
        readers.takes(100_000).await;
        // Late timers are made up for within 50 ms.
        takes(ms(940)..ms(1200), async || {
            let before = readers.so_far();
            let took = readers.takes(1_000_000).await;
            let read: Vec<_> = (readers.so_far().iter().zip(&before))
                .map(|(now, before)| now - before)
                .collect();
            let part = 1_000_000 / count;
            assert!(
                (read.iter()).all(|read| (part * 7 / 10..part * 13 / 10).contains(read)),
                "{read:?}"
            );
            took
        })
        .await;
        assert!(take_off(fault).await.hits > 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sum_of_what_is_shared_is_exact() {
    // 4 × 750 kB at 1 MB/s.
    let server = Server::source(750_000).await;
    let proxy = server.proxy().await;
    let _fault = put(Bandwidth::per_second(1_000_000).shared(), &proxy).await;
    takes(ms(2985)..ms(3100), async || {
        let start = Instant::now();
        let mut all = JoinSet::new();
        for _ in 0..4 {
            let mut stream = connect(&proxy).await;
            all.spawn(async move {
                let mut read = Vec::new();
                within(stream.read_to_end(&mut read)).await.unwrap();
                read.len()
            });
        }
        assert_eq!(all.join_all().await, [750_000; 4]);
        start.elapsed()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_does_not_need_the_others_get() {
    let server = Server::source(usize::MAX).await;
    let proxy = server.proxy().await;
    let _fault = put(Bandwidth::per_second(1_000_000).shared(), &proxy).await;
    // They do not read, so what they could have is soon in their sockets.
    let mut idle = Vec::new();
    for _ in 0..3 {
        idle.push(TcpStream::connect(proxy.address()).await.unwrap());
    }
    drop(idle);
    let reader = Readers::start(&proxy, 1).await;
    reader.takes(10_000).await;
    takes(ms(440)..ms(700), async || reader.takes(500_000).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_end_leave_their_turn_to_the_others() {
    let server = Server::source(usize::MAX).await;
    let proxy = server.proxy().await;
    // With 200 others in the queue a turn of one piece each takes a second.
    let _fault = put(Bandwidth::per_second(100_000).shared(), &proxy).await;
    let others = Readers::start(&proxy, 200).await;
    others.takes(20_000).await;
    drop(others);
    let start = Instant::now();
    let reader = Readers::start(&proxy, 1).await;
    let first = start.elapsed();
    takes(ms(900)..ms(1900) - first, async || {
        reader.takes(100_000).await
    })
    .await;
}

#[tokio::test]
async fn each_direction_has_the_rate_for_itself() {
    let server = Server::echo().await;
    let proxy = server.proxy().await;
    let narrow = Bandwidth::per_second(100_000).shared();
    let _fault = put(narrow.direction(Direction::Both), &proxy).await;
    takes(ms(990)..ms(1400), async || {
        let (mut from, mut to) = connect(&proxy).await.into_split();
        let start = Instant::now();
        let block = vec![0; 100_000];
        let write = async { to.write_all(&block).await.unwrap() };
        let mut reply = vec![0; 100_000];
        let read = async { within(from.read_exact(&mut reply)).await.unwrap() };
        tokio::join!(write, read);
        start.elapsed()
    })
    .await;
}

#[tokio::test]
async fn at_a_rate_of_0_connections_stall_until_it_is_over() {
    let server = Server::echo().await;
    for fault in [Bandwidth::per_second(0), Bandwidth::per_second(0).shared()] {
        let proxy = server.proxy().await;
        let mut live = connect(&proxy).await;
        ping(&mut live).await.unwrap();
        let fault = put(fault, &proxy).await;
        let mut new = connect(&proxy).await;
        for stream in [&mut live, &mut new] {
            stream.write_all(b"held").await.unwrap();
            assert!(is_silent(stream, ms(100)).await);
        }
        assert_eq!(take_off(fault).await.hits, 2);
        for stream in [&mut live, &mut new] {
            let mut reply = [0; 4];
            within(stream.read_exact(&mut reply)).await.unwrap();
            assert_eq!(&reply, b"held");
        }
    }
}

#[tokio::test]
async fn the_rate_is_the_same_whichever_of_bandwidth_and_latency_is_first() {
    let server = Server::source(100_000).await;
    let proxy = server.proxy().await;
    let _bandwidth = put(Bandwidth::per_second(100_000), &proxy).await;
    let _latency = put(Latency::ms(300), &proxy).await;
    takes(ms(1290)..ms(1600), async || {
        let start = Instant::now();
        let mut stream = connect(&proxy).await;
        let mut all = Vec::new();
        within(stream.read_to_end(&mut all)).await.unwrap();
        assert_eq!(all.len(), 100_000);
        start.elapsed()
    })
    .await;
}
