//! Every fault keeps the promises that every fault keeps.

use chaos_core::{Fault, FaultExt, Registry, testing::Conformance};
use chaos_faults_net::{
    AcceptDelay, Bandwidth, Blackhole, Corrupt, Duplicate, Latency, Limit, Loss, MaxConnections,
    Proxy, Refuse, Reorder, Reset, Slice, SlowClose,
};
use std::time::Duration;

async fn keeps_the_promises<F: Fault>(make: impl Fn() -> F + Send + Sync + 'static) {
    on(Proxy::in_front_of("127.0.0.1:9").await.unwrap(), make).await;
}

async fn keeps_the_promises_on_datagrams<F: Fault>(make: impl Fn() -> F + Send + Sync + 'static) {
    on(Proxy::udp("127.0.0.1:9").await.unwrap(), make).await;
}

async fn on<F: Fault>(proxy: Proxy, make: impl Fn() -> F + Send + Sync + 'static) {
    let mut registry = Registry::new();
    chaos_faults_net::register(&mut registry);
    Conformance::new(registry, move || make().on(&proxy))
        .run()
        .await;
}

#[tokio::test]
async fn latency() {
    keeps_the_promises(|| Latency::ms(5).jitter_ms(5)).await;
}

#[tokio::test]
async fn loss() {
    keeps_the_promises(|| Loss::percent(10.0)).await;
}

#[tokio::test]
async fn bandwidth() {
    keeps_the_promises(|| Bandwidth::per_second(1000)).await;
}

#[tokio::test]
async fn blackhole() {
    keeps_the_promises(Blackhole::new).await;
}

#[tokio::test]
async fn reset() {
    keeps_the_promises(Reset::new).await;
}

#[tokio::test]
async fn limit() {
    keeps_the_promises(|| Limit::bytes(1000).toxicity(50.0)).await;
}

#[tokio::test]
async fn slow_close() {
    keeps_the_promises(|| SlowClose::new(Duration::from_millis(5))).await;
}

#[tokio::test]
async fn slice() {
    keeps_the_promises(|| Slice::bytes(10).variation(5)).await;
}

#[tokio::test]
async fn later_reset() {
    keeps_the_promises(|| Reset::new().after(Duration::from_secs(1)).after_bytes(1)).await;
}

#[tokio::test]
async fn refuse_some() {
    keeps_the_promises(|| Refuse::new().toxicity(50.0)).await;
}

#[tokio::test]
async fn accept_delay() {
    keeps_the_promises(|| AcceptDelay::new(Duration::from_millis(5))).await;
}

#[tokio::test]
async fn max_connections() {
    keeps_the_promises(|| MaxConnections::new(1)).await;
}

#[tokio::test]
async fn corrupt() {
    keeps_the_promises(|| Corrupt::percent(1.0)).await;
}

/// Here the world can be seen from outside: whether somebody listens.
#[tokio::test]
async fn refuse() {
    let proxy = Proxy::in_front_of("127.0.0.1:9").await.unwrap();
    let address = proxy.address();
    let look = move || match std::net::TcpStream::connect(address) {
        Ok(_) => "open".to_owned(),
        Err(error) => error.kind().to_string(),
    };
    let mut registry = Registry::new();
    chaos_faults_net::register(&mut registry);
    Conformance::new(registry, move || Refuse::new().on(&proxy))
        .world(look)
        .run()
        .await;
}

#[tokio::test]
async fn shared_bandwidth_and_none() {
    keeps_the_promises(|| Bandwidth::per_second(1000).shared()).await;
    keeps_the_promises(|| Bandwidth::per_second(0)).await;
}

#[tokio::test]
async fn latency_of_datagrams() {
    keeps_the_promises_on_datagrams(|| Latency::ms(5).jitter_ms(5)).await;
}

#[tokio::test]
async fn loss_of_datagrams() {
    keeps_the_promises_on_datagrams(|| Loss::percent(10.0)).await;
}

#[tokio::test]
async fn bandwidth_for_datagrams() {
    keeps_the_promises_on_datagrams(|| Bandwidth::per_second(1000).shared()).await;
}

#[tokio::test]
async fn blackhole_for_datagrams() {
    keeps_the_promises_on_datagrams(Blackhole::new).await;
}

#[tokio::test]
async fn corrupt_datagrams() {
    keeps_the_promises_on_datagrams(|| Corrupt::percent(1.0)).await;
}

#[tokio::test]
async fn duplicate_datagrams() {
    keeps_the_promises_on_datagrams(|| Duplicate::percent(1.0).toxicity(50.0)).await;
}

#[tokio::test]
async fn reorder_datagrams() {
    keeps_the_promises_on_datagrams(|| Reorder::percent(1.0, Duration::from_millis(5))).await;
}

/// Here the world can be seen from outside, too: whether a datagram is refused.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn refuse_datagrams() {
    let proxy = Proxy::udp("127.0.0.1:9").await.unwrap();
    let address = proxy.address();
    let look = move || {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(address).unwrap();
        socket.send(b"x").unwrap();
        // On loopback the answer is there when the call is over.
        match socket.take_error().unwrap() {
            None => "open".to_owned(),
            Some(error) => error.kind().to_string(),
        }
    };
    let mut registry = Registry::new();
    chaos_faults_net::register(&mut registry);
    Conformance::new(registry, move || Refuse::new().on(&proxy))
        .world(look)
        .run()
        .await;
}
