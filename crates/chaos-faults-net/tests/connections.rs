//! Which connections of a proxy a fault hits, with real sockets on loopback.

#[expect(dead_code, reason = "shared with other tests")]
mod world;

use chaos_faults_net::{Blackhole, Latency, Refuse, Reset};
use std::{io::ErrorKind, time::Duration};
use tokio::{io::AsyncWriteExt, net::TcpStream};
use world::{Server, connect, how_it_breaks, is_silent, ping, put, take_off, within};

#[tokio::test]
async fn a_connection_is_hit_both_ways_or_not_at_all() {
    let server = Server::echo().await;
    let proxy = server.proxy().await;
    let mut streams = Vec::new();
    for _ in 0..20 {
        let mut stream = connect(&proxy).await;
        ping(&mut stream).await.unwrap();
        streams.push(stream);
    }
    let fault = put(Blackhole::new().toxicity(50.0), &proxy).await;
    let mut silent = Vec::new();
    for stream in &mut streams {
        stream.write_all(b"ping").await.unwrap();
        silent.push(is_silent(stream, Duration::from_millis(100)).await);
    }
    assert!(
        silent.contains(&true) && silent.contains(&false),
        "{silent:?}"
    );
    take_off(fault).await;
}

#[tokio::test]
async fn only_the_connections_of_some_clients_are_hit() {
    let server = Server::echo().await;
    let proxy = server.proxy().await;
    let mut stream = connect(&proxy).await;
    ping(&mut stream).await.unwrap();
    let other = put(Reset::new().clients(["10.0.0.0/8", "::1"]), &proxy).await;
    ping(&mut stream).await.unwrap();
    let mut second = connect(&proxy).await;
    ping(&mut second).await.unwrap();
    assert_eq!(take_off(other).await.hits, 0);

    let ours = put(Reset::new().clients(["10.0.0.0/8", "127.0.0.0/8"]), &proxy).await;
    for stream in [&mut stream, &mut second] {
        assert_eq!(how_it_breaks(stream).await, ErrorKind::ConnectionReset);
    }
    let error = match within(TcpStream::connect(proxy.address())).await {
        Ok(mut stream) => how_it_breaks(&mut stream).await,
        Err(error) => error.kind(),
    };
    assert_eq!(error, ErrorKind::ConnectionReset);
    assert_eq!(take_off(ours).await.hits, 3);
}

#[tokio::test]
async fn only_some_clients_are_refused() {
    let server = Server::echo().await;
    let proxy = server.proxy().await;
    let mut stream = connect(&proxy).await;
    ping(&mut stream).await.unwrap();
    let others = put(Refuse::new().clients(["10.0.0.0/8"]), &proxy).await;
    ping(&mut stream).await.unwrap();
    ping(&mut connect(&proxy).await).await.unwrap();
    assert_eq!(take_off(others).await.hits, 0);

    let some = put(Refuse::new().toxicity(50.0), &proxy).await;
    let mut served = Vec::new();
    for _ in 0..40 {
        served.push(match within(TcpStream::connect(proxy.address())).await {
            Ok(mut stream) => ping(&mut stream).await.is_ok(),
            Err(_) => false,
        });
    }
    let refused = served.iter().filter(|served| !**served).count();
    assert!(served.contains(&true) && refused > 0, "{served:?}");
    assert!(take_off(some).await.hits >= refused as u64);
    ping(&mut connect(&proxy).await).await.unwrap();
}

#[tokio::test]
async fn a_held_connection_that_is_not_meant_is_served() {
    let server = Server::echo().await;
    let proxy = server.proxy().await;
    let fault = put(Blackhole::new().clients(["10.0.0.1"]), &proxy).await;
    ping(&mut connect(&proxy).await).await.unwrap();
    assert_eq!(take_off(fault).await.hits, 0);
}

#[tokio::test]
async fn a_share_of_nothing_hits_nothing() {
    let server = Server::echo().await;
    let proxy = server.proxy().await;
    let fault = put(
        Latency::new(Duration::from_secs(3600)).toxicity(0.0),
        &proxy,
    )
    .await;
    ping(&mut connect(&proxy).await).await.unwrap();
    assert_eq!(take_off(fault).await.hits, 0);
}
