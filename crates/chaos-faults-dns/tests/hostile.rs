//! Many clients, slow ones and bad ones: nothing is left of them, and memory stays bounded.
#![cfg(target_os = "linux")]

#[expect(dead_code, reason = "shared with other tests")]
mod world;

use chaos_faults_dns::{Delay, DnsProxy, Nxdomain, Queries, Spoof, Truncate};
use peak_alloc::PeakAlloc;
use proptest::{collection::vec, prelude::*, strategy::ValueTree, test_runner::TestRunner};
use std::{
    collections::HashSet,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpStream, UdpSocket},
    sync::Mutex,
};
use world::{Query, Tcp, Upstream, echo, put, take_off, udp, until, within};

/// The tests look at what the whole process has.
static ALONE: Mutex<()> = Mutex::const_new(());

/// How many sockets of UDP and TCP the process has. Tests that wait for their turn have other descriptors.
fn sockets() -> usize {
    let tables = ["tcp", "tcp6", "udp", "udp6"].map(|table| {
        let table = std::fs::read_to_string(format!("/proc/self/net/{table}"));
        table.unwrap_or_default()
    });
    let inode = |line: &str| Some(format!("socket:[{}]", line.split_whitespace().nth(9)?));
    let lines = tables.iter().flat_map(|table| table.lines());
    let all: HashSet<String> = lines.filter_map(inode).collect();
    let ours = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
    // One that was closed meanwhile is none.
    let links = ours.filter_map(|fd| std::fs::read_link(fd.path()).ok());
    let is_one = |link: &PathBuf| all.contains(&*link.to_string_lossy());
    links.filter(is_one).count()
}

/// Nobody is connected, and nobody is asked: there are the two ports of a proxy, and those of its upstream.
async fn nothing_is_left() {
    until("nothing but the ports", || sockets() == 4).await;
}

/// Counts what is allocated, as the memory that a process has from its kernel is also what the arenas of its threads keep.
#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

/// How much memory is ours, in bytes.
fn memory() -> usize {
    ALLOCATED.current_usage()
}

/// Asks and hears so many times, each from a socket of its own for a hundred queries.
async fn ask_many(address: SocketAddr, queries: usize) {
    let clients: Vec<_> = (0..queries / 100)
        .map(|_| {
            tokio::spawn(async move {
                for _ in 0..100 {
                    let query = Query::a("many.example.").bytes();
                    assert_eq!(udp(address, &query).await, echo(&query));
                }
            })
        })
        .collect();
    for client in clients {
        within(client).await.unwrap();
    }
}

#[tokio::test]
async fn ten_thousand_queries_are_answered_and_leave_nothing() {
    let _alone = ALONE.lock().await;
    let upstream = Upstream::start().await;
    let proxy = upstream.proxy().await;
    ask_many(proxy.address(), 1000).await;
    let before = memory();
    for _ in 0..5 {
        ask_many(proxy.address(), 2000).await;
    }
    nothing_is_left().await;
    let grown = memory().saturating_sub(before);
    assert!(grown < 4 * 1024 * 1024, "{grown} bytes more");
    assert_eq!(upstream.asked().len(), 11_000);
}

#[tokio::test]
async fn a_flood_that_waits_is_bounded_and_the_rest_is_dropped() {
    let _alone = ALONE.lock().await;
    let upstream = Upstream::start().await;
    let proxy = upstream.proxy().await;
    let late = Delay::new(Duration::from_secs(600)).queries(Queries::name("late"));
    let fault = put(late, &proxy).await;
    let before = memory();
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.connect(proxy.address()).await.unwrap();
    // Twice as much as there is room for.
    let query = [&Query::a("late.").bytes()[..], &[0; 1400]].concat();
    let mut most = 0;
    for _ in 0..30_000 / 100 {
        for _ in 0..100 {
            socket.send(&query).await.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
        most = most.max(memory().saturating_sub(before));
    }
    assert!(most < 32 * 1024 * 1024, "{most} bytes more");
    let recovered = take_off(fault).await;
    let hits = recovered.hits;
    assert!((1000..16_000).contains(&hits), "{hits}");
    // It goes on.
    let start = Instant::now();
    loop {
        let query = Query::a("next.").bytes();
        let asked = async {
            let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            socket.connect(proxy.address()).await.unwrap();
            socket.send(&query).await.unwrap();
            socket.recv(&mut [0; 512]).await.unwrap()
        };
        let heard = tokio::time::timeout(Duration::from_millis(500), asked).await;
        if heard.is_ok() {
            break;
        }
        assert!(start.elapsed() < world::LIMIT);
    }
}

/// What a client says before it says nothing any more.
const BAD: [&[u8]; 6] = [
    b"",
    b"\0",
    b"\xff\xff",
    b"\0\x20half of it",
    b"\0\0\0\0\0\x01x",
    b"\0\x0c\x12\x34\x80\0\0\0\0\0\0\0\0\0",
];

#[tokio::test]
async fn tcp_clients_that_say_nothing_are_left_and_others_get_their_places() {
    let _alone = ALONE.lock().await;
    let upstream = Upstream::start().await;
    let builder = upstream.builder().timeout(Duration::from_millis(500));
    let proxy = builder.open().await.unwrap();
    let before = memory();
    let mut stuck = Vec::new();
    // More than are served at a time.
    for number in 0..400 {
        let mut stream = within(TcpStream::connect(proxy.address())).await.unwrap();
        within(stream.write_all(BAD[number % BAD.len()]))
            .await
            .unwrap();
        stuck.push(Tcp(stream));
    }
    let query = Query::a("a.").bytes();
    let mut good = Tcp::connect(proxy.address()).await;
    assert_eq!(good.ask(&query).await, echo(&query));
    for mut client in stuck.drain(..) {
        assert!(client.ended().await);
    }
    drop(good);
    nothing_is_left().await;
    let grown = memory().saturating_sub(before);
    assert!(grown < 1024 * 1024, "{grown} bytes more");
}

#[tokio::test]
async fn a_byte_now_and_then_does_not_keep_a_connection() {
    let _alone = ALONE.lock().await;
    let upstream = Upstream::start().await;
    let builder = upstream.builder().timeout(Duration::from_millis(500));
    let proxy = builder.open().await.unwrap();
    let mut stream = within(TcpStream::connect(proxy.address())).await.unwrap();
    let start = Instant::now();
    // A kilobyte would take ten times the limit.
    while stream.write_all(&[1]).await.is_ok() {
        assert!(start.elapsed() < world::LIMIT, "it is still served");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(start.elapsed() >= Duration::from_millis(500));
}

#[tokio::test]
async fn tcp_clients_that_do_not_wait_for_late_answers_leave_their_places_to_others() {
    let _alone = ALONE.lock().await;
    let upstream = Upstream::start().await;
    let builder = upstream.builder().timeout(Duration::from_millis(500));
    let proxy = builder.open().await.unwrap();
    let late = Delay::new(Duration::from_secs(600)).queries(Queries::name("late"));
    let fault = put(late, &proxy).await;
    // More than are served at a time.
    for _ in 0..400 {
        let mut client = Tcp::connect(proxy.address()).await;
        client.say(&Query::a("late.").bytes()).await;
    }
    let query = Query::a("a.").bytes();
    let mut good = Tcp::connect(proxy.address()).await;
    assert_eq!(good.ask(&query).await, echo(&query));
    // The last ones may not have been read yet.
    assert!(take_off(fault).await.hits > 300);
    drop(good);
    nothing_is_left().await;
}

#[tokio::test]
async fn a_client_that_never_listens_is_left() {
    let _alone = ALONE.lock().await;
    let upstream = Upstream::start().await;
    let builder = upstream.builder().timeout(Duration::from_millis(500));
    let proxy = builder.open().await.unwrap();
    let before = memory();
    let mut tcp = Tcp::connect(proxy.address()).await;
    let query = [&Query::a("a.").bytes()[..], &[0; 60_000]].concat();
    let framed = [
        &u16::try_from(query.len()).unwrap().to_be_bytes(),
        &query[..],
    ]
    .concat();
    let ended = within(async {
        let mut sent = 0;
        while tcp.0.write_all(&framed).await.is_ok() {
            sent += framed.len();
            assert!(sent < 256 * 1024 * 1024, "{sent} bytes were taken");
        }
    });
    ended.await;
    let grown = memory().saturating_sub(before);
    assert!(grown < 32 * 1024 * 1024, "{grown} bytes more");
}

async fn faults(proxy: &DnsProxy) -> Vec<chaos_core::Injection> {
    let some = || Queries::all().share(30.0);
    let address = IpAddr::from([192, 0, 2, 1]);
    vec![
        put(Delay::ms(1).queries(some()), proxy).await,
        put(Truncate::new().queries(some()), proxy).await,
        put(Nxdomain::new().queries(some()), proxy).await,
        put(Spoof::addresses([address]).queries(some()), proxy).await,
    ]
}

/// Anything, and what begins as a query does.
fn messages() -> impl Strategy<Value = Vec<u8>> {
    let anything = vec(any::<u8>(), 0..600);
    let like_a_query =
        (any::<[u8; 2]>(), vec(any::<u8>(), 0..200), 0..4_u8).prop_map(|(id, rest, questions)| {
            let header = [
                id[0],
                id[1],
                1,
                0,
                0,
                questions,
                0,
                0,
                0,
                0,
                0,
                rest.len() as u8 % 3,
            ];
            [&header[..], &rest].concat()
        });
    let mutated =
        (any::<prop::sample::Index>(), any::<u8>(), 29..80_usize).prop_map(|(at, byte, length)| {
            let mut query = Query::a("mutated.example.").edns(512).bytes();
            let at = at.index(query.len());
            query[at] = byte;
            query.truncate(length);
            query
        });
    prop_oneof![anything, like_a_query, mutated]
}

#[tokio::test]
async fn whatever_comes_is_answered_forwarded_or_dropped_and_nothing_panics() {
    static PANICS: AtomicUsize = AtomicUsize::new(0);
    let _alone = ALONE.lock().await;
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        PANICS.fetch_add(1, Ordering::SeqCst);
        usual(info);
    }));
    let upstream = Upstream::start().await;
    let proxy = upstream.proxy().await;
    let faults = faults(&proxy).await;
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.connect(proxy.address()).await.unwrap();
    let (mut hears, mut says) = Tcp::connect(proxy.address()).await.0.into_split();
    let hearing =
        tokio::spawn(async move { tokio::io::copy(&mut hears, &mut tokio::io::sink()).await });
    let mut runner = TestRunner::default();
    for _ in 0..2000 {
        let message = messages().new_tree(&mut runner).unwrap().current();
        socket.send(&message).await.unwrap();
        let length = u16::try_from(message.len()).unwrap().to_be_bytes();
        within(says.write_all(&[&length, &message[..]].concat()))
            .await
            .unwrap();
    }
    // When the last one is done with, the proxy ends the connection.
    says.shutdown().await.unwrap();
    within(hearing).await.unwrap().unwrap();
    let mut hits = 0;
    for fault in faults {
        hits += take_off(fault).await.hits;
    }
    assert!(hits > 100, "{hits}");
    let query = Query::a("last.").bytes();
    assert_eq!(udp(proxy.address(), &query).await, echo(&query));
    let mut tcp = Tcp::connect(proxy.address()).await;
    assert_eq!(tcp.ask(&query).await, echo(&query));
    assert_eq!(PANICS.load(Ordering::SeqCst), 0);
}
