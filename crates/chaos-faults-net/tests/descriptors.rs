//! A proxy in a process that may open no more files. The test is alone in its process, because the limit is for all of it.
#![cfg(target_os = "linux")]

#[expect(dead_code, reason = "shared with other tests")]
mod world;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpSocket,
};
use world::{Server, connect, is_silent, ping, within};

#[tokio::test]
async fn a_client_waits_until_there_are_descriptors_again() {
    let server = Server::echo().await;
    let proxy = server.proxy().await;
    let mut before = connect(&proxy).await;
    ping(&mut before).await.unwrap();
    let socket = TcpSocket::new_v4().unwrap();

    let allowed = getrlimit(Resource::Nofile);
    let none = Rlimit {
        current: Some(0),
        ..allowed
    };
    setrlimit(Resource::Nofile, none).unwrap();
    let mut client = within(socket.connect(proxy.address())).await.unwrap();
    client.write_all(b"hello").await.unwrap();
    let mut answer = [0; 5];
    let is_silent = is_silent(&mut client, Duration::from_millis(200)).await;
    // Those who are connected do not notice.
    ping(&mut before).await.unwrap();
    setrlimit(Resource::Nofile, allowed).unwrap();

    assert!(is_silent);
    within(client.read_exact(&mut answer)).await.unwrap();
    assert_eq!(&answer, b"hello");
}
