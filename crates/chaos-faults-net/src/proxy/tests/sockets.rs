//! How the sockets of a proxy are set, and on which threads they are.

use super::{connect, connection};
use crate::proxy::{Address, Proxy, door::TcpDoor, stream::Stream, workers};
use std::net::{TcpListener, TcpStream};
use tokio::net::TcpStream as Tokio;

/// The two sockets that a proxy has for a connection.
async fn sockets() -> (Tokio, Tokio) {
    let mut door = TcpDoor::open("127.0.0.1:0".parse().unwrap()).unwrap();
    let client = TcpStream::connect(door.address()).unwrap();
    let (accepted, from) = std::future::poll_fn(|cx| door.poll_accept(cx))
        .await
        .unwrap();
    assert_eq!(from, client.local_addr().unwrap());
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let upstream = server.local_addr().unwrap().to_string();
    match Stream::connect(&upstream, &Address::Ip(door.address()))
        .await
        .unwrap()
    {
        Stream::Tcp(connected) => (accepted, connected),
        #[cfg(unix)]
        Stream::Unix(_) => unreachable!("it is no path"),
    }
}

#[tokio::test]
async fn what_is_to_be_sent_is_sent_at_once() {
    let (accepted, connected) = sockets().await;
    assert!(accepted.nodelay().unwrap());
    assert!(connected.nodelay().unwrap());
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn on_the_loopback_nothing_is_paced() {
    let (accepted, connected) = sockets().await;
    for socket in [accepted, connected] {
        let control = rustix::net::sockopt::tcp_congestion(&socket).unwrap();
        assert_eq!(control, "reno");
    }
}

#[tokio::test]
async fn connections_are_spread_over_the_workers() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let upstream = listener.local_addr().unwrap().to_string();
    let proxy = Proxy::in_front_of(upstream).await.unwrap();
    let _open: Vec<_> = (0..40).map(|_| connect(&proxy, &listener)).collect();
    let connections = workers::connections();
    // Those of other tests are among them, which changes nothing about the least.
    assert!(connections.iter().all(|n| *n >= 10), "{connections:?}");
}

#[tokio::test]
async fn an_end_that_goes_away_frees_its_worker() {
    let (proxy, client, server) = connection().await;
    drop(client);
    // It is told, and when it goes, too, nothing is left that could tell of a change.
    drop(server);
    super::until("nobody listens for faults any more", || {
        proxy.shared().faults().listeners() == 0
    });
}
