//! What the tests share: a server with its clients, and upstreams.

use chaos_faults_net::toxiproxy::{Running, Server};
use std::{
    io::{self, ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

/// Nothing here takes longer unless it hangs.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

pub(crate) const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// An answer of the API.
#[derive(Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

impl Answer {
    /// A header's value; its name is in any case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find_map(|(key, value)| key.eq_ignore_ascii_case(name).then_some(value))
    }
}

/// The server under test.
pub(crate) struct Api {
    pub(crate) running: Running,
}

impl Api {
    pub(crate) async fn start() -> Self {
        Self::with(Server::new().seed(7)).await
    }

    pub(crate) async fn with(server: Server) -> Self {
        let running = server.listen("127.0.0.1:0").start().await.unwrap();
        Self { running }
    }

    pub(crate) fn call(&self, method: &str, path: &str, body: &str) -> Answer {
        call(self.running.address(), method, path, "", body.as_bytes()).unwrap()
    }

    /// Says what the status must be, and returns the body.
    pub(crate) fn must(&self, status: u16, method: &str, path: &str, body: &str) -> String {
        let answer = self.call(method, path, body);
        assert_eq!(answer.status, status, "{method} {path} {body}: {answer:?}");
        answer.body
    }

    /// A proxy on a free port; where it listens.
    pub(crate) fn proxy(&self, name: &str, upstream: SocketAddr) -> SocketAddr {
        let body = format!(r#"{{"name":"{name}","listen":"127.0.0.1:0","upstream":"{upstream}"}}"#);
        listens(&self.must(201, "POST", "/proxies", &body))
    }

    /// Puts a toxic on the proxy `p`; the body is without braces.
    pub(crate) fn add(&self, toxic: &str) {
        self.must(200, "POST", "/proxies/p/toxics", &format!("{{{toxic}}}"));
    }

    /// Changes a toxic on the proxy `p`.
    pub(crate) fn change(&self, toxic: &str, said: &str) {
        let path = format!("/proxies/p/toxics/{toxic}");
        self.must(200, "PATCH", &path, &format!("{{{said}}}"));
    }

    /// Removes a toxic from the proxy `p`.
    pub(crate) fn remove(&self, toxic: &str) {
        self.must(204, "DELETE", &format!("/proxies/p/toxics/{toxic}"), "");
    }
}

/// Where a proxy listens that is told in JSON.
pub(crate) fn listens(json: &str) -> SocketAddr {
    let told: serde_json::Value = serde_json::from_str(json).unwrap();
    told["listen"].as_str().unwrap().parse().unwrap()
}

/// One request on a connection of its own.
pub(crate) fn call(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &str,
    body: &[u8],
) -> io::Result<Answer> {
    let mut stream = connect(address);
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    let mut all = String::new();
    stream.read_to_string(&mut all)?;
    let (head, body) = all.split_once("\r\n\r\n").ok_or(ErrorKind::UnexpectedEof)?;
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    Ok(Answer {
        status: status.ok_or(ErrorKind::InvalidData)?,
        head: head.to_owned(),
        body: body.to_owned(),
    })
}

pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream.set_write_timeout(Some(LIMIT)).unwrap();
    stream
}

/// An upstream that does the same with each connection, on a thread of its own.
pub(crate) fn upstream(serve: impl Fn(TcpStream) + Clone + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (serve, stream) = (serve.clone(), stream.unwrap());
            stream.set_nodelay(true).unwrap();
            thread::spawn(move || serve(stream));
        }
    });
    address
}

/// Sends back what it gets, until the client has said all.
pub(crate) fn echo() -> SocketAddr {
    upstream(|mut stream| {
        let mut to = stream.try_clone().unwrap();
        io::copy(&mut stream, &mut to).ok();
        to.shutdown(Shutdown::Write).ok();
    })
}

/// An upstream whose connections the test holds.
pub(crate) fn held() -> (SocketAddr, Receiver<TcpStream>) {
    let (give, take) = channel();
    let address = upstream(move |stream| {
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        give.send(stream).ok();
    });
    (address, take)
}

/// A client of a proxy and what its upstream holds of it.
pub(crate) fn pair(proxy: SocketAddr, held: &Receiver<TcpStream>) -> (TcpStream, TcpStream) {
    let client = connect(proxy);
    (client, held.recv_timeout(LIMIT).unwrap())
}

/// Sends a message and waits for its echo; how long that took.
pub(crate) fn ping(stream: &mut TcpStream) -> io::Result<Duration> {
    let start = Instant::now();
    stream.write_all(b"ping")?;
    let mut reply = [0; 4];
    stream.read_exact(&mut reply)?;
    assert_eq!(&reply, b"ping");
    Ok(start.elapsed())
}

/// The fastest of several echoes: a busy machine makes some slow, a toxic makes all of them slow.
pub(crate) fn fastest(stream: &mut TcpStream) -> Duration {
    let mut ping = || ping(stream).unwrap();
    (0..5).map(|_| ping()).min().unwrap()
}

/// How a connection ends, and what came before.
pub(crate) fn ending(stream: &mut TcpStream) -> (Vec<u8>, Option<ErrorKind>) {
    let mut all = Vec::new();
    let end = stream.read_to_end(&mut all);
    (all, end.err().map(|error| error.kind()))
}

/// Whether nothing comes for a time.
pub(crate) fn is_silent(stream: &TcpStream, time: Duration) -> bool {
    stream.set_read_timeout(Some(time)).unwrap();
    let peeked = stream.peek(&mut [0]);
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    let kinds = [ErrorKind::WouldBlock, ErrorKind::TimedOut];
    peeked.is_err_and(|error| kinds.contains(&error.kind()))
}

/// Waits until `done`, and fails when that never is.
pub(crate) fn until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < LIMIT, "never: {what}");
        thread::sleep(ms(1));
    }
}
