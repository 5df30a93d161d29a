//! What the tests share: real servers and clients on loopback, and a fault in place.

use chaos_core::{Engine, Fault, FaultExt, Injection, Recovered};
use chaos_faults_net::Proxy;
use std::{
    future::Future,
    io,
    net::SocketAddr,
    ops::Range,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::timeout,
};

/// Nothing here takes longer unless it hangs.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// A server whose connections are all handled by one function. Dropping it stops it.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    task: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start<F>(handle: impl Fn(TcpStream) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).unwrap();
                tokio::spawn(handle(stream));
            }
        });
        Self { address, task }
    }

    /// Sends back what it gets, until the client has said all.
    pub(crate) async fn echo() -> Self {
        Self::start(|mut stream| async move {
            let (mut from, mut to) = stream.split();
            tokio::io::copy(&mut from, &mut to).await.ok();
        })
        .await
    }

    /// Sends `bytes` bytes as fast as it can, then ends the stream.
    pub(crate) async fn source(bytes: usize) -> Self {
        Self::start(move |mut stream| async move {
            let block = pattern(64 * 1024);
            let mut left = bytes;
            while left > 0 {
                let n = left.min(block.len());
                if stream.write_all(&block[..n]).await.is_err() {
                    return;
                }
                left -= n;
            }
            stream.shutdown().await.ok();
            // Until the client has closed, too.
            stream.read_u8().await.ok();
        })
        .await
    }

    pub(crate) async fn proxy(&self) -> Proxy {
        Proxy::in_front_of(self.address.to_string()).await.unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Puts a fault on a proxy.
pub(crate) async fn put(fault: impl Fault, proxy: &Proxy) -> Injection {
    let engine = Engine::open().await.unwrap();
    within(engine.inject(fault.on(proxy))).await.unwrap()
}

/// Takes a fault off again.
pub(crate) async fn take_off(injection: Injection) -> Recovered {
    within(injection.recover()).await.unwrap()
}

/// Bytes that show when their order is wrong.
pub(crate) fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|i| u8::try_from(i % 251).unwrap()).collect()
}

pub(crate) async fn connect(proxy: &Proxy) -> TcpStream {
    let stream = within(TcpStream::connect(proxy.address())).await.unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// Fails when `work` hangs.
pub(crate) async fn within<T>(work: impl Future<Output = T>) -> T {
    timeout(LIMIT, work).await.expect("it hangs")
}

/// Never sooner than said, and within the time unless the machine stalls: once in three times is enough for that.
pub(crate) async fn takes(time: Range<Duration>, mut what: impl AsyncFnMut() -> Duration) {
    let mut seen = Vec::new();
    while seen.len() < 3 {
        let took = what().await;
        assert!(took >= time.start, "{took:?}");
        if took < time.end {
            return;
        }
        seen.push(took);
    }
    panic!("{seen:?}, not within {time:?}");
}

/// Waits until `done`, and fails when that never is.
pub(crate) async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < LIMIT, "never: {what}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Sends a message and waits for its echo; how long that took.
pub(crate) async fn ping(stream: &mut TcpStream) -> io::Result<Duration> {
    let start = Instant::now();
    stream.write_all(b"ping").await?;
    let mut reply = [0; 4];
    within(stream.read_exact(&mut reply)).await?;
    assert_eq!(&reply, b"ping");
    Ok(start.elapsed())
}

/// Whether nothing can be read within a time.
pub(crate) async fn is_silent(stream: &mut TcpStream, time: Duration) -> bool {
    let mut byte = [0];
    timeout(time, stream.peek(&mut byte)).await.is_err()
}

/// Reads until the connection breaks, and says how.
pub(crate) async fn how_it_breaks(stream: &mut TcpStream) -> io::ErrorKind {
    let mut buffer = [0; 4096];
    within(async {
        loop {
            match stream.read(&mut buffer).await {
                Ok(0) => return io::ErrorKind::UnexpectedEof,
                Ok(_) => {}
                Err(e) => return e.kind(),
            }
        }
    })
    .await
}
