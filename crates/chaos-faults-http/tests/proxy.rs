//! What a proxy does without a fault: nothing that anybody would notice.

#[expect(dead_code, reason = "shared with other tests")]
mod world;

use bytes::Bytes;
use chaos_faults_http::HttpProxy;
use http::{Request, StatusCode, Version};
use http_body_util::Full;
use std::{sync::Arc, sync::atomic::Ordering};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use world::{Client, Server, Speaks, until, within};

#[tokio::test]
async fn requests_and_responses_pass_as_they_are() {
    let server = Server::start().await;
    let proxy = server.proxy().await;
    for (speaks, version) in [(Speaks::One, "HTTP/1.1"), (Speaks::Two, "HTTP/2.0")] {
        let mut client = Client::connect(&proxy, speaks).await;
        let request = Request::put("/items?page=2")
            .header("x-one", "1")
            .header("te", "trailers")
            .body(Full::new(Bytes::from_static(b"some body")))
            .unwrap();
        let answer = client.ask(request).await.unwrap();
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.headers["etag"], "\"1\"");
        let told = answer.json();
        for (what, is) in [
            ("method", "PUT"),
            ("path", "/items?page=2"),
            ("version", version),
            ("host", "stock.test"),
            ("body", "some body"),
            ("x-one", "1"),
            ("te", "trailers"),
        ] {
            assert_eq!(told[what], is, "{speaks:?} {what}");
        }
    }
}

#[tokio::test]
async fn trailers_pass() {
    let server = Server::start().await;
    let proxy = server.proxy().await;
    let mut client = Client::connect(&proxy, Speaks::Two).await;
    let answer = client.get("/trailers").await.unwrap();
    assert_eq!(answer.body, "data");
    assert_eq!(answer.trailers.unwrap()["grpc-status"], "0");
}

#[tokio::test]
async fn a_client_has_one_connection_to_the_upstream_and_it_ends_with_the_clients() {
    let server = Server::start().await;
    let proxy = server.proxy().await;
    for speaks in [Speaks::One, Speaks::Two] {
        let before = server.seen.connections.load(Ordering::SeqCst);
        let mut client = Client::connect(&proxy, speaks).await;
        for _ in 0..20 {
            client.get("/").await.unwrap();
        }
        let after = server.seen.connections.load(Ordering::SeqCst);
        // Once it is asked whether it speaks HTTP/2.
        let asked = usize::from(speaks == Speaks::Two);
        assert_eq!(after - before, 1 + asked, "{speaks:?}");
        drop(client);
        let seen = Arc::clone(&server.seen);
        until("closed", || seen.open.load(Ordering::SeqCst) == 0).await;
    }
}

#[tokio::test]
async fn an_upstream_that_closed_an_idle_connection_is_asked_over_another() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = vec![0; 4096];
            assert_ne!(stream.read(&mut head).await.unwrap(), 0);
            let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
            stream.write_all(answer).await.unwrap();
        }
    });
    let proxy = HttpProxy::in_front_of(upstream).await.unwrap();
    let mut client = Client::connect(&proxy, Speaks::One).await;
    for _ in 0..10 {
        assert_eq!(client.get("/").await.unwrap().body, "ok");
    }
}

#[tokio::test]
async fn an_upstream_that_speaks_only_http1_is_asked_in_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = hyper::service::service_fn(async |request: Request<_>| {
                assert_eq!(request.headers()["host"], "stock.test");
                Ok::<_, std::convert::Infallible>(http::Response::new(Full::<Bytes>::from("one")))
            });
            let io = hyper_util::rt::TokioIo::new(stream);
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(io, service));
        }
    });
    let proxy = HttpProxy::in_front_of(upstream).await.unwrap();
    for _ in 0..2 {
        let mut client = Client::connect(&proxy, Speaks::Two).await;
        for _ in 0..3 {
            let answer = client.get("/").await.unwrap();
            assert_eq!(
                (answer.version, &answer.body[..]),
                (Version::HTTP_2, &b"one"[..])
            );
        }
    }
}

#[tokio::test]
async fn an_upgraded_connection_is_passed_on_and_closed_with_the_proxy() {
    let server = Server::start().await;
    let proxy = server.proxy().await;
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    let head =
        "GET /echo HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: echo\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(within(stream.read_u8()).await.unwrap());
    }
    let answer = String::from_utf8(answer).unwrap().to_lowercase();
    assert!(answer.starts_with("http/1.1 101"), "{answer}");
    assert!(answer.contains("upgrade: echo"), "{answer}");
    let mut echo = [0; 4];
    stream.write_all(b"ping").await.unwrap();
    within(stream.read_exact(&mut echo)).await.unwrap();
    assert_eq!(&echo, b"ping");
    drop(proxy);
    assert_eq!(within(stream.read(&mut echo)).await.unwrap_or(0), 0);
}

#[tokio::test]
async fn a_client_with_tls_gets_a_certificate_for_the_name_it_asks_for() {
    let server = Server::start().await;
    let proxy = server.proxy().await;
    let authority = proxy.authority();
    for name in ["stock.test", "127.0.0.1"] {
        for (speaks, version) in [
            (Speaks::One, Version::HTTP_11),
            (Speaks::Two, Version::HTTP_2),
        ] {
            let client = Client::secure(&proxy, speaks, name, &authority).await;
            let answer = client.unwrap().get("/").await.unwrap();
            assert_eq!(answer.version, version, "{name}");
            assert_eq!(answer.json()["host"], "stock.test");
        }
    }
    let other = server.proxy().await.authority();
    let error = Client::secure(&proxy, Speaks::One, "stock.test", &other)
        .await
        .err();
    let error = error.unwrap().to_string();
    assert!(error.contains("certificate"), "{error}");
}

#[tokio::test]
async fn an_upstream_with_tls_is_asked_by_its_own_name() {
    let certified = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    for protocols in [&[&b"h2"[..], b"http/1.1"][..], &[b"http/1.1"]] {
        let key = PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der());
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certified.cert.der().clone()], PrivateKeyDer::from(key))
            .unwrap();
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        let server = Server::secure(config).await;
        let name = format!("localhost:{}", server.address.port());
        let proxy = HttpProxy::builder(format!("https://{name}"));
        let proxy = proxy.trust(certified.cert.pem()).open().await.unwrap();
        for speaks in [Speaks::One, Speaks::Two] {
            let mut client = Client::connect(&proxy, speaks).await;
            for _ in 0..3 {
                let told = client.get("/").await.unwrap().json();
                assert_eq!(told["host"], name.as_str(), "{speaks:?} {protocols:?}");
                let two = speaks == Speaks::Two && protocols.len() == 2;
                assert_eq!(told["version"], if two { "HTTP/2.0" } else { "HTTP/1.1" });
            }
        }
        // Without a reason to trust it, it is not.
        let strict = HttpProxy::in_front_of(format!("https://{name}"))
            .await
            .unwrap();
        let mut client = Client::connect(&strict, Speaks::One).await;
        let answer = client.get("/").await.unwrap();
        assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
        let body = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(body.contains("certificate"), "{body}");
    }
}

#[tokio::test]
async fn the_host_can_be_said() {
    let server = Server::start().await;
    let proxy = HttpProxy::builder(format!("http://{}", server.address)).host("other.test");
    let proxy = proxy.open().await.unwrap();
    for speaks in [Speaks::One, Speaks::Two] {
        let mut client = Client::connect(&proxy, speaks).await;
        assert_eq!(client.get("/").await.unwrap().json()["host"], "other.test");
    }
}

#[tokio::test]
async fn an_upstream_that_is_not_there_or_says_nothing_is_told() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = format!("http://{}", gone.local_addr().unwrap());
    drop(gone);
    let proxy = HttpProxy::in_front_of(&upstream).await.unwrap();
    let server = Server::start().await;
    let silent = server.proxy().await;
    for speaks in [Speaks::One, Speaks::Two] {
        for (proxy, path, says) in [
            (&proxy, "/", "cannot be reached: Connection refused"),
            (&silent, "/silent", "gave no answer"),
        ] {
            let mut client = Client::connect(proxy, speaks).await;
            let answer = client.get(path).await.unwrap();
            assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
            let body = String::from_utf8_lossy(&answer.body).into_owned();
            assert!(body.contains(says), "{speaks:?}: {body}");
        }
    }
}

#[tokio::test]
async fn a_client_that_ends_its_side_still_gets_its_answer() {
    let server = Server::start().await;
    let proxy = server.proxy().await;
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    let request = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
    stream.write_all(request).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = Vec::new();
    within(stream.read_to_end(&mut answer)).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.contains("\"body\":\"hello\""), "{answer}");
}

#[tokio::test]
async fn an_authoritys_own_certificate_can_be_trusted_as_a_servers() {
    let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let private = PrivatePkcs8KeyDer::from(key.serialize_der());
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::from(private),
        )
        .unwrap();
    let server = Server::secure(config).await;
    let proxy = HttpProxy::builder(format!("https://localhost:{}", server.address.port()));
    let proxy = proxy.trust(certificate.pem()).open().await.unwrap();
    let mut client = Client::connect(&proxy, Speaks::One).await;
    assert_eq!(client.get("/").await.unwrap().status, StatusCode::OK);
}

#[tokio::test]
async fn a_tunnel_is_not_opened() {
    let server = Server::start().await;
    let proxy = server.proxy().await;
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    stream
        .write_all(b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n")
        .await
        .unwrap();
    let mut answer = [0; 12];
    within(stream.read_exact(&mut answer)).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 405");
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn a_proxy_in_front_of_itself_is_refused() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let proxy = HttpProxy::builder(format!("http://{address}")).listen(address);
    let error = proxy.open().await.unwrap_err().to_string();
    assert!(error.contains("the proxy itself"), "{error}");
}

#[tokio::test]
async fn a_dropped_proxy_closes_its_port_and_its_connections() {
    let server = Server::start().await;
    let proxy = server.proxy().await;
    let address = proxy.address();
    let mut client = Client::connect(&proxy, Speaks::One).await;
    let mut two = Client::connect(&proxy, Speaks::Two).await;
    client.get("/").await.unwrap();
    two.get("/").await.unwrap();
    let copy = proxy.clone();
    drop(proxy);
    client.get("/").await.unwrap();
    drop(copy);
    assert!(client.get("/").await.is_err());
    assert!(two.get("/").await.is_err());
    until("free", || std::net::TcpListener::bind(address).is_ok()).await;
    let seen = Arc::clone(&server.seen);
    until("closed", || seen.open.load(Ordering::SeqCst) == 0).await;
}

#[tokio::test]
async fn many_requests_of_one_http2_connection_go_at_once() {
    let server = Server::start().await;
    let proxy = server.proxy().await;
    let Client::Two(sender) = Client::connect(&proxy, Speaks::Two).await else {
        unreachable!()
    };
    let asking: Vec<_> = (0..20)
        .map(|_| {
            let mut client = Client::Two(sender.clone());
            tokio::spawn(async move { client.get("/slow").await.unwrap().status })
        })
        .collect();
    until("asked", || server.asked().len() == 20).await;
    server.seen.go.notify_waiters();
    for one in asking {
        assert_eq!(one.await.unwrap(), StatusCode::OK);
    }
}

#[tokio::test]
async fn a_client_that_gives_up_is_given_up() {
    let server = Server::start().await;
    let proxy = server.proxy().await;
    for speaks in [Speaks::One, Speaks::Two] {
        let mut client = Client::connect(&proxy, speaks).await;
        let before = server.asked().len();
        let asking = tokio::spawn(async move { client.get("/slow").await.map(drop) });
        until("asked", || server.asked().len() > before).await;
        asking.abort();
        assert!(asking.await.unwrap_err().is_cancelled());
        let seen = Arc::clone(&server.seen);
        until("closed", || seen.open.load(Ordering::SeqCst) == 0).await;
    }
}

#[tokio::test]
async fn it_works_while_the_caller_blocks_its_only_thread() {
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let upstream = format!("http://{}", server.local_addr().unwrap());
    let serving = std::thread::spawn(move || {
        use std::io::{Read, Write};
        let (mut stream, _) = server.accept().unwrap();
        let count = stream.read(&mut [0; 4096]).unwrap();
        assert!(count > 0);
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            .unwrap();
    });
    let proxy = HttpProxy::in_front_of(upstream).await.unwrap();
    let answer = {
        use std::io::{Read, Write};
        let mut stream = std::net::TcpStream::connect(proxy.address()).unwrap();
        stream.set_read_timeout(Some(world::LIMIT)).unwrap();
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    assert!(answer.ends_with("ok"), "{answer}");
    serving.join().unwrap();
}

#[tokio::test]
async fn garbage_is_answered_and_hurts_nobody() {
    let server = Server::start().await;
    let proxy = server.proxy().await;
    let garbage: [&[u8]; 6] = [
        b"\x16\x03\x01\x00\x05hello",
        b"\x00\x01\x02\x03",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
    ];
    for bytes in garbage {
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        stream.shutdown().await.ok();
        let mut answer = Vec::new();
        within(stream.read_to_end(&mut answer)).await.ok();
    }
    let mut client = Client::connect(&proxy, Speaks::One).await;
    client.get("/").await.unwrap();
    assert_eq!(server.asked(), ["GET /"]);
}
