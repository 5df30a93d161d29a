//! What the faults do, as clients and the server see it.

#[expect(dead_code, reason = "shared with other tests")]
mod world;

use bytes::Bytes;
use chaos_core::{Engine, FaultExt, Placed};
use chaos_faults_http::{Abort, Delay, Direction, Patch, Replace, Requests};
use http::{Request, StatusCode};
use http_body_util::Full;
use serde_json::json;
use std::{io::ErrorKind, time::Duration};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use world::{
    Client, Server, Speaks, put,
    raw::{Raw, say},
    take_off, until, within,
};

const BOTH: [Speaks; 2] = [Speaks::One, Speaks::Two];

#[tokio::test]
async fn responses_are_late_on_live_connections_as_long_as_the_fault_is_there() {
    let server = Server::start().await;
    let proxy = server.proxy().await;
    for speaks in BOTH {
        let mut client = Client::connect(&proxy, speaks).await;
        client.get("/").await.unwrap();
        let fault = put(Delay::ms(150), &proxy).await;
        let late = client.get("/").await.unwrap().took;
        assert!(late >= Duration::from_millis(150), "{late:?}");
        let recovered = take_off(fault).await;
        assert_eq!(recovered.hits, 1);
        let best = async {
            let mut best = Duration::MAX;
            for _ in 0..5 {
                best = best.min(client.get("/").await.unwrap().took);
            }
            best
        };
        assert!(best.await < Duration::from_millis(100));
    }
}

#[tokio::test]
async fn a_late_request_reaches_the_server_late_and_at_once_when_the_fault_is_over() {
    let server = Server::start().await;
    let proxy = server.proxy().await;
    let slow = Delay::new(Duration::from_secs(600)).direction(Direction::Upstream);
    let fault = put(slow, &proxy).await;
    let mut client = Client::connect(&proxy, Speaks::One).await;
    let asking = tokio::spawn(async move { client.get("/").await.unwrap().status });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(server.asked().is_empty());
    take_off(fault).await;
    assert_eq!(within(asking).await.unwrap(), StatusCode::OK);
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn delays_add_up_and_those_of_others_are_not_late() {
    let server = Server::start().await;
    let proxy = server.proxy().await;
    let _one = put(Delay::ms(60), &proxy).await;
    let _two = put(Delay::ms(60).direction(Direction::Upstream), &proxy).await;
    let far = Delay::new(Duration::from_secs(600)).requests(Requests::path("/far"));
    let _far = put(far, &proxy).await;
    let mut client = Client::connect(&proxy, Speaks::One).await;
    let took = client.get("/").await.unwrap().took;
    assert!(took >= Duration::from_millis(120), "{took:?}");
}

#[tokio::test]
async fn an_abort_answers_before_the_server_hears_of_it() {
    let server = Server::start().await;
    let proxy = server.proxy().await;
    let busy = Abort::status(429).header("Retry-After", "1").body("busy");
    let fault = put(busy.requests(Requests::all().methods(["POST"])), &proxy).await;
    for speaks in BOTH {
        let mut client = Client::connect(&proxy, speaks).await;
        let request = Request::post("/").body(Full::new(Bytes::from_static(b"order")));
        let answer = client.ask(request.unwrap()).await.unwrap();
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(answer.headers["retry-after"], "1");
        assert_eq!(answer.body, "busy");
        assert_eq!(client.get("/").await.unwrap().status, StatusCode::OK);
    }
    assert_eq!(server.asked(), ["GET /", "GET /"]);
    assert_eq!(take_off(fault).await.hits, 2);
}

#[tokio::test]
async fn downstream_only_the_answer_is_lost() {
    let server = Server::start().await;
    let proxy = server.proxy().await;
    let lost = Abort::status(504).direction(Direction::Downstream);
    let _fault = put(lost, &proxy).await;
    for speaks in BOTH {
        let mut client = Client::connect(&proxy, speaks).await;
        let answer = client.get("/order").await.unwrap();
        assert_eq!(answer.status, StatusCode::GATEWAY_TIMEOUT);
        assert!(answer.body.is_empty());
    }
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test]
async fn a_fault_that_comes_meanwhile_hits_the_answer_that_is_awaited() {
    let server = Server::start().await;
    let proxy = server.proxy().await;
    let mut client = Client::connect(&proxy, Speaks::One).await;
    let asking = tokio::spawn(async move { client.get("/slow").await.unwrap().status });
    until("asked", || server.asked().len() == 1).await;
    let lost = Abort::status(504).direction(Direction::Downstream);
    let _fault = put(lost, &proxy).await;
    server.seen.go.notify_waiters();
    assert_eq!(asking.await.unwrap(), StatusCode::GATEWAY_TIMEOUT);
}

#[tokio::test]
async fn a_reset_is_one_of_the_connection_in_http1() {
    let server = Server::start().await;
    let proxy = server.proxy().await;
    for direction in [Direction::Upstream, Direction::Downstream] {
        let _fault = put(Abort::reset().direction(direction), &proxy).await;
        let mut stream = tokio::net::TcpStream::connect(proxy.address())
            .await
            .unwrap();
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            .await
            .unwrap();
        let error = within(stream.read(&mut [0; 100])).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }
}

#[tokio::test]
async fn a_reset_is_one_of_the_stream_in_http2() {
    let server = Server::start().await;
    let proxy = server.proxy().await;
    let mut client = Client::connect(&proxy, Speaks::Two).await;
    let _fault = put(Abort::reset().requests(Requests::path("/bad")), &proxy).await;
    let error = client.get("/bad").await.unwrap_err();
    let error = chaos_core::Chain(&error).to_string();
    assert!(error.contains("internal error"), "{error}");
    // The same connection goes on.
    assert_eq!(client.get("/good").await.unwrap().status, StatusCode::OK);
}

#[tokio::test]
async fn a_share_of_the_requests_is_hit_and_counted() {
    let server = Server::start().await;
    let proxy = server.proxy().await;
    let some = Abort::status(503).requests(Requests::all().share(30.0));
    let fault = put(some, &proxy).await;
    let mut client = Client::connect(&proxy, Speaks::One).await;
    let mut hit = 0;
    for _ in 0..200 {
        let status = client.get("/").await.unwrap().status;
        hit += u64::from(status == StatusCode::SERVICE_UNAVAILABLE);
    }
    // Five standard deviations.
    assert!((28..=92).contains(&hit), "{hit}");
    assert_eq!(take_off(fault).await.hits, hit);
}

#[tokio::test]
async fn a_response_is_replaced() {
    let server = Server::start().await;
    let proxy = server.proxy().await;
    let replace = Replace::response()
        .status(404)
        .header("ETag", "\"2\"")
        .body("gone");
    let fault = put(replace, &proxy).await;
    for speaks in BOTH {
        let mut client = Client::connect(&proxy, speaks).await;
        for _ in 0..3 {
            let answer = client.get("/").await.unwrap();
            assert_eq!(answer.status, StatusCode::NOT_FOUND);
            assert_eq!(answer.headers["etag"], "\"2\"");
            assert_eq!(answer.body, "gone");
        }
    }
    assert_eq!(take_off(fault).await.hits, 6);
}

/// A client of HTTP/2 that is strict resets a stream on which there is a body where there may be none.
#[tokio::test]
async fn where_there_may_be_no_body_there_is_none() {
    let server = Server::start().await;
    let proxy = server.proxy().await;
    let head = Requests::all().methods(["HEAD"]);
    let faults: [(Placed, &str, u16); 7] = [
        (Replace::response().status(204).on(&proxy), "GET", 204),
        (Replace::response().status(304).on(&proxy), "GET", 304),
        (Replace::response().body("new").on(&proxy), "HEAD", 200),
        (
            Abort::status(503).body("x").requests(head).on(&proxy),
            "HEAD",
            503,
        ),
        (Abort::status(204).body("x").on(&proxy), "GET", 204),
        (Replace::request().method("HEAD").on(&proxy), "GET", 200),
        (Replace::request().method("GET").on(&proxy), "HEAD", 200),
    ];
    let engine = Engine::open().await.unwrap();
    for (fault, method, status) in faults {
        let fault = within(engine.inject(fault)).await.unwrap();
        for speaks in BOTH {
            let mut client = Client::connect(&proxy, speaks).await;
            // The second one shows that nothing was left of the first.
            for _ in 0..2 {
                let mut request = Request::new(Full::default());
                *request.method_mut() = method.parse().unwrap();
                *request.uri_mut() = "/items".parse().unwrap();
                let answer = client.ask(request).await;
                let answer = answer
                    .unwrap_or_else(|error| panic!("{speaks:?} {method} {status}: {error:?}"));
                assert_eq!(answer.status, status, "{speaks:?} {method}");
                assert!(answer.body.is_empty(), "{speaks:?} {method} {status}");
                let length = answer.headers.get("content-length");
                assert!(status != 204 || length.is_none(), "{speaks:?} {length:?}");
            }
        }
        take_off(fault).await;
    }
}

#[tokio::test]
async fn a_request_is_replaced() {
    let server = Server::start().await;
    let proxy = server.proxy().await;
    let replace = Replace::request().method("PUT").path("/other?a=b");
    let _fault = put(replace.header("X-One", "2").body("mine"), &proxy).await;
    for speaks in BOTH {
        let mut client = Client::connect(&proxy, speaks).await;
        let request = Request::post("/items").header("x-one", "1");
        let request = request
            .body(Full::new(Bytes::from_static(b"a longer body")))
            .unwrap();
        let told = client.ask(request).await.unwrap().json();
        for (what, is) in [
            ("method", "PUT"),
            ("path", "/other?a=b"),
            ("x-one", "2"),
            ("body", "mine"),
        ] {
            assert_eq!(told[what], is, "{speaks:?} {what}");
        }
    }
}

#[tokio::test]
async fn json_and_headers_are_patched() {
    let server = Server::start().await;
    let proxy = server.proxy().await;
    let patch = Patch::response().json(json!({ "method": null, "path": 7, "new": { "a": 1 } }));
    let patch = patch.remove_header("ETag").header("X-New", "1");
    let _fault = put(patch, &proxy).await;
    for speaks in BOTH {
        let mut client = Client::connect(&proxy, speaks).await;
        let mut request = Request::new(Full::default());
        *request.uri_mut() = "/items".parse().unwrap();
        request
            .headers_mut()
            .insert("accept-encoding", "gzip".parse().unwrap());
        let answer = client.ask(request).await.unwrap();
        let told = answer.json();
        assert_eq!(told["path"], 7);
        assert_eq!(told["new"], json!({ "a": 1 }));
        assert_eq!(told["host"], "stock.test");
        assert!(told.get("method").is_none());
        assert!(
            told["accept-encoding"].is_null(),
            "compressed JSON could not be read"
        );
        assert!(!answer.headers.contains_key("etag"));
        assert_eq!(answer.headers["x-new"], "1");
        assert_eq!(
            answer.headers["content-length"],
            answer.body.len().to_string()
        );
    }
}

#[tokio::test]
async fn a_request_is_patched() {
    let server = Server::start().await;
    let proxy = server.proxy().await;
    let _fault = put(Patch::request().json(json!({ "count": -1 })), &proxy).await;
    let mut client = Client::connect(&proxy, Speaks::One).await;
    let request = Request::post("/").header("content-type", "application/json");
    let request = request.body(Full::new(Bytes::from_static(br#"{"count":3,"of":"x"}"#)));
    let told = client.ask(request.unwrap()).await.unwrap().json();
    assert_eq!(told["body"], r#"{"count":-1,"of":"x"}"#);
}

#[tokio::test]
async fn what_cannot_be_patched_passes_and_does_not_count() {
    let server = Server::start().await;
    let proxy = server.proxy().await;
    let fault = put(Patch::response().json(json!({ "a": 1 })), &proxy).await;
    for speaks in BOTH {
        let mut client = Client::connect(&proxy, speaks).await;
        assert_eq!(client.get("/text").await.unwrap().body, "text");
        for path in ["/big", "/big-chunks"] {
            let big = client.get(path).await.unwrap().body;
            assert_eq!(big.len(), 5 * 1024 * 1024 + r#"{"big":""}"#.len());
        }
        assert_eq!(client.get("/trailers").await.unwrap().body, "data");
    }
    assert_eq!(take_off(fault).await.hits, 0);
}

#[tokio::test]
async fn a_document_that_breaks_off_is_not_passed_on_as_a_whole_one() {
    let head = "Host: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    let broken = format!("{head}5\r\n[1,2,\r\nzz\r\n");
    let upstream = Raw::answering_at("\r\n0\r\n", format!("HTTP/1.1 200 OK\r\n{broken}")).await;
    let fault = put(Patch::request().json(json!({ "a": 1 })), &upstream.proxy).await;
    let answer = say(&upstream.proxy, format!("POST / HTTP/1.1\r\n{broken}")).await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    take_off(fault).await;
    let fault = put(Patch::response().json(json!({ "a": 1 })), &upstream.proxy).await;
    let asks = format!("POST / HTTP/1.1\r\n{head}2\r\n{{}}\r\n0\r\n\r\n");
    let answer = say(&upstream.proxy, asks).await;
    assert!(!answer.ends_with("\r\n0\r\n\r\n"), "{answer}");
    take_off(fault).await;
}
