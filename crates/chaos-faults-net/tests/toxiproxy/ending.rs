//! Toxics that end connections.

use crate::world::{Api, connect, echo, ending, held, is_silent, ms, pair, ping, upstream};
use std::{
    io::{ErrorKind, Read, Write},
    net::Shutdown,
    thread,
    time::Instant,
};

#[tokio::test]
async fn timeout_drops_data_and_closes_after_silence() {
    let api = Api::start().await;
    let (upstream, held) = held();
    let at = api.proxy("p", upstream);
    let (mut client, mut server) = pair(at, &held);
    server.write_all(b"before").unwrap();
    client.read_exact(&mut [0; 6]).unwrap();
    let added = Instant::now();
    api.add(r#""type":"timeout","attributes":{"timeout":500}"#);
    // Each chunk starts the clock anew, and none of them arrives.
    for _ in 0..5 {
        thread::sleep(ms(100));
        server.write_all(b"lost").unwrap();
    }
    let last = Instant::now();
    // The other way is not hit.
    client.write_all(b"request").unwrap();
    server.read_exact(&mut [0; 7]).unwrap();
    assert_eq!(ending(&mut client), (vec![], None));
    assert!(last.elapsed() >= ms(490) && added.elapsed() >= ms(990));
    assert_eq!(ending(&mut server), (vec![], None));
}

#[tokio::test]
async fn timeout_closes_a_connection_on_which_nothing_is_said() {
    let api = Api::start().await;
    let at = api.proxy("p", echo());
    let mut before = connect(at);
    ping(&mut before).unwrap();
    let start = Instant::now();
    api.add(r#""type":"timeout","stream":"upstream","attributes":{"timeout":200}"#);
    let mut after = connect(at);
    for client in [&mut before, &mut after] {
        assert_eq!(ending(client), (vec![], None));
        assert!(start.elapsed() >= ms(200));
    }
    // The end of a stream is dropped like data; it does not hold the connection for ever.
    let mut client = connect(at);
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(ending(&mut client), (vec![], None));
}

#[tokio::test]
async fn timeout_of_zero_is_a_black_hole_and_removing_it_closes_the_connections() {
    let api = Api::start().await;
    let at = api.proxy("p", echo());
    api.add(r#""type":"timeout","name":"t""#);
    let mut client = connect(at);
    client.write_all(b"ping").unwrap();
    assert!(is_silent(&client, ms(150)));
    // A change is none.
    api.change("t", r#""attributes":{"timeout":3600000}"#);
    assert!(is_silent(&client, ms(50)));
    api.remove("t");
    assert_eq!(ending(&mut client), (vec![], None));
    ping(&mut connect(at)).unwrap();

    api.add(r#""type":"timeout","name":"t""#);
    let mut client = connect(at);
    client.write_all(b"ping").unwrap();
    assert!(is_silent(&client, ms(50)));
    api.must(204, "POST", "/reset", "");
    assert_eq!(
        ending(&mut client),
        (vec![], None),
        "a reset removes it, too"
    );
}

#[tokio::test]
async fn reset_peer_resets_those_that_came_after_it_and_closes_the_others() {
    let api = Api::start().await;
    let at = api.proxy("p", echo());
    let mut before = connect(at);
    ping(&mut before).unwrap();
    api.add(r#""type":"reset_peer","name":"t","attributes":{"timeout":100}"#);
    let mut after = connect(at);
    for (client, end) in [
        (&mut before, None),
        (&mut after, Some(ErrorKind::ConnectionReset)),
    ] {
        // As long as nothing is said it lives.
        assert!(is_silent(client, ms(150)));
        let start = Instant::now();
        client.write_all(b"ping").unwrap();
        assert_eq!(ending(client), (vec![], end), "the answer is lost");
        assert!(start.elapsed() >= ms(100));
    }
}

#[tokio::test]
async fn reset_peer_of_zero_resets_at_the_first_data_or_at_the_end() {
    let api = Api::start().await;
    let at = api.proxy("p", echo());
    api.add(r#""type":"reset_peer","name":"t","stream":"upstream""#);
    for says in [&b"x"[..], b""] {
        let mut client = connect(at);
        client.write_all(says).unwrap();
        if says.is_empty() {
            client.shutdown(Shutdown::Write).unwrap();
        }
        assert_eq!(
            ending(&mut client),
            (vec![], Some(ErrorKind::ConnectionReset))
        );
    }
    // A change does not make it new: what came after it was added is still reset.
    let mut client = connect(at);
    api.change("t", r#""attributes":{"timeout":10}"#);
    client.write_all(b"x").unwrap();
    assert_eq!(ending(&mut client).1, Some(ErrorKind::ConnectionReset));
    api.remove("t");
    ping(&mut connect(at)).unwrap();
}

#[tokio::test]
async fn limit_data_lets_so_many_through_and_closes() {
    let api = Api::start().await;
    let source = upstream(|mut stream| {
        stream.write_all(&[7; 100_000]).ok();
        stream.read_exact(&mut [0]).ok();
    });
    let at = api.proxy("p", source);
    for bytes in [1, 10, 99_999, 100_000] {
        let attributes = format!(r#"{{"bytes":{bytes}}}"#);
        api.add(&format!(
            r#""type":"limit_data","name":"t","attributes":{attributes}"#
        ));
        let (all, end) = ending(&mut connect(at));
        assert_eq!((all.len(), end), (bytes, None));
        api.remove("t");
    }
    // 0 closes at the first data, and only then.
    let mut quiet = connect(api.proxy("quiet", echo()));
    let body = r#"{"type":"limit_data"}"#;
    api.must(200, "POST", "/proxies/quiet/toxics", body);
    assert!(is_silent(&quiet, ms(100)));
    quiet.write_all(b"x").unwrap();
    assert_eq!(ending(&mut quiet), (vec![], None));
}

#[tokio::test]
async fn limit_data_goes_on_counting_when_it_is_changed() {
    let api = Api::start().await;
    let mut client = connect(api.proxy("p", echo()));
    api.add(r#""type":"limit_data","name":"t","attributes":{"bytes":1000}"#);
    ping(&mut client).unwrap();
    api.change("t", r#""toxicity":0"#);
    ping(&mut client).unwrap();
    // What went while it was not hit does not count.
    api.change("t", r#""toxicity":1,"attributes":{"bytes":6}"#);
    client.write_all(b"ping").unwrap();
    assert_eq!(ending(&mut client), (b"pi".to_vec(), None));

    let mut client = connect(api.proxy("q", echo()));
    let toxic = r#"{"type":"limit_data","name":"t","attributes":{"bytes":1000}}"#;
    api.must(200, "POST", "/proxies/q/toxics", toxic);
    ping(&mut client).unwrap();
    // Less than went already: it is closed at the next data.
    let less = r#"{"attributes":{"bytes":2}}"#;
    api.must(200, "PATCH", "/proxies/q/toxics/t", less);
    assert!(is_silent(&client, ms(50)));
    client.write_all(b"ping").unwrap();
    assert_eq!(ending(&mut client), (vec![], None));
}
