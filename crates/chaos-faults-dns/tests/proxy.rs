//! What a proxy does without a fault: nothing that anybody would notice.

#[expect(dead_code, reason = "shared with other tests")]
mod world;

use chaos_core::Chain;
use chaos_faults_dns::{Delay, DnsProxy, Nxdomain, Queries};
use hickory_proto::{
    op::{Message, ResponseCode},
    rr::RecordType,
};
use std::{
    collections::BTreeSet,
    net::{SocketAddr, TcpListener, UdpSocket},
    sync::atomic::Ordering,
    time::{Duration, Instant},
};
use world::{Query, Tcp, Upstream, echo, put, udp, until, within};

fn code(answer: &[u8]) -> ResponseCode {
    Message::from_vec(answer).unwrap().metadata.response_code
}

#[tokio::test]
async fn queries_and_answers_pass_byte_for_byte() {
    let upstream = Upstream::start().await;
    let proxy = upstream.proxy().await;
    let mut tcp = Tcp::connect(proxy.address()).await;
    let plain = Query::of("MiXed.Example.", RecordType::from(65_280)).bytes();
    let edns = Query::a("a.example.").edns(4096).bytes();
    // With a header, and nothing that can be read behind it.
    let unread = [&[7, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0][..], &[0xff; 40]].concat();
    let long = [&edns[..], &[9; 1200]].concat();
    let queries = [plain, edns, unread, long];
    for query in &queries {
        assert_eq!(udp(proxy.address(), query).await, echo(query));
        assert_eq!(tcp.ask(query).await, echo(query));
    }
    let asked = upstream.asked().into_iter().map(|(query, _)| query);
    let twice = queries.iter().flat_map(|query| [query, query]).cloned();
    assert!(asked.eq(twice));
}

#[tokio::test]
async fn every_query_asks_from_a_port_that_cannot_be_guessed() {
    let upstream = Upstream::start().await;
    let proxy = upstream.proxy().await;
    for _ in 0..64 {
        udp(proxy.address(), &Query::a("a.").bytes()).await;
    }
    let asked = upstream.asked();
    let ports: Vec<u16> = asked.iter().map(|(_, from)| from.port()).collect();
    let different: BTreeSet<_> = ports.iter().collect();
    assert!(different.len() > 55, "{ports:?}");
    let next = ports.windows(2).filter(|two| two[0].abs_diff(two[1]) < 16);
    assert!(next.count() < 16, "{ports:?}");
}

#[tokio::test]
async fn only_the_answer_to_the_query_is_taken() {
    let upstream = Upstream::start().await;
    let proxy = upstream.proxy().await;
    let query = Query::a("lies.example.").bytes();
    assert_eq!(udp(proxy.address(), &query).await, echo(&query));
}

#[tokio::test]
async fn what_is_no_query_is_not_answered() {
    let upstream = Upstream::start().await;
    let proxy = upstream.proxy().await;
    let query = Query::a("a.").bytes();
    let mut tcp = Tcp::connect(proxy.address()).await;
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.connect(proxy.address()).await.unwrap();
    for message in [&b""[..], b"x", &query[..11], &echo(&query)] {
        socket.send(message).await.unwrap();
        tcp.say(message).await;
    }
    socket.send(&query).await.unwrap();
    let mut answer = [0; 512];
    let length = within(socket.recv(&mut answer)).await.unwrap();
    assert_eq!(answer[..length], echo(&query));
    assert_eq!(tcp.ask(&query).await, echo(&query));
    assert_eq!(upstream.asked().len(), 2);
}

#[tokio::test]
async fn a_tcp_client_has_one_connection_to_the_upstream_and_it_ends_with_the_clients() {
    let upstream = Upstream::start().await;
    let proxy = upstream.proxy().await;
    let mut tcp = Tcp::connect(proxy.address()).await;
    for _ in 0..20 {
        let query = Query::a("a.").bytes();
        assert_eq!(tcp.ask(&query).await, echo(&query));
    }
    assert_eq!(upstream.seen.connections.load(Ordering::SeqCst), 1);
    drop(tcp);
    until("closed", || upstream.seen.open.load(Ordering::SeqCst) == 0).await;
}

#[tokio::test]
async fn many_queries_are_on_their_way_and_answers_come_as_they_are_ready() {
    let upstream = Upstream::start().await;
    let proxy = upstream.proxy().await;
    let slow = Delay::ms(300).queries(Queries::name("slow"));
    let _fault = put(slow, &proxy).await;
    let mut tcp = Tcp::connect(proxy.address()).await;
    let slow = Query::a("slow.").bytes();
    tcp.say(&slow).await;
    let quick: Vec<_> = (0..200).map(|_| Query::a("quick.").bytes()).collect();
    // More than are taken at a time.
    for query in &quick {
        tcp.say(query).await;
    }
    let mut heard = Vec::new();
    for _ in 0..=quick.len() {
        heard.push(tcp.hear().await);
    }
    assert_ne!(heard[0], echo(&slow));
    assert!(heard.contains(&echo(&slow)));
    for query in &quick {
        assert!(heard.contains(&echo(query)));
    }
}

#[tokio::test]
async fn a_client_that_asks_nothing_more_still_gets_its_answers() {
    let upstream = Upstream::start().await;
    let proxy = upstream.proxy().await;
    let _fault = put(Delay::ms(100), &proxy).await;
    let mut tcp = Tcp::connect(proxy.address()).await;
    let queries = [Query::a("one.").bytes(), Query::a("two.").bytes()];
    for query in &queries {
        tcp.say(query).await;
    }
    tokio::io::AsyncWriteExt::shutdown(&mut tcp.0)
        .await
        .unwrap();
    let heard = BTreeSet::from([tcp.hear().await, tcp.hear().await]);
    assert_eq!(heard, queries.map(|query| echo(&query)).into());
    assert!(tcp.ended().await);
}

#[tokio::test]
async fn a_zone_transfer_of_several_messages_passes() {
    let upstream = Upstream::start().await;
    let proxy = upstream.proxy().await;
    let mut tcp = Tcp::connect(proxy.address()).await;
    let query = Query::of("transfer.example.", RecordType::AXFR).bytes();
    tcp.say(&query).await;
    for _ in 0..3 {
        assert_eq!(tcp.hear().await, echo(&query));
    }
}

#[tokio::test]
async fn an_upstream_that_has_ended_a_connection_is_asked_over_another() {
    let upstream = Upstream::start().await;
    let proxy = upstream.proxy().await;
    let mut tcp = Tcp::connect(proxy.address()).await;
    for connections in 1..=20 {
        let query = Query::a("once.example.").bytes();
        assert_eq!(tcp.ask(&query).await, echo(&query));
        assert_eq!(
            upstream.seen.connections.load(Ordering::SeqCst),
            connections
        );
    }
}

#[tokio::test]
async fn a_dead_upstream_is_told_as_a_failure_of_the_server() {
    let upstream = Upstream::start().await;
    let address = upstream.address;
    let proxy = upstream.proxy().await;
    let mut tcp = Tcp::connect(proxy.address()).await;
    let query = Query::a("Db.example.").edns(1232).bytes();
    assert_eq!(tcp.ask(&query).await, echo(&query));
    drop(upstream);
    until("closed", || {
        TcpListener::bind(address).is_ok() && UdpSocket::bind(address).is_ok()
    })
    .await;
    let start = Instant::now();
    for answer in [udp(proxy.address(), &query).await, {
        let mut tcp = Tcp::connect(proxy.address()).await;
        tcp.ask(&query).await
    }] {
        assert_eq!(code(&answer), ResponseCode::ServFail);
        assert_eq!(answer[..2], query[..2]);
        assert!(Message::from_vec(&answer).unwrap().edns.is_some());
    }
    // Told by the system, and not after the time-out.
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_silent_upstream_is_told_as_a_failure_after_the_time_out() {
    let upstream = Upstream::start().await;
    let builder = upstream.builder().timeout(Duration::from_millis(300));
    let proxy = builder.open().await.unwrap();
    let query = Query::a("silent.example.").bytes();
    let mut tcp = Tcp::connect(proxy.address()).await;
    let start = Instant::now();
    assert_eq!(code(&tcp.ask(&query).await), ResponseCode::ServFail);
    let by_tcp = start.elapsed();
    let answer = udp(proxy.address(), &query).await;
    assert_eq!(code(&answer), ResponseCode::ServFail);
    let by_udp = start.elapsed() - by_tcp;
    for took in [by_tcp, by_udp] {
        assert!(took >= Duration::from_millis(300), "{took:?}");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn it_answers_while_the_caller_blocks_its_only_thread() {
    let proxy = DnsProxy::in_front_of("127.0.0.1:9").await.unwrap();
    let _fault = put(Nxdomain::new(), &proxy).await;
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(world::LIMIT)).unwrap();
    let query = Query::a("a.").bytes();
    socket.send_to(&query, proxy.address()).unwrap();
    let mut answer = [0; 512];
    let (length, from) = socket.recv_from(&mut answer).unwrap();
    assert_eq!(from, proxy.address());
    assert_eq!(code(&answer[..length]), ResponseCode::NXDomain);
}

#[tokio::test]
async fn dropping_the_last_handle_closes_the_ports_and_the_connections() {
    let upstream = Upstream::start().await;
    let proxy = upstream.proxy().await;
    let address = proxy.address();
    let query = Query::a("silent.").bytes();
    let mut tcp = Tcp::connect(address).await;
    tcp.say(&query).await;
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.send_to(&query, address).await.unwrap();
    until("both on their way", || upstream.asked().len() == 2).await;
    let other = proxy.clone();
    drop(proxy);
    Tcp::connect(address).await;
    drop(other);
    until("closed", || {
        std::net::TcpStream::connect(address).is_err() && UdpSocket::bind(address).is_ok()
    })
    .await;
    assert!(tcp.ended().await);
}

#[tokio::test]
async fn a_port_that_is_taken_for_either_protocol_is_refused() {
    // A number that is free for both.
    let (udp, tcp) = loop {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        if let Ok(udp) = UdpSocket::bind(tcp.local_addr().unwrap()) {
            break (udp, tcp);
        }
    };
    let address = udp.local_addr().unwrap();
    let refused = async |protocol: &str| {
        let builder = DnsProxy::builder("127.0.0.1:9").listen(address);
        let text = Chain(&builder.open().await.unwrap_err()).to_string();
        let says = text.contains(&format!("by {protocol};")) && text.contains("port 0");
        assert!(says, "{text}");
    };
    refused("TCP").await;
    drop(tcp);
    refused("UDP").await;
}

#[tokio::test]
async fn a_proxy_in_front_of_itself_is_refused() {
    let free: SocketAddr = {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.local_addr().unwrap()
    };
    let error = DnsProxy::builder(free).listen(free).open().await;
    let text = Chain(&error.unwrap_err()).to_string();
    assert!(text.contains("itself"), "{text}");
}

#[tokio::test]
async fn it_works_by_ipv6_and_in_front_of_another_proxy() {
    let upstream = Upstream::start().await;
    let one = upstream.builder().listen("[::1]:0").open().await.unwrap();
    let two = DnsProxy::in_front_of(one.address()).await.unwrap();
    let query = Query::a("a.").bytes();
    assert_eq!(udp(two.address(), &query).await, echo(&query));
    let mut tcp = Tcp::connect(two.address()).await;
    assert_eq!(tcp.ask(&query).await, echo(&query));
}
