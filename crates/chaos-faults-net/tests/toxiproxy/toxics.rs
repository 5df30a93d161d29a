//! Toxics that delay, narrow, cut and drop what flows.

use crate::world::{
    Api, connect, echo, ending, fastest, held, is_silent, ms, pair, ping, until, upstream,
};
use std::{
    io::{Read, Write},
    thread,
    time::{Duration, Instant},
};

/// Without a toxic a message is back in well under a millisecond; this leaves room for a busy machine.
const FAST: Duration = ms(40);

#[tokio::test]
async fn latency_comes_changes_and_goes_on_a_live_connection() {
    let api = Api::start().await;
    let mut client = connect(api.proxy("p", echo()));
    assert!(fastest(&mut client) < FAST);
    api.add(r#""type":"latency","name":"t","attributes":{"latency":100}"#);
    let took = fastest(&mut client);
    assert!(took >= ms(100) && took < ms(150), "{took:?}");
    api.change("t", r#""attributes":{"latency":200}"#);
    let took = fastest(&mut client);
    assert!(took >= ms(200) && took < ms(250), "{took:?}");
    // Others add up, on either stream.
    api.add(r#""type":"latency","stream":"upstream","attributes":{"latency":100}"#);
    assert!(fastest(&mut client) >= ms(300));
    api.remove("t");
    let took = fastest(&mut client);
    assert!(took >= ms(100) && took < ms(150), "{took:?}");
    api.remove("latency_upstream");
    assert!(fastest(&mut client) < FAST);
}

#[tokio::test]
async fn latency_counts_from_when_the_data_came_so_chunks_overlap_and_the_end_is_not_late() {
    let api = Api::start().await;
    let (upstream, held) = held();
    let at = api.proxy("p", upstream);
    api.add(r#""type":"latency","attributes":{"latency":200}"#);
    let (mut client, mut server) = pair(at, &held);
    let start = Instant::now();
    for n in 0..5 {
        thread::sleep((start + ms(20) * n).saturating_duration_since(Instant::now()));
        server.write_all(b"chunk").unwrap();
    }
    let mut all = [0; 25];
    client.read_exact(&mut all).unwrap();
    let took = start.elapsed();
    // One after the other they would take a second.
    assert!(took >= ms(280) && took < ms(800), "{took:?}");
    let start = Instant::now();
    drop(server);
    assert_eq!(ending(&mut client), (vec![], None));
    assert!(start.elapsed() < ms(190), "{:?}", start.elapsed());
}

#[tokio::test]
async fn what_is_late_is_delivered_when_the_latency_is_removed() {
    let api = Api::start().await;
    let mut client = connect(api.proxy("p", echo()));
    api.add(r#""type":"latency","name":"t","attributes":{"latency":3600000,"jitter":-7}"#);
    client.write_all(b"late").unwrap();
    assert!(is_silent(&client, ms(100)));
    api.remove("t");
    let mut reply = [0; 4];
    client.read_exact(&mut reply).unwrap();
    assert_eq!(&reply, b"late");
}

#[tokio::test]
async fn numbers_that_make_no_sense_harm_nobody() {
    let api = Api::start().await;
    let at = api.proxy("p", echo());
    for attributes in [
        r#""latency":-5,"jitter":-5"#,
        r#""latency":-9223372036854775808,"jitter":9223372036854775807"#,
        r#""latency":9223372036854775807,"jitter":9223372036854775807"#,
    ] {
        api.add(&format!(
            r#""type":"latency","name":"t","attributes":{{{attributes}}}"#
        ));
        let mut client = connect(at);
        client.write_all(b"x").unwrap();
        is_silent(&client, ms(20));
        api.remove("t");
        client.read_exact(&mut [0]).unwrap();
    }
    for toxic in [
        r#""type":"slow_close","name":"t","attributes":{"delay":9223372036854775807}"#,
        r#""type":"slicer","name":"t","attributes":{"average_size":9223372036854775807,"size_variation":9223372036854775807,"delay":9223372036854775807}"#,
        r#""type":"bandwidth","name":"t","attributes":{"rate":9223372036854775807}"#,
        r#""type":"limit_data","name":"t","attributes":{"bytes":9223372036854775807}"#,
        r#""type":"packet_loss","name":"t","attributes":{"loss_rate":-1e300,"correlation":1e300}"#,
        r#""type":"noop","name":"t","toxicity":1e38"#,
    ] {
        api.add(toxic);
        ping(&mut connect(at)).unwrap();
        api.remove("t");
    }
    for kind in ["timeout", "reset_peer"] {
        api.add(&format!(
            r#""type":"{kind}","name":"t","attributes":{{"timeout":9223372036854775807}}"#
        ));
        let mut client = connect(at);
        client.write_all(b"x").unwrap();
        assert!(is_silent(&client, ms(20)));
        api.remove("t");
    }
    ping(&mut connect(at)).unwrap();
}

#[tokio::test]
async fn bandwidth_is_in_thousands_of_bytes_per_second_and_changes_at_once() {
    let api = Api::start().await;
    let (upstream, held) = held();
    let at = api.proxy("p", upstream);
    api.add(r#""type":"bandwidth","name":"t","attributes":{"rate":100}"#);
    let (mut client, mut server) = pair(at, &held);
    let mut transfer = |bytes: usize| {
        let start = Instant::now();
        server.write_all(&vec![1; bytes]).unwrap();
        client.read_exact(&mut vec![0; bytes]).unwrap();
        start.elapsed()
    };
    let took = transfer(50_000);
    assert!(took >= ms(480) && took < ms(1500), "{took:?}");
    api.change("t", r#""attributes":{"rate":1000}"#);
    let took = transfer(200_000);
    assert!(took >= ms(180) && took < ms(1000), "{took:?}");
}

#[tokio::test]
async fn bandwidth_of_zero_stalls_until_it_is_changed() {
    let api = Api::start().await;
    let mut client = connect(api.proxy("p", echo()));
    api.add(r#""type":"bandwidth","name":"t""#);
    client.write_all(b"ping").unwrap();
    assert!(is_silent(&client, ms(100)));
    api.change("t", r#""attributes":{"rate":1}"#);
    let mut reply = [0; 4];
    client.read_exact(&mut reply).unwrap();
    assert_eq!(&reply, b"ping");
}

#[tokio::test]
async fn slow_close_makes_only_the_end_late() {
    let api = Api::start().await;
    let (upstream, held) = held();
    let at = api.proxy("p", upstream);
    api.add(r#""type":"slow_close","attributes":{"delay":400}"#);
    let (mut client, mut server) = pair(at, &held);
    let start = Instant::now();
    server.write_all(b"data").unwrap();
    drop(server);
    let mut data = [0; 4];
    client.read_exact(&mut data).unwrap();
    assert!(start.elapsed() < ms(350), "{:?}", start.elapsed());
    assert_eq!(ending(&mut client), (vec![], None));
    assert!(start.elapsed() >= ms(400), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_slicer_cuts_and_waits_in_microseconds() {
    let api = Api::start().await;
    let mut client = connect(api.proxy("p", echo()));
    let attributes = r#"{"average_size":64,"size_variation":32,"delay":50000}"#;
    api.add(&format!(r#""type":"slicer","attributes":{attributes}"#));
    let message: Vec<u8> = (0..=255).cycle().take(1024).collect();
    let start = Instant::now();
    client.write_all(&message).unwrap();
    let mut reads = Vec::new();
    let mut all = Vec::new();
    let mut buffer = [0; 2048];
    while all.len() < message.len() {
        let read = client.read(&mut buffer).unwrap();
        all.extend_from_slice(&buffer[..read]);
        reads.push(read);
    }
    assert!(all == message);
    // At most 96 bytes each: at least eleven slices, ten delays.
    assert!(start.elapsed() >= ms(500), "{:?}", start.elapsed());
    assert!(reads.len() >= 5, "{reads:?}");
}

#[tokio::test]
async fn a_slicer_carries_all_that_flows_through_it() {
    let api = Api::start().await;
    let source = upstream(|mut stream| {
        stream.write_all(&[7; 300_000]).ok();
    });
    let at = api.proxy("p", source);
    for attributes in [
        r#"{"average_size":1,"size_variation":1}"#,
        r#"{"average_size":100,"size_variation":100}"#,
        r#"{"average_size":1000000,"size_variation":0}"#,
    ] {
        api.add(&format!(
            r#""type":"slicer","name":"t","attributes":{attributes}"#
        ));
        let (all, end) = ending(&mut connect(at));
        assert_eq!((all.len(), end), (300_000, None));
        api.remove("t");
    }
}

#[tokio::test]
async fn packet_loss_drops_what_was_read_at_once() {
    let api = Api::start().await;
    let (upstream, held) = held();
    let at = api.proxy("p", upstream);
    api.add(r#""type":"packet_loss","name":"t","attributes":{"loss_rate":1}"#);
    let (mut client, mut server) = pair(at, &held);
    server.write_all(b"lost").unwrap();
    assert!(is_silent(&client, ms(100)));
    api.change("t", r#""attributes":{"loss_rate":0}"#);
    server.write_all(b"kept").unwrap();
    drop(server);
    assert_eq!(ending(&mut client), (b"kept".to_vec(), None));

    api.change("t", r#""attributes":{"loss_rate":0.5}"#);
    let (mut client, mut server) = pair(at, &held);
    for n in 0..40_u8 {
        server.write_all(&[n]).unwrap();
        thread::sleep(ms(5));
    }
    drop(server);
    let (some, end) = ending(&mut client);
    assert!(end.is_none() && (5..=35).contains(&some.len()), "{some:?}");
    assert!(some.is_sorted());
}

#[tokio::test]
async fn toxics_act_in_the_order_in_which_they_were_added() {
    let api = Api::start().await;
    let at = api.proxy("p", echo());
    // What the first has let through is late; what it has not was never delayed.
    api.add(r#""type":"limit_data","attributes":{"bytes":3}"#);
    api.add(r#""type":"latency","attributes":{"latency":150}"#);
    let mut client = connect(at);
    let start = Instant::now();
    client.write_all(b"ping").unwrap();
    assert_eq!(ending(&mut client), (b"pin".to_vec(), None));
    assert!(start.elapsed() >= ms(150));
    // An update keeps the place.
    api.change("limit_data_downstream", r#""attributes":{"bytes":2}"#);
    let told = api.must(200, "GET", "/proxies/p/toxics", "");
    let at_of = |name| told.find(name).unwrap();
    assert!(at_of("limit_data_downstream") < at_of("latency_downstream"));
    until("it holds for new connections", || {
        let mut client = connect(at);
        client.write_all(b"ping").unwrap();
        ending(&mut client).0 == b"pi"
    });
}

#[tokio::test]
async fn a_noop_does_nothing() {
    let api = Api::start().await;
    let mut client = connect(api.proxy("p", echo()));
    api.add(r#""type":"noop""#);
    assert!(fastest(&mut client) < FAST);
}
