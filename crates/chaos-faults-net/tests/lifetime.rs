//! Faults on when connections begin and how long they live, with real sockets on loopback.

#[expect(dead_code, reason = "shared with other tests")]
mod world;

use chaos_core::Injection;
use chaos_faults_net::{AcceptDelay, Direction, Latency, MaxConnections, Proxy, Reset};
use std::{
    io::ErrorKind,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use world::{Server, connect, how_it_breaks, is_silent, ping, put, take_off, within};

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[tokio::test]
async fn a_reset_comes_after_its_time_once_for_each_connection() {
    let server = Server::echo().await;
    let proxy = server.proxy().await;
    let mut live = connect(&proxy).await;
    ping(&mut live).await.unwrap();
    let start = Instant::now();
    let fault = put(Reset::new().after(ms(300)), &proxy).await;
    let mut new = connect(&proxy).await;
    for stream in [&mut live, &mut new] {
        assert_eq!(how_it_breaks(stream).await, ErrorKind::ConnectionReset);
        assert!(start.elapsed() >= ms(300));
    }
    assert_eq!(take_off(fault).await.hits, 2);
}

#[tokio::test]
async fn a_reset_that_is_over_before_its_time_does_nothing() {
    let server = Server::echo().await;
    let proxy = server.proxy().await;
    let mut stream = connect(&proxy).await;
    ping(&mut stream).await.unwrap();
    let fault = put(Reset::new().after(Duration::from_secs(3600)), &proxy).await;
    ping(&mut stream).await.unwrap();
    assert_eq!(take_off(fault).await.hits, 0);
    ping(&mut stream).await.unwrap();
}

#[tokio::test]
async fn a_reset_comes_after_so_many_bytes() {
    let server = Server::source(1_000_000).await;
    let proxy = server.proxy().await;
    let fault = put(Reset::new().after_bytes(100_000), &proxy).await;
    let mut stream = connect(&proxy).await;
    let mut all = Vec::new();
    let error = within(stream.read_to_end(&mut all)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert!(all.len() <= 100_000, "{}", all.len());
    assert_eq!(take_off(fault).await.hits, 1);
}

#[tokio::test]
async fn a_reset_may_count_the_bytes_of_one_way() {
    let server = Server::source(300_000).await;
    let proxy = server.proxy().await;
    for (direction, whole) in [(Direction::Upstream, true), (Direction::Downstream, false)] {
        let reset = Reset::new().after_bytes(100_000).direction(direction);
        let fault = put(reset, &proxy).await;
        let mut all = Vec::new();
        let read = within(connect(&proxy).await.read_to_end(&mut all)).await;
        assert_eq!((read.is_ok(), all.len() > 100_000), (whole, whole));
        assert_eq!(take_off(fault).await.hits, u64::from(!whole));
    }
}

#[tokio::test]
async fn new_connections_wait_and_live_ones_do_not() {
    let server = Server::echo().await;
    let proxy = server.proxy().await;
    let mut live = connect(&proxy).await;
    ping(&mut live).await.unwrap();
    let fault = put(AcceptDelay::new(ms(400)), &proxy).await;
    let start = Instant::now();
    let mut new = connect(&proxy).await;
    // All is said before it is served.
    new.write_all(b"ping").await.unwrap();
    new.shutdown().await.unwrap();
    assert!(ping(&mut live).await.unwrap() < ms(300));
    let mut reply = Vec::new();
    within(new.read_to_end(&mut reply)).await.unwrap();
    assert_eq!(reply, b"ping");
    assert!(start.elapsed() >= ms(400));
    assert_eq!(take_off(fault).await.hits, 1);
}

#[tokio::test]
async fn who_waits_is_served_when_the_fault_is_over() {
    let server = Server::echo().await;
    let proxy = server.proxy().await;
    let fault = put(AcceptDelay::new(Duration::from_secs(3600)), &proxy).await;
    let mut stream = connect(&proxy).await;
    stream.write_all(b"ping").await.unwrap();
    assert!(is_silent(&mut stream, ms(100)).await);
    assert_eq!(take_off(fault).await.hits, 1);
    within(stream.read_exact(&mut [0; 4])).await.unwrap();
}

/// A new connection, if it is served; if not, it is reset.
async fn served(proxy: &Proxy) -> Option<TcpStream> {
    let mut stream = within(TcpStream::connect(proxy.address())).await.ok()?;
    match ping(&mut stream).await {
        Ok(_) => Some(stream),
        Err(error) => {
            let kinds = [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe];
            assert!(kinds.contains(&error.kind()), "{error}");
            None
        }
    }
}

#[tokio::test]
async fn beyond_so_many_new_connections_are_reset() {
    let server = Server::echo().await;
    let proxy = server.proxy().await;
    let first = served(&proxy).await.unwrap();
    let fault = put(MaxConnections::new(2), &proxy).await;
    let mut second = served(&proxy).await.unwrap();
    for _ in 0..3 {
        assert!(served(&proxy).await.is_none());
    }
    ping(&mut second).await.unwrap();
    drop(first);
    // The proxy hears of it a moment later.
    let third = within(async {
        loop {
            if let Some(third) = served(&proxy).await {
                return third;
            }
        }
    });
    let _third = third.await;
    assert!(served(&proxy).await.is_none());
    assert!(take_off(fault).await.hits >= 4);
    assert!(served(&proxy).await.is_some());
}

/// A proxy whose data is late both ways, with one connection: its fault, and both ends outside.
async fn late() -> (Proxy, Injection, [TcpStream; 2]) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = listener.local_addr().unwrap().to_string();
    let proxy = Proxy::in_front_of(upstream).await.unwrap();
    let mut client = connect(&proxy).await;
    let (mut server, _) = within(listener.accept()).await.unwrap();
    // Now the proxy knows both ends.
    server.write_all(b"x").await.unwrap();
    within(client.read_exact(&mut [0])).await.unwrap();
    let fault = put(Latency::ms(300).direction(Direction::Both), &proxy).await;
    (proxy, fault, [client, server])
}

/// On Linux: elsewhere a reset overtakes what was not read yet.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_last_words_of_who_is_reset_still_arrive_and_then_the_reset() {
    for from_client in [true, false] {
        let (_proxy, fault, mut ends) = late().await;
        if !from_client {
            ends.reverse();
        }
        let [mut sender, mut receiver] = ends;
        // What comes meanwhile comes to nobody.
        receiver.write_all(b"to nobody").await.unwrap();
        let start = Instant::now();
        sender.write_all(b"last words").await.unwrap();
        sender.set_zero_linger().unwrap();
        drop(sender);
        let mut said = [0; 10];
        within(receiver.read_exact(&mut said)).await.unwrap();
        assert_eq!(&said, b"last words");
        assert_eq!(
            how_it_breaks(&mut receiver).await,
            ErrorKind::ConnectionReset
        );
        assert!(start.elapsed() >= ms(300));
        assert!(take_off(fault).await.hits > 0);
    }
}

#[tokio::test]
async fn who_has_said_all_under_a_fault_still_gets_its_answer() {
    let (_proxy, fault, [mut client, mut server]) = late().await;
    client.write_all(b"request").await.unwrap();
    client.shutdown().await.unwrap();
    let mut said = String::new();
    within(server.read_to_string(&mut said)).await.unwrap();
    assert_eq!(said, "request");
    server.write_all(b"answer").await.unwrap();
    drop(server);
    said.clear();
    within(client.read_to_string(&mut said)).await.unwrap();
    assert_eq!(said, "answer");
    assert_eq!(take_off(fault).await.hits, 4);
}
