//! Many clients, and hostile ones: what a proxy has of them is bounded, and given back. On Linux, where it can be seen.
#![cfg(target_os = "linux")]

#[expect(dead_code, reason = "shared with other tests")]
mod world;

#[path = "world/process.rs"]
mod process;

use chaos_core::Injection;
use chaos_faults_net::{
    AcceptDelay, Bandwidth, Blackhole, Direction, Latency, Loss, Proxy, Reorder, Slice,
};
use process::{Alone, MIB, OTHERS, clients, descriptors, grown, memory, memory_back, ms, reset};
use std::time::{Duration, Instant};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, UdpSocket},
};
use world::{LIMIT, Server, connect, ping, put, take_off, until, within};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_connections_leave_nothing_behind() {
    let _alone = Alone::begin().await;
    let server = Server::echo().await;
    for faults in [false, true] {
        let proxy = server.proxy().await;
        let mut in_place: Vec<Injection> = Vec::new();
        if faults {
            in_place.push(put(Latency::new(ms(1)), &proxy).await);
            in_place.push(put(Bandwidth::per_second(1_000_000).shared(), &proxy).await);
            in_place.push(put(Slice::bytes(2).direction(Direction::Both), &proxy).await);
        }
        let one = |n: usize| {
            let to = proxy.address();
            async move {
                let mut stream = TcpStream::connect(to).await.unwrap();
                match n % 4 {
                    0 => {}
                    1 => reset(stream),
                    2 => drop(ping(&mut stream).await.unwrap()),
                    _ => {
                        ping(&mut stream).await.unwrap();
                        reset(stream);
                    }
                }
            }
        };
        // From here on all that is kept for later is there.
        let open = descriptors();
        clients(1000, one).await;
        until("they are gone", || descriptors() <= open + OTHERS).await;
        let had = memory();
        clients(9000, one).await;
        until("all is closed", || descriptors() <= open + OTHERS).await;
        memory_back(had, MIB / 4).await;
        ping(&mut connect(&proxy).await).await.unwrap();
        for fault in in_place {
            assert!(take_off(fault).await.hits > 0);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn resets_at_every_stage_leave_nothing_behind() {
    let _alone = Alone::begin().await;
    let server = Server::source(usize::MAX).await;
    let echo = Server::echo().await;
    let open = descriptors();
    for stage in 0..4 {
        let (proxy, sink) = (server.proxy().await, echo.proxy().await);
        let mut faults = Vec::new();
        for proxy in [&proxy, &sink] {
            match stage {
                1 => faults.push(put(AcceptDelay::new(Duration::from_secs(3600)), proxy).await),
                2 => faults.push(put(Blackhole::new(), proxy).await),
                3 => faults.push(put(Bandwidth::per_second(1000).shared(), proxy).await),
                _ => {}
            }
        }
        let (from, to) = (proxy.address(), sink.address());
        clients(300, |n| async move {
            // At once.
            reset(TcpStream::connect(from).await.unwrap());
            // In the middle of what it says.
            let mut stream = TcpStream::connect(to).await.unwrap();
            stream.write_all(&vec![0; 100 * n]).await.ok();
            if n % 2 == 0 {
                // After it has said all.
                stream.shutdown().await.ok();
            }
            reset(stream);
            // In the middle of what it is told.
            let mut stream = TcpStream::connect(from).await.unwrap();
            if stage == 0 {
                stream.read_exact(&mut [0; 100]).await.unwrap();
            }
            reset(stream);
        })
        .await;
        drop(faults);
        ping(&mut connect(&sink).await).await.unwrap();
        drop((proxy, sink));
        until("all is closed", || descriptors() <= open + OTHERS).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_for_both_ends_that_were_reset_does_not_keep_the_connection() {
    let _alone = Alone::begin().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = listener.local_addr().unwrap().to_string();
    let proxy = Proxy::in_front_of(upstream).await.unwrap();
    let hour = Latency::new(Duration::from_secs(3600)).direction(Direction::Both);
    let fault = put(hour, &proxy).await;
    let open = descriptors();
    for order in 0..3 {
        let (mut clients, mut servers) = (Vec::new(), Vec::new());
        for _ in 0..100 {
            let mut client = connect(&proxy).await;
            let (mut server, _) = within(listener.accept()).await.unwrap();
            client.write_all(b"request").await.unwrap();
            server.write_all(b"answer").await.unwrap();
            clients.push(client);
            servers.push(server);
        }
        // Those of a test before may have been open then.
        assert!(descriptors() + OTHERS >= open + 400);
        match order {
            0 => clients.drain(..).chain(servers.drain(..)).for_each(reset),
            1 => servers.drain(..).chain(clients.drain(..)).for_each(reset),
            _ => clients
                .drain(..)
                .zip(servers.drain(..))
                .for_each(|(client, server)| {
                    reset(client);
                    reset(server);
                }),
        }
        until("all is closed", || descriptors() <= open + OTHERS).await;
    }
    assert!(take_off(fault).await.hits > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_never_read_or_say_little_cost_little() {
    let _alone = Alone::begin().await;
    const CLIENTS: usize = 50;
    let (server, echo) = (Server::source(usize::MAX).await, Server::echo().await);
    for delayed in [false, true] {
        let (proxy, other) = (server.proxy().await, echo.proxy().await);
        let mut faults = Vec::new();
        if delayed {
            // What is under way is what the link takes, and not all that a server can send.
            faults.push(put(Bandwidth::per_second(100_000), &proxy).await);
            faults.push(put(Latency::new(ms(100)), &proxy).await);
        }
        let had = memory();
        let (mut silent, mut slow) = (Vec::new(), Vec::new());
        for _ in 0..CLIENTS {
            // They never read, and are half-closed.
            let mut stream = connect(&proxy).await;
            stream.shutdown().await.unwrap();
            silent.push(stream);
            slow.push(connect(&other).await);
        }
        let start = Instant::now();
        while start.elapsed() < ms(500) {
            for stream in &mut slow {
                stream.write_all(b"x").await.unwrap();
            }
            // Others do not feel them.
            let took = ping(&mut connect(&other).await).await.unwrap();
            assert!(took < ms(1000), "{took:?}");
        }
        let more = grown(had);
        // 64 KiB are buffered for each, and its upstream's task has a block of as much.
        assert!(more < CLIENTS as u64 * 256 * 1024, "{delayed}: {more}");
        let open = descriptors();
        drop((silent, slow, proxy, other, faults));
        until("all is closed", || descriptors() + 3 * CLIENTS < open).await;
    }
}

/// The session of a client of a UDP proxy, from a port of its own.
async fn exchange(proxy: &Proxy, data: &[u8], limit: Duration) -> Option<Vec<u8>> {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.connect(proxy.address()).await.unwrap();
    socket.send(data).await.unwrap();
    let mut buffer = vec![0; 1 << 16];
    let reply = tokio::time::timeout(limit, socket.recv(&mut buffer));
    let len = reply.await.ok()?.unwrap();
    Some(buffer[..len].to_vec())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_ports_have_a_bounded_number_of_sessions() {
    let _alone = Alone::begin().await;
    let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let upstream = server.local_addr().unwrap();
    let echo = tokio::spawn(async move {
        let mut buffer = vec![0; 1 << 16];
        loop {
            let (len, from) = server.recv_from(&mut buffer).await.unwrap();
            server.send_to(&buffer[..len], from).await.ok();
        }
    });
    for faults in [false, true] {
        let (open, had) = (descriptors(), memory());
        let proxy = Proxy::udp(upstream).await.unwrap();
        let mut in_place: Vec<Injection> = Vec::new();
        if faults {
            in_place.push(put(Latency::ms(5).jitter_ms(5), &proxy).await);
            in_place.push(put(Loss::percent(10.0), &proxy).await);
            in_place.push(put(Reorder::percent(10.0, ms(5)), &proxy).await);
            in_place.push(put(Bandwidth::per_second(100_000_000).shared(), &proxy).await);
        }
        let limit = if faults { ms(250) } else { LIMIT };
        let served = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        clients(10_000, |n| {
            let (proxy, served) = (proxy.clone(), std::sync::Arc::clone(&served));
            async move {
                let data = n.to_string();
                if let Some(reply) = exchange(&proxy, data.as_bytes(), limit).await {
                    assert_eq!(reply, data.as_bytes());
                    served.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                }
            }
        })
        .await;
        let served = served.load(std::sync::atomic::Ordering::Relaxed);
        // What is lost is lost on the way back only.
        assert!(
            served > if faults { 8000 } else { 9900 },
            "{faults}: {served}"
        );
        let sessions = descriptors().saturating_sub(open);
        assert!(sessions <= 4096 + 8, "{sessions}");
        let more = grown(had);
        assert!(more < 32 * MIB, "{faults}: {more}");
        for fault in in_place {
            assert!(take_off(fault).await.hits > 0);
        }
        let reply = exchange(&proxy, b"still there", LIMIT).await;
        assert_eq!(reply.as_deref(), Some(&b"still there"[..]));
        drop(proxy);
        until("all is closed", || descriptors() <= open + OTHERS).await;
    }
    echo.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_large_datagrams_is_dropped_at_a_bound() {
    let _alone = Alone::begin().await;
    let sink = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let upstream = sink.local_addr().unwrap();
    let (open, had) = (descriptors(), memory());
    let proxy = Proxy::udp(upstream).await.unwrap();
    let data = vec![0; 60_000];
    let mut sockets = Vec::new();
    for _ in 0..32 {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.connect(proxy.address()).await.unwrap();
        sockets.push(socket);
    }
    // What the first flood had the others get.
    for _ in 0..3 {
        let hour = Latency::new(Duration::from_secs(3600));
        let fault = put(hour.direction(Direction::Upstream), &proxy).await;
        let before = proxy.dropped();
        let start = Instant::now();
        // 32 sessions of 4 MiB would be 128 MiB.
        while proxy.dropped() < before + 500 {
            assert!(start.elapsed() < LIMIT, "nothing is dropped");
            for socket in &sockets {
                socket.send(&data).await.unwrap();
            }
        }
        let more = grown(had);
        assert!((60 * MIB..72 * MIB).contains(&more), "{more}");
        assert!(take_off(fault).await.hits > 500);
    }
    drop((sockets, proxy));
    until("all is closed", || descriptors() <= open + OTHERS).await;
}
