//! A delay counts from when data came, not from when a thread got round to it.

use super::{LIMIT, busy::Busy, connection, put};
use crate::{
    Latency,
    connections::Picked,
    direction::{Direction, Flow},
    proxy::{
        Hits,
        faults::Follower,
        pipe::Pipe,
        stack::{Active, Link, Stack},
        stream::Stream,
    },
};
use bytes::Bytes;
use chaos_core::Seed;
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
            let sent = Instant::now();
            server.write_all(b"!").unwrap();
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
        assert!(took >= LATENCY, "{took:?}");
        if took < LATENCY + BUSY / 2 {
            break;
        }
        assert!(start.elapsed() < LIMIT, "{took:?}");
    }
}

/// Which way a connection goes, with a delay and without.
fn stack(delay: Option<Latency>) -> Stack {
    let active = delay.map(|delay| Active {
        id: 0,
        revision: 0,
        effect: Arc::new(delay),
        picked: Picked::default(),
        seed: Seed::new(1),
        count: Hits::default(),
        first: 0,
    });
    let none = Stack::default();
    active.map_or(none.clone(), |active| none.with(Arc::new(active)))
}

#[tokio::test]
async fn what_comes_is_noted_while_there_is_a_delay() {
    const LINK: Link = Link {
        number: 0,
        cuts: 0,
        client: None,
    };
    let (proxy, _client, _server) = connection().await;
    let mut follower = Follower::new(Arc::clone(proxy.shared()), 1);
    assert!(follower.news().is_some());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut from = Stream::connect(&address, proxy.listens_on()).await.unwrap();
    let mut to = Stream::connect(&address, proxy.listens_on()).await.unwrap();
    let mut pipe = Pipe::new(Flow::Upstream, Bytes::new());
    for (delay, noted) in [
        (
            Some(Latency::new(LATENCY).direction(Direction::Upstream)),
            true,
        ),
        (None, false),
    ] {
        pipe.follow(&stack(delay), &LINK).unwrap();
        poll_fn(|cx| {
            assert!(pipe.poll(cx, (&mut from, &mut to), &follower).is_pending());
            Poll::Ready(())
        })
        .await;
        let Stream::Tcp(from) = &from else {
            unreachable!("it is no path")
        };
        assert_eq!(getsockopt(from, ReceiveTimestampns).unwrap(), noted);
    }
}
