//! Where a proxy listens and what it connects to.

use chaos_core::{Engine, FaultExt};
use chaos_faults_net::{Proxy, Refuse};
use std::{
    io::{ErrorKind, Read, Write},
    net::{TcpListener, TcpStream},
    thread,
    time::Duration,
};

fn ping(proxy: &Proxy) {
    let mut client = TcpStream::connect(proxy.address()).unwrap();
    let limit = Some(Duration::from_secs(20));
    client.set_read_timeout(limit).unwrap();
    client.write_all(b"ping").unwrap();
    let mut reply = [0; 4];
    client.read_exact(&mut reply).unwrap();
    assert_eq!(&reply, b"ping");
}

fn echo(mut from: impl Read, mut to: impl Write) {
    std::io::copy(&mut from, &mut to).ok();
}

#[tokio::test]
async fn ipv6_on_both_sides() {
    let server = TcpListener::bind("[::1]:0").unwrap();
    let upstream = server.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in server.incoming() {
            let stream = stream.unwrap();
            thread::spawn(move || echo(&stream, &stream));
        }
    });
    let proxy = Proxy::listen("[::1]:0", upstream).await.unwrap();
    assert!(proxy.address().is_ipv6());
    ping(&proxy);

    let engine = Engine::open().await.unwrap();
    let refused = engine.inject(Refuse::new().on(&proxy)).await.unwrap();
    let error = TcpStream::connect(proxy.address()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    refused.recover().await.unwrap();
    ping(&proxy);
}

#[cfg(unix)]
#[tokio::test]
async fn a_unix_socket_as_the_upstream() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("server.sock");
    let server = std::os::unix::net::UnixListener::bind(&path).unwrap();
    thread::spawn(move || {
        for stream in server.incoming() {
            let stream = stream.unwrap();
            thread::spawn(move || echo(&stream, &stream));
        }
    });
    let upstream = format!("unix:{}", path.display());
    let proxy = Proxy::in_front_of(upstream).await.unwrap();
    ping(&proxy);

    // In bulk, too.
    const BYTES: usize = 32 << 20;
    let client = TcpStream::connect(proxy.address()).unwrap();
    let sender = thread::spawn({
        let mut client = client.try_clone().unwrap();
        move || {
            let all: Vec<u8> = (0..BYTES).map(|i| (i % 251) as u8).collect();
            client.write_all(&all).unwrap();
            client.shutdown(std::net::Shutdown::Write).unwrap();
        }
    });
    let mut all = Vec::new();
    (&client).read_to_end(&mut all).unwrap();
    sender.join().unwrap();
    assert_eq!(all.len(), BYTES);
    assert!((0..BYTES).all(|i| all[i] == (i % 251) as u8));
}

#[tokio::test]
async fn what_is_no_address_is_refused_with_what_is() {
    for upstream in ["", "host", ":80", "host:0", "unix:", "unix:relative"] {
        let error = Proxy::in_front_of(upstream).await.unwrap_err().to_string();
        assert!(error.contains("is not an address"), "{upstream}: {error}");
    }
}
