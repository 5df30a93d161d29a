//! What servers may answer by HTTP/1.1, and what they may not, taken apart by a probe.

mod support;

use chaos_core::{Probe, Value};
use chaos_validator::HttpProbe;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use support::Server;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Answers every request on every connection with the same bytes.
struct Says {
    server: Server,
    connections: Arc<AtomicUsize>,
}

impl Says {
    /// In parts of this size; ends the connection after the first answer if it is to.
    fn new(answer: impl Into<Vec<u8>>, part: usize, end: bool) -> Self {
        let answer = Arc::new(answer.into());
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        let server = Server::start(move |listener| async move {
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(talk(stream, Arc::clone(&answer), part, end));
            }
        });
        Self {
            server,
            connections,
        }
    }

    fn probe(&self) -> HttpProbe {
        HttpProbe::get(&self.server.url()).unwrap()
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn talk(mut stream: TcpStream, answer: Arc<Vec<u8>>, part: usize, end: bool) {
    stream.set_nodelay(true).ok();
    while asked(&mut stream).await {
        for part in answer.chunks(part) {
            if stream.write_all(part).await.is_err() {
                return;
            }
            tokio::task::yield_now().await;
        }
        if end {
            return;
        }
    }
}

/// Whether there was one more request without a body.
async fn asked(stream: &mut TcpStream) -> bool {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return false,
        }
    }
    true
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

#[tokio::test]
async fn a_body_is_found_however_its_end_is_told_and_in_whatever_parts_it_comes() {
    for (answer, end, kept) in [
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
            false,
            true,
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2;a=b\r\nhe\r\n03\r\nllo\r\n0\r\nx: y\r\n\r\n",
            false,
            true,
        ),
        ("HTTP/1.1 200 OK\r\n\r\nhello", true, false),
        (
            "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
            false,
            false,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello",
            false,
            false,
        ),
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
            false,
            true,
        ),
    ] {
        for part in [1, 7, 4096] {
            let says = Says::new(answer, part, end);
            let probe = says.probe().body();
            for _ in 0..3 {
                assert_eq!(probe.sample().await.unwrap(), text("hello"), "{answer}");
            }
            let connections = if kept { 1 } else { 3 };
            assert_eq!(says.connections(), connections, "{answer} by {part}");
        }
    }
}

#[tokio::test]
async fn what_has_no_body_ends_with_its_head() {
    for (method, status) in [("HEAD", "200 OK"), ("GET", "204 X"), ("GET", "304 X")] {
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 5\r\n\r\n");
        let says = Says::new(answer, 4096, false);
        let probe = says.probe().method(method).unwrap().body();
        for _ in 0..2 {
            assert_eq!(probe.sample().await.unwrap(), text(""), "{method} {status}");
        }
        assert_eq!(says.connections(), 1, "{method} {status}");
    }
}

#[tokio::test]
async fn what_is_no_answer_is_told() {
    let long = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(100_000));
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(1000));
    for (answer, says) in [
        ("SSH-2.0-OpenSSH_9.2p1\r\n", "no HTTP"),
        (
            "\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x64\0\x04\0\x10",
            "no HTTP",
        ),
        ("HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", "no HTTP"),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
            "no HTTP",
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nhello",
            "no HTTP",
        ),
        ("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello", "reset"),
        ("HTTP/1.1 200 OK\r\nContent-Le", "reset"),
        ("HTTP/1.1 100 Continue\r\n\r\n", "reset"),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhel",
            "reset",
        ),
        ("", "reset"),
        (&long, "no HTTP"),
        (&many, "no HTTP"),
    ] {
        let server = Says::new(answer, 4096, true);
        let error = server
            .probe()
            .body()
            .sample()
            .await
            .unwrap_err()
            .to_string();
        assert!(
            error.contains(says),
            "{}: {error}",
            &answer[..answer.len().min(80)]
        );
    }
}

/// What comes after an answer is not the answer to the next request.
#[tokio::test]
async fn an_answer_nobody_asked_for_is_not_taken_for_the_next_one() {
    let answer =
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1HTTP/1.1 500 X\r\nContent-Length: 1\r\n\r\n2";
    let says = Says::new(answer, 4096, false);
    let probe = says.probe().body();
    for _ in 0..3 {
        assert_eq!(probe.sample().await.unwrap(), text("1"));
    }
    assert_eq!(says.connections(), 3);
}

/// Many servers close what is idle for a few seconds; a request that crosses that would look like a failure.
#[tokio::test]
async fn a_connection_that_nobody_has_used_for_a_while_is_made_anew() {
    let says = Says::new("HTTP/1.1 204 X\r\n\r\n", 4096, false);
    let probe = says.probe();
    for (idle, connections) in [(0, 1), (100, 1), (1100, 2)] {
        // How long it is idle is what is tried.
        tokio::time::sleep(Duration::from_millis(idle)).await;
        assert_eq!(probe.sample().await.unwrap(), Value::Number(204.0));
        assert_eq!(says.connections(), connections, "after {idle} ms");
    }
}

/// Who refuses a body may do so before it has seen all of it, and end the connection.
#[tokio::test]
async fn an_answer_before_the_end_of_the_request_is_the_answer() {
    let server = Server::start(|listener| async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 100];
            stream.read_exact(&mut head).await.ok();
            let answer = b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n";
            stream.write_all(answer).await.ok();
            // Reads no more, and stays.
            tokio::spawn(async move {
                let _stream = stream;
                std::future::pending::<()>().await;
            });
        }
    });
    let probe = HttpProbe::get(&server.url()).unwrap();
    let probe = probe.method("PUT").unwrap().with_body(vec![b'x'; 64 << 20]);
    for _ in 0..2 {
        assert_eq!(probe.sample().await.unwrap(), Value::Number(413.0));
    }
}

#[tokio::test]
async fn a_gigabyte_is_not_read() {
    let server = Server::raw(|mut stream| async move {
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n";
        let mut sent = stream.write_all(head).await;
        while sent.is_ok() {
            sent = stream.write_all(&[b'x'; 1 << 16]).await;
        }
    });
    let start = Instant::now();
    let probe = HttpProbe::get(&server.url()).unwrap().body();
    let error = probe.sample().await.unwrap_err().to_string();
    assert!(error.contains("more than 1 MiB"), "{error}");
    assert!(start.elapsed() < Duration::from_secs(2));
}
