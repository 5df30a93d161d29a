//! A delay counts from when data came, not from when a thread got round to it.

use super::{LIMIT, busy::Busy, connection, put};
use crate::{
    Direction, Latency,
    proxy::{
        Fate, Piece, Room, Stage,
        faults::Follower,
        moved::Moved,
        pipe::Allowance,
        staged::Staged,
        stages::{Made, Stages},
        stream::Stream,
    },
};
use nix::sys::socket::{getsockopt, sockopt::ReceiveTimestampns};
use std::{
    future::poll_fn,
    io::{Read, Write},
    net::TcpListener,
    sync::Arc,
    task::Poll,
    thread,
    time::{Duration, Instant},
};

/// How long the worker is kept busy at least.
const BUSY: Duration = Duration::from_millis(60);
const LATENCY: Duration = Duration::from_millis(150);

#[tokio::test]
async fn a_delay_counts_from_when_data_came_to_a_busy_worker() {
    let (proxy, mut client, mut server) = connection().await;
    let busy = Busy::default();
    let _faults = [
        put(&proxy, busy.clone()),
        put(
            &proxy,
            Latency::new(LATENCY).direction(Direction::Downstream),
        ),
    ];
    let mut took = || {
        client.write_all(Busy::BUSY).unwrap();
        let sent = busy.meanwhile(|| {
            server.write_all(b"!").unwrap();
            let sent = Instant::now();
            thread::sleep(BUSY);
            sent
        });
        client.read_exact(&mut [0]).unwrap();
        server.read_exact(&mut [0; 4]).unwrap();
        sent.elapsed()
    };
    // The kernel takes a moment to begin with its notes, and a busy machine may be late for other reasons.
    let start = Instant::now();
    loop {
        let took = took();
        assert!(took + Duration::from_millis(1) >= LATENCY, "{took:?}");
        if took < LATENCY + BUSY / 2 {
            break;
        }
        assert!(start.elapsed() < LIMIT, "{took:?}");
    }
}

/// Delays everything.
#[derive(Debug)]
struct Slow;

impl Stage for Slow {
    fn judge(&mut self, piece: &Piece<'_>) -> Fate {
        Fate::at(piece.at + LATENCY)
    }

    fn room(&self) -> Room {
        Room {
            delay: LATENCY,
            ..Room::default()
        }
    }
}

#[tokio::test]
async fn what_comes_is_noted_while_there_is_a_delay() {
    let (proxy, _client, _server) = connection().await;
    let follower = Follower::new(Arc::clone(proxy.shared()), 1);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut from = Stream::connect(&address, proxy.listens_on()).await.unwrap();
    let mut to = Stream::connect(&address, proxy.listens_on()).await.unwrap();
    let mut slow = Stages::default();
    slow.push(Made {
        fault: 1,
        revision: 0,
        stage: Box::new(Slow),
    });
    let mut staged = Staged::new(slow);
    let (mut ended, mut allowance) = (false, Allowance::new());
    let mut poll = async |staged: &mut Staged| {
        poll_fn(|cx| {
            let ends = (&mut from, &mut to);
            let moved = Moved::default();
            let polled = staged.poll(cx, ends, &mut ended, &mut allowance, (&follower, &moved));
            Poll::Ready(polled.is_ready())
        })
        .await;
        let Stream::Tcp(from) = &from else {
            unreachable!("it is no path")
        };
        getsockopt(from, ReceiveTimestampns).unwrap()
    };
    assert!(poll(&mut staged).await);
    staged.follow(Stages::default());
    assert!(!poll(&mut staged).await);
}
