//! The proxy and its faults with real sockets on loopback.

mod world;

use chaos_faults_net::{Bandwidth, Blackhole, Direction, Latency, Loss, Proxy, Refuse, Reset};
use std::{
    io::ErrorKind,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use world::{
    Server, connect, how_it_breaks, is_silent, pattern, ping, put, take_off, takes, until, within,
};

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Without a delay a message is back in well under a millisecond; this leaves room for a busy machine.
const FAST: Duration = ms(40);

/// The fastest of several echoes: a busy machine makes some slow, a fault makes all of them slow.
async fn fastest(stream: &mut TcpStream) -> Duration {
    let mut fastest = Duration::MAX;
    for _ in 0..5 {
        fastest = fastest.min(ping(stream).await.unwrap());
    }
    fastest
}

#[tokio::test]
async fn latency_comes_and_goes_on_a_live_connection() {
    let server = Server::echo().await;
    let proxy = server.proxy().await;
    let mut stream = connect(&proxy).await;
    assert!(fastest(&mut stream).await < FAST);

    let fault = put(Latency::ms(100), &proxy).await;
    let took = fastest(&mut stream).await;
    assert!(took >= ms(100) && took < ms(140), "{took:?}");

    assert_eq!(take_off(fault).await.hits, 5);
    assert!(fastest(&mut stream).await < FAST);
}

#[tokio::test]
async fn latency_works_in_the_direction_that_was_asked_for() {
    let server = Server::echo().await;
    let proxy = server.proxy().await;
    let mut stream = connect(&proxy).await;
    for (direction, times) in [
        (Direction::Upstream, 1),
        (Direction::Downstream, 1),
        (Direction::Both, 2),
    ] {
        let fault = put(Latency::ms(50).direction(direction), &proxy).await;
        let took = fastest(&mut stream).await;
        assert!(took >= ms(50) * times, "{direction}: {took:?}");
        assert!(took < ms(50) * (times + 1), "{direction}: {took:?}");
        take_off(fault).await;
    }
}

#[tokio::test]
async fn latencies_add_up() {
    let server = Server::echo().await;
    let proxy = server.proxy().await;
    let mut stream = connect(&proxy).await;
    let first = put(Latency::ms(60), &proxy).await;
    let second = put(Latency::ms(50), &proxy).await;
    assert!(fastest(&mut stream).await >= ms(110));
    take_off(first).await;
    let took = fastest(&mut stream).await;
    assert!(took >= ms(50) && took < ms(100), "{took:?}");
    take_off(second).await;
    assert!(fastest(&mut stream).await < FAST);
}

#[tokio::test]
async fn latency_does_not_limit_the_throughput() {
    const BYTES: usize = 50_000_000;
    let server = Server::source(BYTES).await;
    let proxy = server.proxy().await;
    let _fault = put(Latency::ms(500), &proxy).await;
    let start = Instant::now();
    let mut stream = connect(&proxy).await;
    let mut all = Vec::with_capacity(BYTES);
    within(stream.read_to_end(&mut all)).await.unwrap();
    let took = start.elapsed();
    assert!(took >= ms(500), "{took:?}");
    // One 64 KiB block per 500 ms would take six minutes.
    assert!(took < ms(5000), "{took:?}");
    let block = pattern(64 * 1024);
    assert_eq!(all.len(), BYTES);
    assert!(all.chunks(block.len()).all(|c| c == &block[..c.len()]));
}

#[tokio::test]
async fn what_is_under_way_is_delivered_when_the_latency_ends() {
    let server = Server::echo().await;
    let proxy = server.proxy().await;
    let mut stream = connect(&proxy).await;
    ping(&mut stream).await.unwrap();
    let fault = put(Latency::new(Duration::from_secs(3600)), &proxy).await;
    stream.write_all(b"late").await.unwrap();
    assert!(is_silent(&mut stream, ms(100)).await);
    let start = Instant::now();
    assert_eq!(take_off(fault).await.hits, 1);
    let mut reply = [0; 4];
    within(stream.read_exact(&mut reply)).await.unwrap();
    assert_eq!(&reply, b"late");
    assert!(start.elapsed() < ms(500));
}

#[tokio::test]
async fn jitter_keeps_the_order() {
    let server = Server::source(2_000_000).await;
    let proxy = server.proxy().await;
    let _fault = put(Latency::ms(5).jitter_ms(20), &proxy).await;
    let mut stream = connect(&proxy).await;
    let mut all = Vec::new();
    within(stream.read_to_end(&mut all)).await.unwrap();
    let block = pattern(64 * 1024);
    assert_eq!(all.len(), 2_000_000);
    assert!(all.chunks(block.len()).all(|c| c == &block[..c.len()]));
}

#[tokio::test]
async fn loss_delays_by_the_retransmission_timer() {
    let server = Server::echo().await;
    let proxy = server.proxy().await;
    let fault = put(Loss::percent(15.0), &proxy).await;
    let mut stream = connect(&proxy).await;
    let mut late = 0;
    for _ in 0..60 {
        let took = ping(&mut stream).await.unwrap();
        late += u64::from(took >= ms(200));
    }
    // Fewer than 1 or more than 24 of 60, or seven losses in a row, which take too long, come once in ten thousand.
    let hits = take_off(fault).await.hits;
    assert!((1..=24).contains(&hits), "{hits} of 60");
    // A machine that stalls makes others late, too.
    assert!(late >= hits, "{late} of {hits}");
}

#[tokio::test]
async fn a_black_hole_swallows_nothing() {
    let server = Server::echo().await;
    let proxy = server.proxy().await;
    let mut live = connect(&proxy).await;
    ping(&mut live).await.unwrap();

    let fault = put(Blackhole::new(), &proxy).await;
    live.write_all(b"held").await.unwrap();
    let mut new = connect(&proxy).await;
    new.write_all(b"new").await.unwrap();
    assert!(is_silent(&mut live, ms(100)).await);
    assert!(is_silent(&mut new, ms(100)).await);

    let hits = take_off(fault).await.hits;
    assert!(hits >= 2, "{hits}");
    let mut reply = [0; 4];
    within(live.read_exact(&mut reply)).await.unwrap();
    assert_eq!(&reply, b"held");
    within(new.read_exact(&mut reply[..3])).await.unwrap();
    assert_eq!(&reply[..3], b"new");
    assert!(fastest(&mut live).await < FAST);
}

#[tokio::test]
async fn a_black_hole_in_one_direction_lets_the_other_through() {
    let (seen, mut saw) = tokio::sync::mpsc::unbounded_channel();
    let server = Server::start(move |mut stream| {
        let seen = seen.clone();
        async move {
            let mut request = [0; 4];
            while stream.read_exact(&mut request).await.is_ok() {
                seen.send(request).unwrap();
                stream.write_all(&request).await.unwrap();
            }
        }
    })
    .await;
    let proxy = server.proxy().await;
    let fault = put(Blackhole::new().direction(Direction::Downstream), &proxy).await;
    let mut stream = connect(&proxy).await;
    stream.write_all(b"ping").await.unwrap();
    assert_eq!(within(saw.recv()).await, Some(*b"ping"));
    assert!(is_silent(&mut stream, ms(100)).await);
    take_off(fault).await;
    within(stream.read_exact(&mut [0; 4])).await.unwrap();
}

#[tokio::test]
async fn a_black_hole_pushes_back() {
    let server = Server::echo().await;
    let proxy = server.proxy().await;
    let mut stream = connect(&proxy).await;
    ping(&mut stream).await.unwrap();
    let _fault = put(Blackhole::new(), &proxy).await;
    let block = vec![0; 1 << 20];
    // Sockets buffer some megabytes; without pushing back all of this would go in.
    let flood = async {
        for _ in 0..64 {
            stream.write_all(&block).await.unwrap();
        }
    };
    let result = tokio::time::timeout(ms(1500), flood).await;
    assert!(result.is_err(), "64 MiB went into a black hole");
}

#[tokio::test]
async fn a_client_that_has_ended_its_stream_waits_for_its_answer_in_a_black_hole() {
    let server = Server::echo().await;
    let proxy = server.proxy().await;
    let fault = put(Blackhole::new(), &proxy).await;
    let mut stream = connect(&proxy).await;
    stream.write_all(b"last words").await.unwrap();
    stream.shutdown().await.unwrap();
    assert!(is_silent(&mut stream, ms(100)).await);
    assert_eq!(take_off(fault).await.hits, 1);
    let mut answer = Vec::new();
    within(stream.read_to_end(&mut answer)).await.unwrap();
    assert_eq!(answer, b"last words");
}

#[tokio::test]
async fn a_reset_cuts_live_connections_and_new_ones() {
    let (broken, mut broke) = tokio::sync::mpsc::unbounded_channel();
    let server = Server::start(move |mut stream| {
        let broken = broken.clone();
        async move {
            let mut byte = [0];
            let error = loop {
                match stream.read(&mut byte).await {
                    Ok(0) => break ErrorKind::UnexpectedEof,
                    Ok(_) => stream.write_all(&byte).await.unwrap(),
                    Err(e) => break e.kind(),
                }
            };
            broken.send(error).unwrap();
        }
    })
    .await;
    let proxy = server.proxy().await;
    let mut live = connect(&proxy).await;
    live.write_all(b"x").await.unwrap();
    within(live.read_exact(&mut [0])).await.unwrap();

    let fault = put(Reset::new(), &proxy).await;
    assert_eq!(how_it_breaks(&mut live).await, ErrorKind::ConnectionReset);
    assert_eq!(within(broke.recv()).await, Some(ErrorKind::ConnectionReset));
    let error = match within(TcpStream::connect(proxy.address())).await {
        Ok(mut stream) => how_it_breaks(&mut stream).await,
        Err(error) => error.kind(),
    };
    assert_eq!(error, ErrorKind::ConnectionReset);

    assert_eq!(take_off(fault).await.hits, 2);
    let mut after = connect(&proxy).await;
    after.write_all(b"x").await.unwrap();
    within(after.read_exact(&mut [0])).await.unwrap();
}

#[tokio::test]
async fn refusing_keeps_the_port() {
    let server = Server::echo().await;
    let proxy = server.proxy().await;
    let address = proxy.address();
    let mut live = connect(&proxy).await;
    ping(&mut live).await.unwrap();

    for _ in 0..20 {
        let fault = put(Refuse::new(), &proxy).await;
        assert_eq!(how_it_breaks(&mut live).await, ErrorKind::ConnectionReset);
        let refused = within(TcpStream::connect(address)).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        // With SO_REUSEADDR, as servers do it, and without.
        let taken = TcpListener::bind(address).await.unwrap_err();
        assert_eq!(taken.kind(), ErrorKind::AddrInUse);
        if cfg!(target_os = "linux") {
            // Elsewhere the wildcard address is another one.
            let wildcard = ("0.0.0.0", address.port());
            let taken = TcpListener::bind(wildcard).await.unwrap_err();
            assert_eq!(taken.kind(), ErrorKind::AddrInUse);
        }
        let plain =
            socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        assert_eq!(
            plain.bind(&address.into()).unwrap_err().kind(),
            ErrorKind::AddrInUse
        );
        assert_eq!(take_off(fault).await.hits, 1, "the one connection");
        live = connect(&proxy).await;
        ping(&mut live).await.unwrap();
        assert_eq!(
            TcpListener::bind(address).await.unwrap_err().kind(),
            ErrorKind::AddrInUse
        );
    }
}

#[tokio::test]
async fn the_port_is_refused_until_the_last_fault_is_over() {
    let server = Server::echo().await;
    let proxy = server.proxy().await;
    let first = put(Refuse::new(), &proxy).await;
    let second = put(Refuse::new(), &proxy).await;
    take_off(first).await;
    let refused = within(TcpStream::connect(proxy.address()))
        .await
        .unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    drop(second);
    ping(&mut connect(&proxy).await).await.unwrap();
}

#[tokio::test]
async fn bandwidth_is_exact() {
    // 3 s at 1 MB/s.
    let server = Server::source(3_000_000).await;
    let proxy = server.proxy().await;
    let fault = put(Bandwidth::per_second(1_000_000), &proxy).await;
    takes(ms(2970)..ms(3100), async || {
        let mut stream = connect(&proxy).await;
        let start = Instant::now();
        let mut all = Vec::new();
        within(stream.read_to_end(&mut all)).await.unwrap();
        assert_eq!(all.len(), 3_000_000);
        start.elapsed()
    })
    .await;
    assert!(take_off(fault).await.hits > 0);
}

#[tokio::test]
async fn bandwidth_has_no_bursts_and_ends_at_once() {
    let server = Server::source(10_000_000).await;
    let proxy = server.proxy().await;
    let fault = put(Bandwidth::per_second(100_000), &proxy).await;
    let mut stream = connect(&proxy).await;
    let start = Instant::now();
    let mut buffer = vec![0; 1 << 16];
    let mut read = 0;
    while start.elapsed() < ms(500) {
        read += within(stream.read(&mut buffer)).await.unwrap();
        let allowed = start.elapsed().as_secs_f64() * 100_000.0;
        assert!((read as f64) <= allowed + 6_000.0, "{read} of {allowed}");
    }
    take_off(fault).await;
    let start = Instant::now();
    while read < 10_000_000 {
        read += within(stream.read(&mut buffer)).await.unwrap();
    }
    // At 100 kB/s it would take 95 s.
    assert!(start.elapsed() < ms(5000));
}

#[tokio::test]
async fn bandwidth_is_for_each_connection() {
    let server = Server::source(500_000).await;
    let proxy = server.proxy().await;
    let _fault = put(Bandwidth::per_second(500_000), &proxy).await;
    let read = async || {
        let mut stream = connect(&proxy).await;
        let mut all = Vec::new();
        within(stream.read_to_end(&mut all)).await.unwrap();
    };
    takes(ms(980)..ms(1300), async || {
        let start = Instant::now();
        tokio::join!(read(), read(), read());
        start.elapsed()
    })
    .await;
}

#[tokio::test]
async fn latency_and_bandwidth_work_together() {
    let server = Server::source(200_000).await;
    let proxy = server.proxy().await;
    let _latency = put(Latency::ms(300), &proxy).await;
    let _bandwidth = put(Bandwidth::per_second(200_000), &proxy).await;
    // 1 s on the link and 0.3 s under way, but the end itself is late, too.
    takes(ms(1290)..ms(1600), async || {
        let start = Instant::now();
        let mut stream = connect(&proxy).await;
        let mut all = Vec::new();
        within(stream.read_to_end(&mut all)).await.unwrap();
        assert_eq!(all.len(), 200_000);
        start.elapsed()
    })
    .await;
}

#[tokio::test]
async fn half_closed_connections_stay_half_closed() {
    let server = Server::start(|mut stream| async move {
        let mut all = Vec::new();
        stream.read_to_end(&mut all).await.unwrap();
        stream.write_all(&all).await.unwrap();
    })
    .await;
    let proxy = server.proxy().await;
    let mut faults = Vec::new();
    for _ in 0..2 {
        let mut stream = connect(&proxy).await;
        stream.write_all(b"all I have to say").await.unwrap();
        stream.shutdown().await.unwrap();
        let mut reply = Vec::new();
        within(stream.read_to_end(&mut reply)).await.unwrap();
        assert_eq!(reply, b"all I have to say", "{} faults", faults.len());
        faults.push(put(Latency::ms(50).direction(Direction::Both), &proxy).await);
    }
}

#[tokio::test]
async fn a_slow_receiver_slows_its_sender() {
    let (sent, mut progress) = tokio::sync::watch::channel(0);
    let server = Server::start(move |mut stream| {
        let sent = sent.clone();
        async move {
            let block = vec![0; 1 << 16];
            for _ in 0..1024 {
                if stream.write_all(&block).await.is_err() {
                    return;
                }
                sent.send_modify(|bytes| *bytes += block.len());
            }
        }
    })
    .await;
    let proxy = server.proxy().await;
    let mut stream = connect(&proxy).await;
    // The sender stops: nothing new for 300 ms.
    within(async {
        while tokio::time::timeout(ms(300), progress.changed())
            .await
            .is_ok()
        {}
    })
    .await;
    let stuck = *progress.borrow();
    assert!(stuck < 64 << 20, "all of it was taken");
    let mut all = Vec::new();
    within(stream.read_to_end(&mut all)).await.unwrap();
    assert_eq!(all.len(), 64 << 20);
}

#[tokio::test]
async fn a_dead_client_is_reported_to_the_upstream() {
    let (broken, mut broke) = tokio::sync::mpsc::unbounded_channel();
    let server = Server::start(move |mut stream| {
        let broken = broken.clone();
        async move {
            let error = how_it_breaks(&mut stream).await;
            broken.send(error).unwrap();
        }
    })
    .await;
    let proxy = server.proxy().await;
    let stream = connect(&proxy).await;
    stream.set_zero_linger().unwrap();
    drop(stream);
    let stream = connect(&proxy).await;
    drop(stream);
    let mut seen = vec![
        within(broke.recv()).await.unwrap(),
        within(broke.recv()).await.unwrap(),
    ];
    seen.sort();
    assert_eq!(seen, [ErrorKind::ConnectionReset, ErrorKind::UnexpectedEof]);
}

#[tokio::test]
async fn an_upstream_that_is_not_there_resets_the_client() {
    let server = Server::echo().await;
    let address = server.address;
    let proxy = server.proxy().await;
    drop(server);
    until("the server is gone", || {
        std::net::TcpStream::connect(address).is_err()
    })
    .await;
    // The reset may come before the client is told that it is connected.
    let error = match within(TcpStream::connect(proxy.address())).await {
        Ok(mut stream) => how_it_breaks(&mut stream).await,
        Err(error) => error.kind(),
    };
    assert_eq!(error, ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_name_is_resolved() {
    let server = Server::echo().await;
    let proxy = Proxy::in_front_of(format!("localhost:{}", server.address.port()))
        .await
        .unwrap();
    assert!(fastest(&mut connect(&proxy).await).await < FAST);
}

#[tokio::test]
async fn a_blocked_caller_does_not_slow_the_proxy() {
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = server.accept().unwrap();
        let mut copy = stream.try_clone().unwrap();
        std::io::copy(&mut stream, &mut copy).unwrap();
    });
    let proxy = Proxy::in_front_of(address.to_string()).await.unwrap();
    // This blocks the only thread of the test's runtime.
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(proxy.address()).unwrap();
    stream.write_all(b"ping").unwrap();
    let mut reply = [0; 4];
    stream.set_read_timeout(Some(world::LIMIT)).unwrap();
    stream.read_exact(&mut reply).unwrap();
    assert_eq!(&reply, b"ping");
}

#[tokio::test]
async fn dropping_the_last_handle_closes_everything() {
    let server = Server::echo().await;
    let proxy = server.proxy().await;
    let address = proxy.address();
    let mut stream = connect(&proxy).await;
    ping(&mut stream).await.unwrap();
    // A fault in place is a handle, too.
    let fault = put(Latency::ms(1), &proxy).await;
    drop(proxy);
    ping(&mut stream).await.unwrap();
    take_off(fault).await;
    // The engine lets go of its handle a moment later.
    until("the port is free", || {
        std::net::TcpListener::bind(address).is_ok()
    })
    .await;
    how_it_breaks(&mut stream).await;
}

#[tokio::test]
async fn a_port_in_use_is_refused() {
    let server = Server::echo().await;
    let error = Proxy::listen(server.address.to_string(), "127.0.0.1:1")
        .await
        .unwrap_err();
    assert!(
        matches!(error, chaos_core::FaultError::Conflict { .. }),
        "{error}"
    );
    assert!(
        error.to_string().contains(&server.address.to_string()),
        "{error}"
    );
    let proxy = server.proxy().await;
    let error = Proxy::listen(proxy.address().to_string(), "127.0.0.1:1")
        .await
        .unwrap_err();
    assert!(
        matches!(error, chaos_core::FaultError::Conflict { .. }),
        "{error}"
    );
}

#[tokio::test]
async fn a_fault_on_many_connections_changes_all_of_them() {
    let server = Server::echo().await;
    let proxy = server.proxy().await;
    let mut streams = Vec::new();
    for _ in 0..100 {
        let mut stream = connect(&proxy).await;
        ping(&mut stream).await.unwrap();
        streams.push(stream);
    }
    let fault = put(Blackhole::new(), &proxy).await;
    for stream in &mut streams {
        stream.write_all(b"ping").await.unwrap();
    }
    for stream in &mut streams {
        assert!(is_silent(stream, ms(1)).await);
    }
    assert!(take_off(fault).await.hits >= 100);
    for stream in &mut streams {
        within(stream.read_exact(&mut [0; 4])).await.unwrap();
        assert!(ping(stream).await.unwrap() < world::LIMIT);
    }
}

#[tokio::test]
async fn a_stuck_connection_does_not_slow_the_others() {
    let server = Server::source(64 << 20).await;
    let proxy = server.proxy().await;
    let stuck = connect(&proxy).await;
    let mut all = Vec::new();
    within(connect(&proxy).await.read_to_end(&mut all))
        .await
        .unwrap();
    assert_eq!(all.len(), 64 << 20);
    drop(stuck);
}

#[tokio::test]
async fn a_proxy_in_front_of_itself_is_refused() {
    for (listen, upstream) in [
        ("127.0.0.1:18085", "127.0.0.1:18085"),
        ("0.0.0.0:18086", "localhost:18086"),
        ("0.0.0.0:18087", "127.0.0.1:18087"),
    ] {
        let error = Proxy::listen(listen, upstream).await.unwrap_err();
        let said = chaos_core::Chain(&error).to_string();
        assert!(
            said.contains("is the proxy itself"),
            "{listen} {upstream}: {said}"
        );
    }
}

#[tokio::test]
async fn an_upstream_is_named_by_whatever_reads_as_an_address() {
    let server = Server::echo().await;
    let proxy = Proxy::in_front_of(server.address).await.unwrap();
    let mut client = connect(&proxy).await;
    ping(&mut client).await.unwrap();
}
