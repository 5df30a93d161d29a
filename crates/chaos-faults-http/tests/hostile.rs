//! Many clients, slow ones and bad ones: nothing is left of them, and memory stays bounded.
#![cfg(target_os = "linux")]

#[expect(dead_code, reason = "shared with other tests")]
mod world;

use bytes::Bytes;
use chaos_faults_http::{Delay, HttpProxy};
use http::Request;
use http_body_util::Full;
use socket2::SockRef;
use std::{sync::Arc, sync::atomic::Ordering, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Mutex,
};
use world::{Client, Server, Speaks, put, take_off, until, within};

/// Both tests look at what the whole process has.
static ALONE: Mutex<()> = Mutex::const_new(());

/// How many sockets this process has. Other descriptors come and go with what the tests need.
fn sockets() -> usize {
    let descriptors = std::fs::read_dir("/proc/self/fd").unwrap();
    let is_socket = |link: std::path::PathBuf| link.to_string_lossy().starts_with("socket:");
    descriptors
        .flatten()
        .filter(|descriptor| std::fs::read_link(descriptor.path()).is_ok_and(is_socket))
        .count()
}

/// The process's share of memory, in bytes.
fn memory() -> usize {
    let rollup = std::fs::read_to_string("/proc/self/smaps_rollup").unwrap();
    let line = rollup
        .lines()
        .find(|line| line.starts_with("Pss:"))
        .unwrap();
    let kib: usize = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib * 1024
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
    let _alone = ALONE.lock().await;
    let server = Server::start().await;
    let proxy = server.proxy().await;
    // The first ones make what stays.
    for _ in 0..3 {
        storm(&proxy, 100).await;
    }
    let seen = Arc::clone(&server.seen);
    let open = move || seen.open.load(Ordering::SeqCst);
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
    let slow = put(Delay::new(Duration::from_secs(600)), &proxy).await;
    for _ in 0..50 {
        storm(&proxy, 100).await;
    }
    until("as many sockets as before", || {
        open() == 0 && sockets() <= own
    })
    .await;
    let grown = memory().saturating_sub(memory_before);
    assert!(grown < 32 * 1024 * 1024, "{grown} bytes more");
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

#[tokio::test]
async fn a_body_of_any_size_streams_through_and_a_slow_reader_slows_the_sender() {
    const SIZE: usize = 256 * 1024 * 1024;
    let _alone = ALONE.lock().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                assert_ne!(stream.read(&mut [0; 4096]).await.unwrap(), 0);
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n");
                stream.write_all(head.as_bytes()).await.unwrap();
                let block = vec![b'x'; 1024 * 1024];
                for _ in 0..SIZE / block.len() {
                    if stream.write_all(&block).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    let proxy = HttpProxy::in_front_of(upstream).await.unwrap();
    let before = memory();
    // This one never reads.
    let mut stuck = TcpStream::connect(proxy.address()).await.unwrap();
    stuck
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    let (mut block, mut read, mut most) = (vec![0; 256 * 1024], 0, 0);
    while read < SIZE {
        let count = within(stream.read(&mut block)).await.unwrap();
        assert_ne!(count, 0, "after {read} bytes");
        read += count;
        if read % 64 < 2 {
            most = most.max(memory().saturating_sub(before));
        }
    }
    most = most.max(memory().saturating_sub(before));
    assert!(most < 64 * 1024 * 1024, "{most} bytes more");
}

#[tokio::test]
async fn a_head_without_end_is_ended() {
    let server = Server::start().await;
    let proxy = server.proxy().await;
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n")
        .await
        .unwrap();
    let line = format!("X-Long: {}\r\n", "x".repeat(8000));
    let mut sent = 0;
    let ended = within(async {
        while stream.write_all(line.as_bytes()).await.is_ok() {
            sent += line.len();
            if sent > 64 * 1024 * 1024 {
                return false;
            }
        }
        true
    });
    assert!(ended.await, "{sent} bytes of a head were taken");
    let mut client = Client::connect(&proxy, Speaks::One).await;
    let request = Request::post("/").body(Full::new(Bytes::from(vec![b'x'; 1024 * 1024])));
    let told = client.ask(request.unwrap()).await.unwrap().json();
    assert_eq!(told["body"].as_str().unwrap().len(), 1024 * 1024);
}
