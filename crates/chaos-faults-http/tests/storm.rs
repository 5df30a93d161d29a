//! Ten thousand clients that come and go: nothing is left of them. Alone in its process, whose sockets are counted.
#![cfg(target_os = "linux")]

#[expect(dead_code, reason = "shared with other tests")]
mod world;

use chaos_core::{Engine, FaultExt};
use chaos_faults_http::{Delay, HttpProxy, Requests};
use socket2::SockRef;
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::{io::AsyncWriteExt, net::TcpStream};
use world::{Client, Server, Speaks, memory, take_off, until, within};

/// How many sockets this process has. Other descriptors come and go with what the tests need.
fn sockets() -> usize {
    let descriptors = std::fs::read_dir("/proc/self/fd").unwrap();
    let is_socket = |link: std::path::PathBuf| link.to_string_lossy().starts_with("socket:");
    descriptors
        .flatten()
        .filter(|descriptor| std::fs::read_link(descriptor.path()).is_ok_and(is_socket))
        .count()
}

/// What a client says before it goes, and whether it goes with a reset.
const BAD: [(&[u8], bool); 8] = [
    (b"", false),
    (b"", true),
    (b"GET / HT", false),
    (b"GET / HTTP/1.1\r\nHost: a\r\nX: ", true),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf",
        true,
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        true,
    ),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", false),
    (
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
        true,
    ),
];

#[tokio::test]
async fn of_ten_thousand_clients_that_come_and_go_nothing_is_left() {
    let server = Server::start().await;
    let proxy = server.proxy().await;
    // The first ones make what stays.
    for _ in 0..3 {
        storm(&proxy, 100).await;
    }
    let seen = Arc::clone(&server.seen);
    let open = move || seen.open.load(Ordering::SeqCst);
    // The engine has a runtime of its own, and that may have sockets; it begins with the first fault.
    let engine = Engine::open().await.unwrap();
    let nothing = Delay::ms(1).requests(Requests::path("/nothing"));
    take_off(within(engine.inject(nothing.on(&proxy))).await.unwrap()).await;
    // The proxy's port and the server's, and what the runtimes have of their own.
    until("closed", || open() == 0).await;
    let own = {
        let none = HttpProxy::in_front_of("http://127.0.0.1:9").await.unwrap();
        let with_another = sockets();
        drop(none);
        until("the port is closed", || sockets() < with_another).await;
        sockets()
    };
    let memory_before = memory();
    for _ in 0..50 {
        storm(&proxy, 100).await;
    }
    let slow = Delay::new(Duration::from_secs(600)).on(&proxy);
    let slow = within(engine.inject(slow)).await.unwrap();
    for _ in 0..50 {
        storm(&proxy, 100).await;
    }
    until("as many sockets as before", || {
        open() == 0 && sockets() <= own
    })
    .await;
    let grown = memory().saturating_sub(memory_before);
    assert!(grown < 1024 * 1024, "{grown} bytes more");
    take_off(slow).await;
    let mut client = Client::connect(&proxy, Speaks::One).await;
    client.get("/").await.unwrap();
}

/// So many clients at once.
async fn storm(proxy: &HttpProxy, clients: usize) {
    let address = proxy.address();
    let clients: Vec<_> = (0..clients)
        .map(|number| {
            tokio::spawn(async move {
                let (says, reset) = BAD[number % BAD.len()];
                let mut stream = TcpStream::connect(address).await.unwrap();
                stream.write_all(says).await.unwrap();
                if number % 3 == 0 {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                if reset {
                    SockRef::from(&stream)
                        .set_linger(Some(Duration::ZERO))
                        .unwrap();
                }
            })
        })
        .collect();
    for client in clients {
        within(client).await.unwrap();
    }
}
