//! What goes through a proxy without a fault is as direct as possible, also where it is unusual.

#[expect(dead_code, reason = "shared with other tests")]
mod world;

use bytes::Bytes;
use chaos_faults_http::{Delay, HttpProxy};
use http::{Request, StatusCode};
use http_body_util::{Full, StreamBody};
use hyper::{body::Frame, client::conn::http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::convert::Infallible;
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use world::{
    Client, Server, Speaks, put,
    raw::{Raw, say},
    take_off, within,
};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

#[tokio::test]
async fn a_request_of_http_1_0_goes_on_as_one() {
    let upstream = Raw::answering(OK).await;
    let answer = say(&upstream.proxy, "GET / HTTP/1.0\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.0 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with("ok"), "{answer}");
    assert_eq!(upstream.heard(), "GET / HTTP/1.0\r\n\r\n");
    let asks =
        "POST /a HTTP/1.0\r\nHost: a\r\nConnection: Keep-Alive\r\nContent-Length: 4\r\n\r\nbody";
    let mut stream = TcpStream::connect(upstream.proxy.address()).await.unwrap();
    stream.write_all(asks.as_bytes()).await.unwrap();
    upstream.hears("\r\n\r\nbody").await;
    let heard = upstream.heard().to_lowercase();
    assert!(heard.starts_with("post /a http/1.0\r\n"), "{heard}");
    assert!(heard.contains("host: a\r\n"), "{heard}");
    assert!(heard.contains("connection: keep-alive\r\n"), "{heard}");
}

#[tokio::test]
async fn a_client_of_http_1_0_is_not_told_to_go_on_where_the_end_of_the_connection_is_that_of_the_answer()
 {
    let upstream = Raw::answering("HTTP/1.0 200 OK\r\nConnection: close\r\n\r\nok").await;
    let mut stream = TcpStream::connect(upstream.proxy.address()).await.unwrap();
    let asks = b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
    stream.write_all(asks).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\nok") {
        let read = within(stream.read_buf(&mut answer)).await.unwrap();
        assert_ne!(read, 0, "{answer:?}");
    }
    let answer = String::from_utf8(answer).unwrap().to_lowercase();
    assert!(answer.starts_with("http/1.0 200 ok\r\n"), "{answer}");
    assert!(!answer.contains("keep-alive"), "{answer}");
}

#[tokio::test]
async fn as_many_fields_pass_as_servers_take() {
    let fields: String = (0..900).map(|n| format!("X-{n}: {n}\r\n")).collect();
    let answer = format!("HTTP/1.1 200 OK\r\n{fields}Content-Length: 2\r\n\r\nok");
    let upstream = Raw::answering(answer).await;
    let asks = format!("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{fields}\r\n");
    let answer = say(&upstream.proxy, asks).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("X-899: 899\r\n"), "{answer}");
    assert!(upstream.heard().contains("X-899: 899\r\n"));

    let upstream = Raw::answering(OK).await;
    let mut request = Request::get("/").body(Full::default()).unwrap();
    for n in 0..300 {
        let name: http::HeaderName = format!("x-{n}").parse().unwrap();
        let value = "v".repeat(100).parse().unwrap();
        request.headers_mut().insert(name, value);
    }
    let mut client = Client::connect(&upstream.proxy, Speaks::Two).await;
    assert_eq!(client.ask(request).await.unwrap().status, StatusCode::OK);
    assert!(upstream.heard().contains("x-299: v"));
}

#[tokio::test]
async fn the_cookies_of_http2_are_one_field_in_http1() {
    let upstream = Raw::answering(OK).await;
    let mut client = Client::connect(&upstream.proxy, Speaks::Two).await;
    let request = Request::get("/")
        .header("cookie", "a=1")
        .header("cookie", "b=2")
        .header("cookie", "c=3");
    let request = request.body(Full::default()).unwrap();
    client.ask(request).await.unwrap();
    let heard = upstream.heard();
    assert!(heard.contains("cookie: a=1; b=2; c=3\r\n"), "{heard}");
    assert_eq!(heard.matches("cookie").count(), 1, "{heard}");
}

#[tokio::test]
async fn a_clients_broken_body_is_not_the_upstreams_fault() {
    let server = Server::start().await;
    let proxy = server.proxy().await;
    let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    for body in ["5\r\nhello\r\nzz\r\n", "zz\r\n"] {
        let answer = say(&proxy, format!("{head}{body}")).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
        assert!(!answer.contains("upstream"), "{answer}");
    }
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    let half = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf";
    stream.write_all(half).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = String::new();
    within(stream.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
}

#[tokio::test]
async fn the_length_of_what_was_not_modified_passes() {
    let not_modified = "HTTP/1.1 304 Not Modified\r\nContent-Length: 123\r\nETag: \"1\"\r\n\r\n";
    let upstream = Raw::answering(not_modified).await;
    let asks = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let answer = say(&upstream.proxy, asks).await.to_lowercase();
    assert!(answer.starts_with("http/1.1 304"), "{answer}");
    assert!(answer.ends_with("\r\n\r\n"), "{answer}");
    assert!(answer.contains("content-length: 123\r\n"), "{answer}");

    let upstream = Raw::answering(not_modified).await;
    let mut client = Client::connect(&upstream.proxy, Speaks::Two).await;
    let answer = client.get("/").await.unwrap();
    assert_eq!(answer.status, StatusCode::NOT_MODIFIED);
    assert_eq!(answer.headers["content-length"], "123");
    assert!(answer.body.is_empty());
}

#[tokio::test]
async fn a_coded_body_keeps_what_says_how() {
    let coded = "Transfer-Encoding: gzip, chunked\r\n\r\n4\r\ncode\r\n0\r\n\r\n";
    let answer = format!("HTTP/1.1 200 OK\r\n{coded}");
    let upstream = Raw::answering(answer.as_str()).await;
    let head = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTE: gzip\r\n";
    let answer = say(&upstream.proxy, format!("{head}{coded}")).await;
    assert!(
        answer.contains("Transfer-Encoding: gzip, chunked\r\n"),
        "{answer}"
    );
    assert!(answer.ends_with("\r\n4\r\ncode\r\n0\r\n\r\n"), "{answer}");
    upstream.hears("4\r\ncode\r\n").await;
    let heard = upstream.heard();
    assert!(
        heard.contains("Transfer-Encoding: gzip, chunked\r\n"),
        "{heard}"
    );
    assert!(heard.contains("TE: gzip\r\n"), "{heard}");
    // HTTP/2 has no word for it.
    let mut client = Client::connect(&upstream.proxy, Speaks::Two).await;
    let answer = client.get("/").await.unwrap();
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
    let body = String::from_utf8_lossy(&answer.body).into_owned();
    assert!(body.contains("transfer coding"), "{body}");
}

#[tokio::test]
async fn a_get_with_a_body_keeps_it() {
    let upstream = Raw::answering_at("body", OK).await;
    let head =
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
    let answer = say(&upstream.proxy, format!("{head}4\r\nbody\r\n0\r\n\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    // In HTTP/2 it need not be told how long it is.
    let stream = TcpStream::connect(upstream.proxy.address()).await.unwrap();
    let io = TokioIo::new(stream);
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
    tokio::spawn(connection);
    let frame = Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"body")));
    let body = StreamBody::new(futures_util::stream::iter([frame]));
    let request = Request::get("http://a/").body(body).unwrap();
    let answer = within(sender.send_request(request)).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let heard = upstream.heard();
    assert!(heard.contains("4\r\nbody"), "{heard}");
}

#[tokio::test]
async fn a_client_that_waits_to_send_its_body_hears_the_upstream() {
    let asks = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n";
    let too_large = "HTTP/1.1 413 Payload Too Large\r\nContent-Length: 0\r\n\r\n";
    let upstream = Raw::answering(too_large).await;
    let mut stream = TcpStream::connect(upstream.proxy.address()).await.unwrap();
    stream.write_all(asks.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    within(stream.read_exact(&mut answer)).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 413");
    // One goes on when it is told to, and one that is told nothing after a while.
    let server = Server::start().await;
    let ignores = Raw::answering_at("hello", OK).await;
    for proxy in [&server.proxy().await, &ignores.proxy] {
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        stream.write_all(asks.as_bytes()).await.unwrap();
        let mut answer = [0; 25];
        within(stream.read_exact(&mut answer)).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 100 Continue\r\n\r\n");
        stream.write_all(b"hello").await.unwrap();
        let mut answer = [0; 12];
        within(stream.read_exact(&mut answer)).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200");
    }
}

#[tokio::test]
async fn trailers_pass_in_http1_when_both_sides_have_named_them() {
    let server = Server::start().await;
    let proxy = server.proxy().await;
    let mut client = Client::connect(&proxy, Speaks::One).await;
    let request = Request::get("/trailers")
        .header("te", "trailers")
        .header("connection", "te");
    let request = request.body(Full::default()).unwrap();
    let answer = client.ask(request).await.unwrap();
    assert_eq!(answer.trailers.unwrap()["grpc-status"], "0");
}
#[tokio::test]
async fn a_client_that_ended_its_side_waits_as_long_as_the_upstream_does() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                // Until it is told that the client has ended its side.
                stream.read_to_end(&mut Vec::new()).await.unwrap();
                let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
                stream.write_all(answer).await.unwrap();
            });
        }
    });
    let proxy = HttpProxy::in_front_of(upstream).await.unwrap();
    let answer = half_closed(&proxy).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.ends_with("ok"), "{answer}");
}

#[tokio::test]
async fn a_client_that_ended_its_side_waits_as_long_as_a_fault_has_it_wait() {
    let server = Server::start().await;
    let proxy = server.proxy().await;
    let late = put(Delay::new(Duration::from_secs(6)), &proxy).await;
    let answer = half_closed(&proxy).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    take_off(late).await;
}

#[tokio::test]
async fn only_so_many_clients_that_ended_their_side_wait_for_long() {
    let server = Server::start().await;
    let proxy = server.proxy().await;
    let late = put(Delay::new(Duration::from_secs(600)), &proxy).await;
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..120 {
        let proxy = proxy.clone();
        clients.spawn(async move { half_closed(&proxy).await });
    }
    for _ in 0..20 {
        let answer = within(clients.join_next()).await.unwrap().unwrap();
        assert!(answer.is_empty(), "{answer}");
    }
    take_off(late).await;
    while let Some(answer) = clients.join_next().await {
        let answer = answer.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

/// Asks, ends its side, and reads all there is.
async fn half_closed(proxy: &HttpProxy) -> String {
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    let asks = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    stream.write_all(asks).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = Vec::new();
    within(stream.read_to_end(&mut answer)).await.ok();
    String::from_utf8_lossy(&answer).into_owned()
}
