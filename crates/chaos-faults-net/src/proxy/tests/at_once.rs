//! What is said after a fault was put there is hit by it, even by a worker that has already looked for faults and now only
//! has to read.

use super::{busy::Busy, connection, put, until};
use crate::{Blackhole, Direction, Limit, Proxy};
use chaos_core::Held;
use std::{
    convert::identity,
    io::{Read, Write},
    net::TcpStream,
    thread,
    time::Duration,
};

/// A hole for the answers, put there and answered into by a server that the worker has heard of, but not yet read from:
/// it is busy with a request that came with the first answer. `then` is what the server does after its last answer.
fn swallows_answers<T>(
    proxy: &Proxy,
    client: &mut TcpStream,
    mut server: TcpStream,
    then: impl FnOnce(TcpStream) -> T,
) {
    let busy = Busy::default();
    let _busy = put(proxy, busy.clone());
    client.write_all(Busy::BUSY).unwrap();
    busy.meanwhile(|| {
        client.write_all(Busy::BUSY).unwrap();
        server.write_all(b".").unwrap();
    });
    let (hole, _server) = busy.meanwhile(|| {
        let hole = put(proxy, Blackhole::new().direction(Direction::Downstream));
        server.write_all(b"!").unwrap();
        (hole, then(server))
    });
    client.set_nonblocking(true).unwrap();
    let mut answer = [0; 2];
    let mut length = 0;
    until("the answer is somewhere", || {
        length = client.peek(&mut answer).unwrap_or(0);
        length == 2 || hole.hits() > Some(0)
    });
    assert!(length < 2);
}

#[tokio::test]
async fn what_would_be_copied_is_hit() {
    let (proxy, mut client, server) = connection().await;
    swallows_answers(&proxy, &mut client, server, identity);
}

#[tokio::test]
async fn what_comes_with_an_end_is_hit() {
    let (proxy, mut client, server) = connection().await;
    swallows_answers(&proxy, &mut client, server, drop);
}

#[tokio::test]
async fn what_comes_with_a_reset_is_hit() {
    let (proxy, mut client, server) = connection().await;
    swallows_answers(&proxy, &mut client, server, |server| {
        let server = socket2::Socket::from(server);
        server.set_linger(Some(Duration::ZERO)).unwrap();
    });
}

#[tokio::test]
async fn what_would_be_spliced_is_hit() {
    let (proxy, mut client, server) = connection().await;
    let mut answers = server.try_clone().unwrap();
    let bulk = thread::spawn(move || answers.write_all(&vec![1; 8 << 20]));
    client.read_exact(&mut vec![0; 8 << 20]).unwrap();
    bulk.join().unwrap().unwrap();
    let spliced = || proxy.shared().moved().so_far()[1];
    let before = spliced();
    assert_eq!(before > 0, cfg!(target_os = "linux"));
    swallows_answers(&proxy, &mut client, server, identity);
    assert_eq!(spliced() > before, cfg!(target_os = "linux"));
}

#[tokio::test]
async fn what_other_faults_would_let_through_is_hit() {
    let (proxy, mut client, server) = connection().await;
    let _other = put(
        &proxy,
        Limit::bytes(1 << 20).direction(Direction::Downstream),
    );
    swallows_answers(&proxy, &mut client, server, identity);
}
