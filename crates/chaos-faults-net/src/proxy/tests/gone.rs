//! An end that is gone though nobody reads from it. On Linux, where it is noticed.

use super::{put, until};
use crate::{
    Bandwidth, Blackhole, Direction, Latency, SlowClose,
    proxy::{Proxy, departure::Departure, shared::ENDED},
};
use chaos_core::Held;
use socket2::SockRef;
use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, TcpStream},
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

const HOUR: Duration = Duration::from_secs(3600);

/// A proxy with one connection that is served.
async fn connection() -> (Proxy, TcpStream, TcpStream) {
    let (proxy, mut client, mut server) = super::connection().await;
    server.write_all(b"!").unwrap();
    client.read_exact(&mut [0]).unwrap();
    (proxy, client, server)
}

/// Ends a connection with a reset.
fn reset(stream: TcpStream) {
    SockRef::from(&stream)
        .set_linger(Some(Duration::ZERO))
        .unwrap();
}

/// Reads until the connection ends: how much there was, and whether it was a reset.
fn rest(stream: &mut TcpStream) -> (usize, Option<ErrorKind>) {
    let mut said = Vec::new();
    let ended = stream.read_to_end(&mut said);
    (said.len(), ended.err().map(|error| error.kind()))
}

const RESET: Option<ErrorKind> = Some(ErrorKind::ConnectionReset);

fn all_closed(proxy: &Proxy) {
    until("the connection is let go", || {
        proxy.shared().open().load(Ordering::Relaxed) == 0
    });
}

/// Writes until nothing is taken any more.
fn fill(stream: &mut TcpStream) {
    stream
        .set_write_timeout(Some(Duration::from_millis(100)))
        .unwrap();
    while stream.write(&[7; 64 * 1024]).is_ok() {}
}

fn is_silent(stream: &mut TcpStream) -> bool {
    stream
        .set_read_timeout(Some(Duration::from_millis(50)))
        .unwrap();
    let silent = stream
        .peek(&mut [0])
        .is_err_and(|error| [ErrorKind::WouldBlock, ErrorKind::TimedOut].contains(&error.kind()));
    stream.set_read_timeout(Some(super::LIMIT)).unwrap();
    silent
}

#[tokio::test]
async fn a_client_that_had_said_all_and_is_reset_is_let_go() {
    let (proxy, client, mut server) = connection().await;
    let hole = put(&proxy, Blackhole::new());
    client.shutdown(Shutdown::Write).unwrap();
    until("it was heard that this is all", || hole.hits() > Some(0));
    assert!(is_silent(&mut server));
    reset(client);
    all_closed(&proxy);
    assert_eq!(rest(&mut server), (0, RESET));
    assert!(hole.in_place());
}

#[tokio::test]
async fn what_a_client_said_before_it_was_reset_arrives_first_unless_it_is_held() {
    for held in [false, true] {
        let (proxy, mut client, mut server) = connection().await;
        let both = Direction::Both;
        let fault = match held {
            false => put(&proxy, Bandwidth::per_second(2_000_000).on_proxy(both)),
            true => put(&proxy, Bandwidth::per_second(0).on_proxy(both)),
        };
        fill(&mut client);
        reset(client);
        let (said, broken) = rest(&mut server);
        // All that was queued, and what the kernel had of it.
        assert_eq!(said > 100_000, !held, "{said}");
        assert_eq!(broken, RESET);
        all_closed(&proxy);
        drop(fault);
    }
}

#[tokio::test]
async fn a_client_that_is_there_hears_through_a_black_hole_of_no_reset_of_its_upstream() {
    for full in [false, true] {
        let (proxy, mut client, mut server) = connection().await;
        let hole = put(&proxy, Blackhole::new());
        server.write_all(b"last words").unwrap();
        if full {
            fill(&mut server);
        }
        reset(server);
        until("something was heard", || hole.hits() > Some(0));
        assert!(is_silent(&mut client));
        hole.release().unwrap();
        let (said, broken) = rest(&mut client);
        assert!(said >= 10, "{said}");
        assert_eq!(broken, RESET);
        all_closed(&proxy);
    }
}

#[tokio::test]
async fn a_client_that_goes_after_its_upstream_was_reset_is_let_go() {
    for (full, ends) in [(false, false), (false, true), (true, false), (true, true)] {
        let (proxy, mut client, mut server) = connection().await;
        let latency = Latency::new(HOUR).direction(Direction::Both);
        let slow = put(
            &proxy,
            Bandwidth::per_second(1000).on_proxy(Direction::Both),
        );
        let hour = put(&proxy, latency);
        client.write_all(b"never answered").unwrap();
        server.write_all(b"last words").unwrap();
        if full {
            fill(&mut server);
        }
        reset(server);
        assert!(is_silent(&mut client));
        match ends {
            true => client.shutdown(Shutdown::Write).unwrap(),
            false => reset(client),
        }
        all_closed(&proxy);
        drop((slow, hour));
    }
}

#[tokio::test]
async fn a_client_that_has_said_all_and_is_reset_is_noticed_without_a_fault() {
    let (proxy, client, mut server) = connection().await;
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(server.read(&mut [0]).unwrap(), 0);
    // It is no more than that as long as it may want an answer.
    server.write_all(b"answer").unwrap();
    (&client).read_exact(&mut [0; 6]).unwrap();
    reset(client);
    all_closed(&proxy);
}

#[tokio::test]
async fn a_client_that_is_reset_is_noticed_by_its_upstream_only_as_late_as_slow_close_says() {
    let (proxy, client, mut server) = connection().await;
    let two_minutes = Duration::from_secs(120);
    let slow = SlowClose::new(two_minutes).direction(Direction::Both);
    let slow = put(&proxy, slow);
    reset(client);
    assert!(is_silent(&mut server));
    slow.release().unwrap();
    assert_eq!(rest(&mut server), (0, RESET));
    all_closed(&proxy);
}

#[tokio::test]
async fn what_nobody_takes_of_who_is_gone_is_let_go_in_the_end() {
    let (proxy, mut client, server) = connection().await;
    fill(&mut client);
    let gone = Instant::now();
    reset(client);
    all_closed(&proxy);
    let took = gone.elapsed();
    let linger = Departure::LINGER;
    assert!(took >= linger && took < linger * 2, "{took:?}");
    drop(server);
}

#[tokio::test]
async fn new_clients_that_have_ended_their_streams_are_kept_in_a_black_hole_as_long_as_there_is_room()
 {
    let (proxy, client, server) = connection().await;
    drop((client, server));
    all_closed(&proxy);
    let hole = put(&proxy, Blackhole::new());
    let mut clients = Vec::new();
    for _ in 0..ENDED + 20 {
        let mut client = TcpStream::connect(proxy.address()).unwrap();
        client.write_all(b"?").unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        clients.push(client);
    }
    let ended = Instant::now();
    until("those for whom there is no room are let go", || {
        let open = proxy.shared().open().load(Ordering::Relaxed);
        open == ENDED && hole.hits() == Some((ENDED + 20) as u64)
    });
    all_closed(&proxy);
    let took = ended.elapsed();
    let linger = Departure::LINGER;
    assert!(
        took >= linger - Duration::from_secs(2) && took < linger * 2,
        "{took:?}"
    );
    hole.release().unwrap();
}
