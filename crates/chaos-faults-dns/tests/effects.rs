//! What the faults do, as clients and the upstream see it.

#[expect(dead_code, reason = "shared with other tests")]
mod world;

use chaos_core::Fault;
use chaos_faults_dns::{
    Delay, DnsProxy, Nxdomain, Queries, Refuse, Servfail, Spoof, Timeout, Truncate,
};
use hickory_proto::{
    op::{Message, MessageType, OpCode, ResponseCode},
    rr::{DNSClass, RecordType},
};
use std::{
    net::IpAddr,
    time::{Duration, Instant},
};
use tokio::net::UdpSocket;
use world::{Query, Tcp, Upstream, echo, put, take_off, udp, within};

fn read(bytes: &[u8]) -> Message {
    Message::from_vec(bytes).unwrap()
}

/// Asks by UDP and by TCP.
async fn both(proxy: &DnsProxy, query: &[u8]) -> [Vec<u8>; 2] {
    let address = proxy.address();
    let by_tcp = Tcp::connect(address).await.ask(query).await;
    [udp(address, query).await, by_tcp]
}

async fn answers_with(fault: impl Fault, code: ResponseCode) {
    let upstream = Upstream::start().await;
    let proxy = upstream.proxy().await;
    let fault = put(fault, &proxy).await;
    let query = Query::a("Db.iNTERNAL.").bytes();
    for answer in both(&proxy, &query).await {
        let message = read(&answer);
        assert_eq!(message.metadata.message_type, MessageType::Response);
        assert_eq!(message.metadata.response_code, code);
        assert!(message.metadata.recursion_desired && message.metadata.recursion_available);
        assert_eq!(message.all_sections().count(), 0);
        // The id, and the question as it was written.
        assert_eq!(answer[..2], query[..2]);
        assert_eq!(answer[12..], query[12..]);
    }
    assert!(upstream.asked().is_empty());
    let query = Query::a("db.internal.").edns(4096).bytes();
    for answer in both(&proxy, &query).await {
        let edns = read(&answer).edns.unwrap();
        assert!(edns.flags().dnssec_ok);
    }
    let other = Query::a("other.example.").edns(1400).bytes();
    for answer in both(&proxy, &other).await {
        assert_eq!(answer, echo(&other));
    }
    assert_eq!(take_off(fault).await.hits, 4);
    for answer in both(&proxy, &query).await {
        assert_eq!(answer, echo(&query));
    }
}

#[tokio::test]
async fn a_name_does_not_exist_and_others_pass_byte_for_byte() {
    let fault = Nxdomain::new().queries(Queries::name("*.internal"));
    answers_with(fault, ResponseCode::NXDomain).await;
}

#[tokio::test]
async fn the_resolver_fails_for_a_name_and_others_pass_byte_for_byte() {
    let fault = Servfail::new().queries(Queries::name("db.internal"));
    answers_with(fault, ResponseCode::ServFail).await;
}

#[tokio::test]
async fn the_resolver_refuses_a_name_and_others_pass_byte_for_byte() {
    let fault = Refuse::new().queries(Queries::name("DB.*").types(["A"]));
    answers_with(fault, ResponseCode::Refused).await;
}

#[tokio::test]
async fn answers_are_late_also_on_open_connections() {
    let upstream = Upstream::start().await;
    let proxy = upstream.proxy().await;
    let mut tcp = Tcp::connect(proxy.address()).await;
    let query = Query::a("db.internal.").bytes();
    tcp.ask(&query).await;
    let fault = put(Delay::ms(150), &proxy).await;
    let start = Instant::now();
    assert_eq!(tcp.ask(&query).await, echo(&query));
    let by_tcp = start.elapsed();
    assert_eq!(udp(proxy.address(), &query).await, echo(&query));
    let by_udp = start.elapsed() - by_tcp;
    for late in [by_tcp, by_udp] {
        assert!(late >= Duration::from_millis(150), "{late:?}");
    }
    assert_eq!(take_off(fault).await.hits, 2);
    let mut best = Duration::MAX;
    for _ in 0..5 {
        let start = Instant::now();
        udp(proxy.address(), &query).await;
        best = best.min(start.elapsed());
    }
    assert!(best < Duration::from_millis(100), "{best:?}");
}

#[tokio::test]
async fn what_waits_goes_on_at_once_when_the_fault_is_over() {
    let upstream = Upstream::start().await;
    let proxy = upstream.proxy().await;
    let late = Delay::new(Duration::from_secs(600)).queries(Queries::name("late"));
    let fault = put(late, &proxy).await;
    let mut tcp = Tcp::connect(proxy.address()).await;
    let (late, next) = (Query::a("late.").bytes(), Query::a("next.").bytes());
    tcp.say(&late).await;
    assert_eq!(tcp.ask(&next).await, echo(&next));
    assert_eq!(upstream.asked().len(), 1);
    assert_eq!(take_off(fault).await.hits, 1);
    assert_eq!(tcp.hear().await, echo(&late));
}

#[tokio::test]
async fn delays_add_up_and_the_first_answer_is_the_answer() {
    let upstream = Upstream::start().await;
    let proxy = upstream.proxy().await;
    let one = put(Delay::ms(60), &proxy).await;
    let two = put(Delay::ms(60), &proxy).await;
    let gone = put(Nxdomain::new(), &proxy).await;
    let later = put(Servfail::new(), &proxy).await;
    let start = Instant::now();
    let answer = udp(proxy.address(), &Query::a("a.").bytes()).await;
    let took = start.elapsed();
    assert!(took >= Duration::from_millis(120), "{took:?}");
    let code = read(&answer).metadata.response_code;
    assert_eq!(code, ResponseCode::NXDomain);
    for (fault, hits) in [(one, 1), (two, 1), (gone, 1), (later, 0)] {
        assert_eq!(take_off(fault).await.hits, hits);
    }
}

#[tokio::test]
async fn a_swallowed_query_is_answered_neither_by_udp_nor_by_tcp() {
    let upstream = Upstream::start().await;
    let builder = upstream.builder().timeout(Duration::from_secs(1));
    let proxy = builder.open().await.unwrap();
    let swallows = Timeout::new().queries(Queries::name("gone"));
    let fault = put(swallows, &proxy).await;
    let (gone, there) = (Query::a("gone.").bytes(), Query::a("there.").bytes());
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.connect(proxy.address()).await.unwrap();
    let mut tcp = Tcp::connect(proxy.address()).await;
    socket.send(&gone).await.unwrap();
    tcp.say(&gone).await;
    // Much longer than the proxy keeps a connection that says nothing.
    let quiet = Duration::from_secs(2);
    let mut buffer = [0; 512];
    let heard = tokio::time::timeout(quiet, socket.recv(&mut buffer)).await;
    assert!(heard.is_err(), "{heard:?}");
    // What is heard first, on both, is the answer to what is asked next.
    socket.send(&there).await.unwrap();
    let length = within(socket.recv(&mut buffer)).await.unwrap();
    assert_eq!(buffer[..length], echo(&there));
    assert_eq!(tcp.ask(&there).await, echo(&there));
    assert_eq!(upstream.asked().len(), 2);
    tcp.say(&gone).await;
    assert_eq!(tcp.ask(&there).await, echo(&there));
    assert_eq!(take_off(fault).await.hits, 3);
    assert_eq!(tcp.ask(&gone).await, echo(&gone));
    assert!(tcp.ended().await);
}

#[tokio::test]
async fn a_truncated_answer_sends_the_client_to_tcp_where_the_truth_is_told() {
    let upstream = Upstream::start().await;
    let proxy = upstream.proxy().await;
    let fault = put(Truncate::new(), &proxy).await;
    let query = Query::of("big.example.", RecordType::TXT).bytes();
    let [by_udp, by_tcp] = both(&proxy, &query).await;
    let message = read(&by_udp);
    assert!(message.metadata.truncation);
    assert_eq!(message.metadata.response_code, ResponseCode::NoError);
    assert_eq!(message.all_sections().count(), 0);
    assert_eq!(by_tcp, echo(&query));
    assert_eq!(upstream.asked().len(), 1);
    assert_eq!(take_off(fault).await.hits, 1);
}

fn told(answer: &[u8]) -> Vec<String> {
    let message = read(answer);
    assert_eq!(message.metadata.response_code, ResponseCode::NoError);
    assert!(message.authorities.is_empty() && message.additionals.is_empty());
    let record = |record: &hickory_proto::rr::Record| {
        format!("{} {} {}", record.name, record.ttl, record.data)
    };
    message.answers.iter().map(record).collect()
}

#[tokio::test]
async fn names_lead_elsewhere_and_types_without_an_address_have_no_records() {
    let upstream = Upstream::start().await;
    let proxy = upstream.proxy().await;
    let addresses: Vec<IpAddr> = ["192.0.2.1", "2001:db8::1", "192.0.2.2"]
        .map(|address| address.parse().unwrap())
        .into();
    let spoof = Spoof::addresses(addresses).ttl(Duration::from_secs(7));
    let fault = put(spoof, &proxy).await;
    let four = ["db.test. 7 192.0.2.1", "db.test. 7 192.0.2.2"];
    let six = "db.test. 7 2001:db8::1";
    for (record_type, expected) in [
        (RecordType::A, &four[..]),
        (RecordType::AAAA, &[six]),
        (RecordType::MX, &[]),
        (RecordType::ANY, &[four[0], six, four[1]]),
    ] {
        let query = Query::of("db.test.", record_type).bytes();
        for answer in both(&proxy, &query).await {
            assert_eq!(told(&answer), expected, "{record_type}");
        }
    }
    assert!(upstream.asked().is_empty());
    assert_eq!(take_off(fault).await.hits, 8);
}

#[tokio::test]
async fn a_name_is_an_alias_with_the_addresses_of_its_target() {
    let upstream = Upstream::start().await;
    let proxy = upstream.proxy().await;
    let address: IpAddr = "192.0.2.1".parse().unwrap();
    let spoof = Spoof::addresses([address]).alias_of("other.test");
    let fault = put(spoof, &proxy).await;
    let expected = ["db.test. 0 other.test.", "other.test. 0 192.0.2.1"];
    for answer in both(&proxy, &Query::a("db.test.").bytes()).await {
        assert_eq!(told(&answer), expected);
    }
    take_off(fault).await;
    let _fault = put(Spoof::cname("other.test"), &proxy).await;
    for answer in both(&proxy, &Query::a("db.test.").bytes()).await {
        assert_eq!(told(&answer), expected[..1]);
    }
}

#[tokio::test]
async fn what_does_not_fit_into_a_datagram_is_truncated_and_whole_by_tcp() {
    let upstream = Upstream::start().await;
    let proxy = upstream.proxy().await;
    let addresses = (0..100).map(|n| IpAddr::from([10, 0, 0, n]));
    let _fault = put(Spoof::addresses(addresses), &proxy).await;
    for (query, whole) in [
        (Query::a("db.test."), false),
        (Query::a("db.test.").edns(4096), true),
    ] {
        let [by_udp, by_tcp] = both(&proxy, &query.bytes()).await;
        let message = read(&by_udp);
        assert_eq!(message.metadata.truncation, !whole);
        assert_eq!(message.answers.len(), if whole { 100 } else { 0 });
        assert!(whole || by_udp.len() <= 512);
        assert_eq!(read(&by_tcp).answers.len(), 100);
    }
}

#[tokio::test]
async fn a_share_of_the_queries_is_hit_and_counted() {
    let upstream = Upstream::start().await;
    let proxy = upstream.proxy().await;
    let some = Nxdomain::new().queries(Queries::all().share(30.0));
    let fault = put(some, &proxy).await;
    let mut hit = 0;
    for _ in 0..200 {
        let query = Query::a("db.test.").bytes();
        hit += u64::from(udp(proxy.address(), &query).await != echo(&query));
    }
    // Five standard deviations.
    assert!((28..=92).contains(&hit), "{hit}");
    assert_eq!(take_off(fault).await.hits, hit);
}

#[tokio::test]
async fn only_the_clients_that_are_named_are_hit() {
    let upstream = Upstream::start().await;
    let query = Query::a("a.test.").bytes();
    for listen in ["127.0.0.1:0", "[::1]:0"] {
        let proxy = upstream.builder().listen(listen).open().await.unwrap();
        let six = Nxdomain::new().queries(Queries::all().clients(["::/16", "192.0.2.1"]));
        let fault = put(six, &proxy).await;
        for answer in both(&proxy, &query).await {
            assert_eq!(answer != echo(&query), listen.starts_with('['));
        }
        let hits = take_off(fault).await.hits;
        assert_eq!(hits, if listen.starts_with('[') { 2 } else { 0 });
    }
}

#[tokio::test]
async fn what_is_no_standard_query_of_the_internet_passes() {
    let upstream = Upstream::start().await;
    let proxy = upstream.proxy().await;
    let fault = put(Nxdomain::new(), &proxy).await;
    let a = || Query::a("a.test.");
    for query in [
        a().changed(|m| m.metadata.op_code = OpCode::Update),
        a().changed(|m| m.metadata.op_code = OpCode::Notify),
        a().changed(|m| m.queries.push(m.queries[0].clone())),
        a().changed(|m| m.queries.clear()),
        a().changed(|m| m.queries[0].query_class = DNSClass::CH),
    ] {
        for answer in both(&proxy, &query.bytes()).await {
            assert_eq!(answer, echo(&query.bytes()));
        }
    }
    assert_eq!(take_off(fault).await.hits, 0);
}
