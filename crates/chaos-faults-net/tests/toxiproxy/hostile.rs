//! Clients and upstreams that mean no good.

use crate::world::{Api, call, connect, echo, ending, listens, ms, ping, upstream};
use socket2::{Domain, Socket, Type};
use std::{
    io::{Read, Write},
    net::SocketAddr,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

/// Long for an answer, and short for one that waits for an upstream.
const SOON: Duration = Duration::from_secs(5);

#[tokio::test]
async fn of_two_hundred_that_want_one_name_one_gets_it() {
    let api = Api::start().await;
    let at = api.running.address();
    let [made, refused] = [0; 2].map(AtomicUsize::new);
    thread::scope(|scope| {
        for _ in 0..200 {
            scope.spawn(|| {
                let body = br#"{"name":"p","listen":"127.0.0.1:0","upstream":"b:1"}"#;
                match call(at, "POST", "/proxies", "", body).unwrap().status {
                    201 => made.fetch_add(1, Ordering::Relaxed),
                    409 => refused.fetch_add(1, Ordering::Relaxed),
                    other => panic!("{other}"),
                };
            });
        }
    });
    let counts = [made, refused].map(AtomicUsize::into_inner);
    assert_eq!(counts, [1, 199]);
}

#[tokio::test]
async fn a_body_of_ten_megabytes_is_refused_and_the_next_request_is_answered() {
    let api = Api::start().await;
    let huge = " ".repeat(10_000_000);
    for (path, begins) in [
        ("/proxies", "{\"error\":\"bad request body: longer than"),
        ("/populate", "{\"error\":\"bad request body: longer than"),
    ] {
        let answer = api.call("POST", path, &huge);
        assert_eq!(answer.status, 413);
        assert!(answer.body.starts_with(begins), "{answer:?}");
    }
    // What fits is read to the end, however much of it is of no use.
    let most = " ".repeat(8_000_000);
    let body = format!(r#"{{"name":"p","listen":"127.0.0.1:0","upstream":"b:1"}}{most}"#);
    api.must(201, "POST", "/proxies", &body);
}

#[tokio::test]
async fn bodies_that_are_nested_deeply_or_no_text_are_refused() {
    let api = Api::start().await;
    for body in [
        "[".repeat(1_000_000).into_bytes(),
        format!("{{\"name\":{}", "{\"a\":".repeat(100_000)).into_bytes(),
        vec![0xff; 1000],
        vec![0; 1000],
    ] {
        for path in ["/proxies", "/populate"] {
            let answer = call(api.running.address(), "POST", path, "", &body).unwrap();
            assert_eq!(answer.status, 400, "{}", answer.body);
        }
    }
}

#[tokio::test]
async fn what_is_no_http_closes_only_its_own_connection() {
    let api = Api::start().await;
    let mut good = connect(api.running.address());
    for nonsense in [
        &b"\x16\x03\x01\x02\x00\x01"[..],
        b"GET\r\n\r\n",
        b"\0\0\0\0\r\n\r\n",
    ] {
        let mut bad = connect(api.running.address());
        bad.write_all(nonsense).unwrap();
        bad.shutdown(std::net::Shutdown::Write).unwrap();
        ending(&mut bad);
    }
    let half = connect(api.running.address());
    (&half).write_all(b"GET /version HTT").unwrap();
    drop(half);
    // Two requests on one connection.
    for _ in 0..2 {
        good.write_all(b"GET /version HTTP/1.1\r\nHost: x\r\n\r\n")
            .unwrap();
        let mut head = [0; 15];
        good.read_exact(&mut head).unwrap();
        assert_eq!(&head, b"HTTP/1.1 200 OK");
        let mut rest = Vec::new();
        while !rest.ends_with(b"\"}\n") {
            let mut byte = [0];
            good.read_exact(&mut byte).unwrap();
            rest.push(byte[0]);
        }
    }
}

/// A port at which connections are neither taken nor refused: its queue is full. With what keeps it so.
fn dead() -> (SocketAddr, Vec<Socket>) {
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
    listener.bind(&any.into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap().as_socket().unwrap();
    let mut kept = vec![listener];
    for _ in 0..8 {
        let filler = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        filler.set_nonblocking(true).unwrap();
        // It never finishes; that is the point.
        filler.connect(&address.into()).ok();
        kept.push(filler);
    }
    (address, kept)
}

#[tokio::test]
async fn an_upstream_that_does_not_answer_makes_nobody_wait() {
    let api = Api::start().await;
    let (dead, _kept) = dead();
    let at = api.proxy("p", dead);
    let good = api.proxy("good", echo());
    let waiting: Vec<_> = (0..5).map(|_| connect(at)).collect();
    thread::sleep(ms(50));
    let start = Instant::now();
    api.must(200, "GET", "/proxies", "");
    api.must(200, "GET", "/proxies/p", "");
    api.add(r#""type":"latency","name":"t","attributes":{"latency":10}"#);
    api.change("t", r#""attributes":{"latency":20}"#);
    api.remove("t");
    ping(&mut connect(good)).unwrap();
    api.must(200, "PATCH", "/proxies/p", r#"{"enabled":false}"#);
    api.must(200, "PATCH", "/proxies/p", r#"{"enabled":true}"#);
    api.must(204, "POST", "/reset", "");
    api.must(204, "DELETE", "/proxies/p", "");
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
    for mut client in waiting {
        assert_eq!(ending(&mut client), (vec![], None));
    }
}

#[tokio::test]
async fn changes_under_steady_traffic_are_answered_and_lose_nothing() {
    let api = Api::start().await;
    // It sends as fast as it can what can be told from anything else.
    let source = upstream(|mut stream| {
        let block: Vec<u8> = (0..251).collect();
        while stream.write_all(&block).is_ok() {}
    });
    let at = api.proxy("p", source);
    let mut client = connect(at);
    let reader = thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        let mut total = 0_usize;
        loop {
            match client.read(&mut buffer) {
                Ok(0) | Err(_) => return total,
                Ok(read) => {
                    for byte in &buffer[..read] {
                        assert_eq!(usize::from(*byte), total % 251);
                        total += 1;
                    }
                }
            }
        }
    });
    for round in 0..5 {
        for toxic in [
            r#""type":"latency","name":"t","attributes":{"latency":10,"jitter":5}"#,
            r#""type":"bandwidth","name":"t","attributes":{"rate":100000}"#,
            r#""type":"slicer","name":"t","attributes":{"average_size":1000,"size_variation":1000}"#,
            r#""type":"slow_close","name":"t","attributes":{"delay":10}"#,
            r#""type":"bandwidth","name":"t","toxicity":0.5"#,
        ] {
            let start = Instant::now();
            api.add(toxic);
            api.change("t", &format!(r#""toxicity":{}"#, f64::from(round % 2)));
            api.remove("t");
            assert!(start.elapsed() < SOON, "{toxic}: {:?}", start.elapsed());
        }
    }
    let start = Instant::now();
    api.must(204, "DELETE", "/proxies/p", "");
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
    assert!(reader.join().unwrap() > 0);
}

#[tokio::test]
async fn an_upstream_that_is_the_proxy_itself_is_no_endless_chain() {
    let api = Api::start().await;
    let at = api.proxy("p", "127.0.0.1:1".parse().unwrap());
    let told = api.must(
        200,
        "PATCH",
        "/proxies/p",
        &format!(r#"{{"upstream":"{at}"}}"#),
    );
    let mut client = connect(listens(&told));
    let (data, _) = ending(&mut client);
    assert!(data.is_empty());
}
