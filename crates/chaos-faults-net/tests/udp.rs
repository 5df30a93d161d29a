//! A proxy for datagrams, and its faults, as plain UDP sockets see them.

#[expect(dead_code, reason = "shared with other tests")]
mod world;

use chaos_faults_net::{
    Bandwidth, Blackhole, Corrupt, Direction, Duplicate, Latency, Loss, Proxy, Reorder, Reset,
};
use std::{
    io::ErrorKind,
    net::{SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};
use world::{LIMIT, put, take_off};

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A server that sends back each datagram to who sent it. Dropping it stops it.
struct Echo {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Echo {
    fn start() -> Self {
        Self::at("127.0.0.1:0")
    }

    fn at(address: &str) -> Self {
        let socket = UdpSocket::bind(address).unwrap();
        let address = socket.local_addr().unwrap();
        socket.set_read_timeout(Some(ms(20))).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut buffer = vec![0; 1 << 16];
            while !stopped.load(Ordering::Relaxed) {
                if let Ok((len, from)) = socket.recv_from(&mut buffer) {
                    socket.send_to(&buffer[..len], from).ok();
                }
            }
        });
        Self {
            address,
            stop,
            thread: Some(thread),
        }
    }

    async fn proxy(&self) -> Proxy {
        Proxy::udp(self.address).await.unwrap()
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
    }
}

/// A client of a proxy.
struct Client(UdpSocket);

impl Client {
    fn of(proxy: &Proxy) -> Self {
        let any = match proxy.address() {
            SocketAddr::V4(_) => "127.0.0.1:0",
            SocketAddr::V6(_) => "[::1]:0",
        };
        Self::from(any, proxy)
    }

    fn from(address: &str, proxy: &Proxy) -> Self {
        let socket = UdpSocket::bind(address).unwrap();
        // So it hears only of the proxy's address.
        socket.connect(proxy.address()).unwrap();
        Self(socket)
    }

    fn send(&self, data: &[u8]) {
        assert_eq!(self.0.send(data).unwrap(), data.len());
    }

    /// The next datagram, if there is one within that time.
    fn receive_within(&self, time: Duration) -> Option<Vec<u8>> {
        self.0.set_read_timeout(Some(time)).unwrap();
        let mut buffer = vec![0; 1 << 16];
        match self.0.recv(&mut buffer) {
            Ok(len) => Some(buffer[..len].to_vec()),
            Err(e) if [ErrorKind::WouldBlock, ErrorKind::TimedOut].contains(&e.kind()) => None,
            Err(e) => panic!("{e}"),
        }
    }

    fn receive(&self) -> Vec<u8> {
        self.receive_within(LIMIT).expect("nothing comes")
    }

    /// How long an echo takes.
    fn ping(&self) -> Duration {
        let start = Instant::now();
        self.send(b"ping");
        assert_eq!(self.receive(), b"ping");
        start.elapsed()
    }

    /// Sends that many numbered datagrams, and takes what comes back until `last` has passed without any.
    fn numbers(&self, count: u32, last: Duration) -> Vec<u32> {
        let number = |data: Vec<u8>| u32::from_be_bytes(data.try_into().unwrap());
        let mut came = Vec::new();
        for n in 0..count {
            self.send(&n.to_be_bytes());
            // No more at once than the sockets can keep, of which each has room for 256.
            if n % 100 == 99 {
                while let Some(data) = self.receive_within(ms(100)) {
                    came.push(number(data));
                }
            }
        }
        while let Some(data) = self.receive_within(last) {
            came.push(number(data));
        }
        came
    }
}

#[tokio::test]
async fn datagrams_keep_their_boundaries_and_replies_come_from_the_proxy() {
    for at in ["127.0.0.1:0", "[::1]:0"] {
        let server = Echo::at(at);
        let proxy = Proxy::listen_udp(at, server.address).await.unwrap();
        let client = Client::of(&proxy);
        for len in [0, 1, 2, 1448, 9000, 65_000] {
            let data = world::pattern(len);
            client.send(&data);
            assert!(client.receive() == data, "{at}: {len}");
        }
        assert_eq!(proxy.dropped(), 0);
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn on_all_addresses_replies_come_from_the_one_that_was_asked() {
    let server = Echo::start();
    for (listen, addresses) in [
        ("0.0.0.0:0", &["127.0.0.1", "127.0.0.2", "127.1.2.3"][..]),
        ("[::]:0", &["::1", "127.0.0.1", "127.0.0.2"]),
    ] {
        let proxy = Proxy::listen_udp(listen, server.address).await.unwrap();
        let _late = put(Latency::ms(1), &proxy).await;
        for address in addresses {
            let to = SocketAddr::new(address.parse().unwrap(), proxy.address().port());
            let any = if to.is_ipv4() {
                "127.0.0.1:0"
            } else {
                "[::1]:0"
            };
            let socket = UdpSocket::bind(any).unwrap();
            socket.connect(to).unwrap();
            Client(socket).ping();
        }
    }
}

#[tokio::test]
async fn each_client_has_a_session_of_its_own() {
    let server = Echo::start();
    let proxy = server.proxy().await;
    let clients: Vec<_> = (0..20).map(|_| Client::of(&proxy)).collect();
    for (n, client) in clients.iter().enumerate() {
        client.send(n.to_string().as_bytes());
    }
    for (n, client) in clients.iter().enumerate() {
        assert_eq!(client.receive(), n.to_string().as_bytes());
    }
    // And its socket stays the same.
    let (seen, see) = std::sync::mpsc::channel();
    let upstream = UdpSocket::bind("127.0.0.1:0").unwrap();
    let proxy = Proxy::udp(upstream.local_addr().unwrap()).await.unwrap();
    std::thread::spawn(move || {
        while let Ok((_, from)) = upstream.recv_from(&mut [0; 10]) {
            if seen.send(from).is_err() {
                return;
            }
        }
    });
    let [one, other] = [(); 2].map(|()| Client::of(&proxy));
    let port = |client: &Client| {
        client.send(b"x");
        see.recv_timeout(LIMIT).unwrap()
    };
    let (first, second) = (port(&one), port(&other));
    assert_ne!(first, second);
    assert_eq!((port(&one), port(&other)), (first, second));
}

#[tokio::test]
async fn an_upstream_that_is_not_there_yet_does_not_end_a_session() {
    let address = {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.local_addr().unwrap().to_string()
    };
    let proxy = Proxy::udp(&address).await.unwrap();
    let client = Client::of(&proxy);
    for _ in 0..5 {
        client.send(b"lost");
        assert_eq!(client.receive_within(ms(20)), None);
    }
    let _server = Echo::at(&address);
    client.ping();
}

#[tokio::test]
async fn an_upstream_without_an_address_is_looked_up_again() {
    let proxy = Proxy::udp("no-such-host.invalid:53").await.unwrap();
    let client = Client::of(&proxy);
    for n in 1..=3 {
        client.send(b"lost");
        world::until("it is counted", || proxy.dropped() == n).await;
    }
}

#[tokio::test]
async fn a_closed_proxy_gives_its_port_back() {
    let server = Echo::start();
    let proxy = server.proxy().await;
    let address = proxy.address();
    Client::of(&proxy).ping();
    drop(proxy);
    UdpSocket::bind(address).unwrap();
}

#[tokio::test]
async fn latency_comes_and_goes_on_a_live_session() {
    let server = Echo::start();
    let proxy = server.proxy().await;
    let client = Client::of(&proxy);
    let fastest = || (0..5).map(|_| client.ping()).min().unwrap();
    assert!(fastest() < ms(40));
    for (direction, times) in [(Direction::Upstream, 1), (Direction::Both, 2)] {
        let fault = put(Latency::ms(60).direction(direction), &proxy).await;
        let took = fastest();
        assert!(
            took >= ms(60) * times && took < ms(60) * times + ms(40),
            "{took:?}"
        );
        assert_eq!(take_off(fault).await.hits, 5 * u64::from(times));
        assert!(fastest() < ms(40));
    }
}

#[tokio::test]
async fn what_is_under_way_is_delivered_in_order_when_the_latency_ends() {
    let server = Echo::start();
    let proxy = server.proxy().await;
    let client = Client::of(&proxy);
    let first = put(Latency::new(Duration::from_secs(3600)), &proxy).await;
    let second = put(Latency::new(Duration::from_secs(1800)), &proxy).await;
    for n in 0..100_u8 {
        client.send(&[n]);
    }
    assert_eq!(client.receive_within(ms(100)), None);
    take_off(first).await;
    assert_eq!(
        client.receive_within(ms(100)),
        None,
        "the second holds them"
    );
    take_off(second).await;
    for n in 0..100_u8 {
        assert_eq!(client.receive(), [n]);
    }
    assert_eq!(proxy.dropped(), 0);
}

#[tokio::test]
async fn jitter_lets_datagrams_overtake_each_other() {
    let server = Echo::start();
    let proxy = server.proxy().await;
    let _fault = put(Latency::ms(30).jitter_ms(30), &proxy).await;
    let came = Client::of(&proxy).numbers(200, ms(300));
    let mut sorted = came.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, Vec::from_iter(0..200));
    assert_ne!(came, sorted);
}

#[tokio::test]
async fn so_many_datagrams_get_lost_as_was_asked_for() {
    let server = Echo::start();
    let proxy = server.proxy().await;
    let fault = put(Loss::percent(20.0), &proxy).await;
    let came = Client::of(&proxy).numbers(2000, ms(1000));
    let lost = 2000 - came.len();
    // Five standard deviations (18) of 400.
    assert!((310..=490).contains(&lost), "{lost}");
    assert!(came.is_sorted());
    assert_eq!(take_off(fault).await.hits, lost as u64);
    assert_eq!(proxy.dropped(), 0);
}

#[tokio::test]
async fn datagrams_come_twice() {
    let server = Echo::start();
    let proxy = server.proxy().await;
    let fault = put(Duplicate::percent(25.0), &proxy).await;
    let came = Client::of(&proxy).numbers(1000, ms(1000));
    let twice = came.len() - 1000;
    // Five standard deviations (14) of 250.
    assert!((180..=320).contains(&twice), "{twice}");
    let mut once = came.clone();
    once.dedup();
    assert_eq!(once, Vec::from_iter(0..1000), "one after the other");
    assert_eq!(take_off(fault).await.hits, twice as u64);
}

#[tokio::test]
async fn a_share_overtakes_the_others() {
    let server = Echo::start();
    let proxy = server.proxy().await;
    let fault = put(Reorder::percent(20.0, ms(500)), &proxy).await;
    let came = Client::of(&proxy).numbers(300, ms(800));
    let hits = usize::try_from(take_off(fault).await.hits).unwrap();
    // Five standard deviations (7) of 60.
    assert!((25..=95).contains(&hits), "{hits}");
    let mut all = came.clone();
    all.sort_unstable();
    assert_eq!(all, Vec::from_iter(0..300));
    // Those that overtook came before all the others, which are in order.
    let (fast, late) = came.split_at(hits);
    assert!(fast.is_sorted() && late.is_sorted(), "{came:?}");
    assert_ne!(fast, Vec::from_iter(0..u32::try_from(hits).unwrap()));
}

#[tokio::test]
async fn one_bit_of_each_datagram_is_wrong() {
    let server = Echo::start();
    let proxy = server.proxy().await;
    let client = Client::of(&proxy);
    let fault = put(
        Corrupt::percent(100.0).direction(Direction::Upstream),
        &proxy,
    )
    .await;
    for len in [1, 100, 3000] {
        client.send(&vec![0; len]);
        let came = client.receive();
        let wrong: u32 = came.iter().map(|byte| byte.count_ones()).sum();
        assert_eq!((came.len(), wrong), (len, 1));
    }
    // What is empty has no bit.
    client.send(&[]);
    assert!(client.receive().is_empty());
    assert_eq!(take_off(fault).await.hits, 3);
    client.ping();
}

#[tokio::test]
async fn a_black_hole_swallows_datagrams() {
    let server = Echo::start();
    let proxy = server.proxy().await;
    let client = Client::of(&proxy);
    client.ping();
    let fault = put(Blackhole::new().direction(Direction::Downstream), &proxy).await;
    for _ in 0..5 {
        client.send(b"gone");
    }
    assert_eq!(client.receive_within(ms(100)), None);
    assert_eq!(take_off(fault).await.hits, 5);
    assert_eq!(client.receive_within(ms(100)), None, "none comes later");
    client.ping();
}

#[tokio::test]
async fn a_rate_is_kept_and_what_does_not_fit_is_dropped() {
    let server = Echo::start();
    let proxy = server.proxy().await;
    let fault = put(
        Bandwidth::per_second(200_000).direction(Direction::Upstream),
        &proxy,
    )
    .await;
    let client = Client::of(&proxy);
    let start = Instant::now();
    // 100 kB at once; 15 kB may wait and one is on the link.
    for _ in 0..100 {
        client.send(&[0; 1000]);
    }
    let sent = u32::try_from(start.elapsed().as_millis()).unwrap();
    let mut came = 0;
    while client.receive_within(ms(300)).is_some() {
        came += 1;
    }
    // One more for each 5 ms that it took to send them.
    assert!((15..=19 + sent / 5).contains(&came), "{came}");
    let took = start.elapsed() - ms(300);
    assert!(took >= ms(5) * (came - 1), "{came}: {took:?}");
    assert_eq!(take_off(fault).await.hits, 100);

    let fault = put(Bandwidth::per_second(0), &proxy).await;
    client.send(b"held");
    assert_eq!(client.receive_within(ms(100)), None);
    take_off(fault).await;
    assert_eq!(client.receive(), b"held");
}

#[tokio::test]
async fn sessions_share_a_rate() {
    let server = Echo::start();
    let proxy = server.proxy().await;
    let narrow = Bandwidth::per_second(100_000).shared();
    let _fault = put(narrow.direction(Direction::Upstream), &proxy).await;
    let clients = [(); 2].map(|()| Client::of(&proxy));
    let start = Instant::now();
    for _ in 0..5 {
        clients.iter().for_each(|client| client.send(&[0; 1000]));
    }
    for _ in 0..5 {
        clients.iter().for_each(|client| drop(client.receive()));
    }
    // 10 kB in all.
    assert!(start.elapsed() >= ms(100), "{:?}", start.elapsed());
}

#[tokio::test]
async fn only_the_sessions_that_were_picked_are_hit() {
    let server = Echo::start();
    let proxy = server.proxy().await;
    let _fault = put(Blackhole::new().clients(["127.0.0.2"]), &proxy).await;
    Client::from("127.0.0.1:0", &proxy).ping();
    let hit = Client::from("127.0.0.2:0", &proxy);
    hit.send(b"gone");
    assert_eq!(hit.receive_within(ms(100)), None);

    let proxy = server.proxy().await;
    let fault = put(Blackhole::new().toxicity(50.0), &proxy).await;
    let clients: Vec<_> = (0..40).map(|_| Client::of(&proxy)).collect();
    clients.iter().for_each(|client| client.send(b"x"));
    let (mut served, mut quiet) = (0, 0);
    while quiet < 5 {
        let came = |client: &&Client| client.receive_within(ms(1)).is_some();
        let came = clients.iter().filter(came).count();
        quiet = if came > 0 { 0 } else { quiet + 1 };
        served += came;
    }
    // Five standard deviations (3.2) of 20.
    assert!((4..=36).contains(&served), "{served}");
    assert_eq!(take_off(fault).await.hits, 40 - served as u64);
}

#[tokio::test]
async fn more_than_there_is_room_for_is_dropped_and_counted() {
    let server = Echo::start();
    let proxy = server.proxy().await;
    let hour = Latency::new(Duration::from_secs(3600));
    let fault = put(hour.direction(Direction::Upstream), &proxy).await;
    let client = Client::of(&proxy);
    // 4 MiB are kept for a session, with what it takes to keep them.
    let data = vec![0; 32 * 1024];
    let mut sent = 0;
    world::until("some are dropped", || {
        client.send(&data);
        sent += 1;
        proxy.dropped() >= 5
    })
    .await;
    assert!(sent >= 132, "{sent}");
    assert_eq!(take_off(fault).await.hits, 127);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn who_is_refused_is_told_and_the_port_stays_ours() {
    let server = Echo::start();
    for listen in ["127.0.0.1:0", "0.0.0.0:0"] {
        let proxy = Proxy::listen_udp(listen, server.address).await.unwrap();
        let mut to = proxy.address();
        to.set_ip([127, 0, 0, 1].into());
        let client = Client(UdpSocket::bind("127.0.0.1:0").unwrap());
        client.0.connect(to).unwrap();
        client.ping();
        for _ in 0..3 {
            let fault = put(chaos_faults_net::Refuse::new(), &proxy).await;
            client.send(b"refused");
            client.0.set_read_timeout(Some(LIMIT)).unwrap();
            let error = client.0.recv(&mut [0; 10]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
            let taken = UdpSocket::bind(to).unwrap_err();
            assert_eq!(taken.kind(), ErrorKind::AddrInUse);
            // The session, if it has heard of it by now.
            assert!(take_off(fault).await.hits <= 1);
            client.ping();
            assert_eq!(
                UdpSocket::bind(to).unwrap_err().kind(),
                ErrorKind::AddrInUse
            );
        }
    }
}

#[tokio::test]
async fn what_makes_no_sense_on_datagrams_or_streams_is_refused_with_the_reason() {
    let refusal = async |placed| {
        let engine = chaos_core::Engine::open().await.unwrap();
        engine.inject(placed).await.unwrap_err().to_string()
    };
    let udp = Proxy::udp("127.0.0.1:9").await.unwrap();
    let error = refusal(chaos_core::FaultExt::on(Reset::new(), &udp)).await;
    assert!(error.contains("datagrams have no connection"), "{error}");
    assert!(error.contains("net.loss"), "{error}");
    let tcp = Proxy::in_front_of("127.0.0.1:9").await.unwrap();
    let error = refusal(chaos_core::FaultExt::on(Duplicate::percent(1.0), &tcp)).await;
    assert!(error.contains("Proxy::udp"), "{error}");
    let error = refusal(chaos_core::FaultExt::on(Reorder::percent(1.0, ms(1)), &tcp)).await;
    assert!(error.contains("net.latency"), "{error}");
}
