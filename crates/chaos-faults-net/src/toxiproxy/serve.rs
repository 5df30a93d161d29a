//! The clients of the API.

use super::api::Api;
use crate::proxy::TcpDoor;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{
    convert::Infallible,
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{net::TcpStream, task::JoinSet};
use tokio_io_timeout::TimeoutWriter;

/// How long to wait when no connection can be accepted: usually there are no file descriptors left.
const PAUSE: Duration = Duration::from_millis(10);

/// Serves every client of the API, each in a task of its own. They end with it.
pub(super) async fn accept(door: Arc<Mutex<TcpDoor>>, api: Arc<Api>) {
    let mut serving = JoinSet::new();
    loop {
        match poll_fn(|cx| lock(&door).poll_accept(cx)).await {
            Ok((client, _)) => drop(serving.spawn(serve(client, Arc::clone(&api)))),
            Err(error) => {
                tracing::debug!(%error, "cannot accept a client of the API");
                tokio::time::sleep(PAUSE).await;
            }
        }
        while serving.try_join_next().is_some() {}
    }
}

async fn serve(client: TcpStream, api: Arc<Api>) {
    let answer = service_fn(|request| {
        let api = Arc::clone(&api);
        async move { Ok::<_, Infallible>(api.answer(request).await) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(api.limits.head)
        .half_close(true)
        .title_case_headers(true);
    let mut client = TimeoutWriter::new(client);
    client.set_timeout(Some(api.limits.write));
    let client = TokioIo::new(Box::pin(client));
    let served = http.serve_connection(client, answer).await;
    if let Err(error) = served {
        tracing::debug!(%error, "a client of the API is gone");
    }
}

pub(super) fn lock(door: &Mutex<TcpDoor>) -> MutexGuard<'_, TcpDoor> {
    door.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use crate::toxiproxy::{Running, Server, api::Limits};
    use std::{
        io::{Read, Write},
        net::{Shutdown, TcpStream as Client},
        time::{Duration, Instant},
    };

    const SHORT: Duration = Duration::from_millis(200);

    async fn impatient() -> Running {
        let limits = Limits {
            head: SHORT,
            body: SHORT,
            ..Limits::DEFAULT
        };
        let server = Server::new().listen("127.0.0.1:0").limits(limits);
        server.start().await.unwrap()
    }

    fn connect(to: &Running) -> Client {
        let client = Client::connect(to.address()).unwrap();
        let limit = Some(Duration::from_secs(20));
        client.set_read_timeout(limit).unwrap();
        client
    }

    #[tokio::test]
    async fn a_client_whose_head_does_not_come_is_let_go() {
        let server = impatient().await;
        for said in [&b"GET /version HTTP/1.1\r\nHost: x\r\n"[..], b"G", b""] {
            let mut client = connect(&server);
            client.write_all(said).unwrap();
            let start = Instant::now();
            let mut answer = String::new();
            client.read_to_string(&mut answer).unwrap();
            assert!(start.elapsed() >= SHORT / 2);
            assert!(!answer.contains("200 OK"), "{answer}");
        }
    }

    #[tokio::test]
    async fn a_body_that_does_not_come_is_no_longer_waited_for() {
        let server = impatient().await;
        let mut client = connect(&server);
        let head = b"POST /proxies HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{";
        client.write_all(head).unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
        let says = r#"{"error":"bad request body: it does not come","status":400}"#;
        assert!(answer.contains(says), "{answer}");
    }

    #[tokio::test]
    async fn a_client_that_does_not_take_its_answer_is_let_go() {
        /// More than the kernel takes for it.
        const LONG: usize = 20 * 1024 * 1024;
        const TIRED: Duration = Duration::from_secs(1);
        let limits = Limits {
            write: TIRED,
            ..Limits::DEFAULT
        };
        let server = Server::new().listen("127.0.0.1:0").limits(limits);
        let server = server.start().await.unwrap();
        let upstream = "x".repeat(LONG);
        let proxy = format!(r#"[{{"name":"p","upstream":"{upstream}","enabled":false}}]"#);
        server.populate(proxy).await.unwrap();
        let ask = b"GET /proxies HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        let mut all = Vec::new();
        let mut client = connect(&server);
        client.write_all(ask).unwrap();
        client.read_to_end(&mut all).unwrap();
        assert!(all.len() > LONG);

        let mut client = connect(&server);
        client.write_all(ask).unwrap();
        client.read_exact(&mut [0]).unwrap();
        // It reads on only when the server must have tired of it.
        std::thread::sleep(TIRED * 3);
        all.clear();
        let end = client.read_to_end(&mut all);
        assert!(end.is_err() || all.len() < LONG, "{}", all.len());
    }

    #[tokio::test]
    async fn an_answer_that_takes_too_long_is_given_up() {
        let limits = Limits {
            answer: Duration::ZERO,
            body: Duration::from_secs(20),
            ..Limits::DEFAULT
        };
        let server = Server::new().listen("127.0.0.1:0").limits(limits);
        let server = server.start().await.unwrap();
        let mut client = connect(&server);
        let head = b"POST /proxies HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{";
        client.write_all(head).unwrap();
        let mut answer = [0; 12];
        client.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 503");
    }

    #[tokio::test]
    async fn a_client_that_has_said_all_gets_its_answer() {
        let server = Server::new().listen("127.0.0.1:0").start().await.unwrap();
        for n in 0..20 {
            // A name is looked up, so the client has said all before there is an answer.
            let body = format!(r#"{{"name":"{n}","listen":"localhost:0","upstream":"x"}}"#);
            let length = body.len();
            let head = format!("POST /proxies HTTP/1.1\r\nHost: x\r\nContent-Length: {length}");
            let mut client = connect(&server);
            let request = format!("{head}\r\n\r\n{body}");
            client.write_all(request.as_bytes()).unwrap();
            client.shutdown(Shutdown::Write).unwrap();
            let mut answer = String::new();
            client.read_to_string(&mut answer).unwrap();
            assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
        }
    }
}
