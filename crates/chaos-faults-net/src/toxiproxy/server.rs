//! The server as its user holds it.

use super::{
    api::{Api, Limits},
    error::ApiError,
    proxies::Proxies,
    wanted::Wanted,
};
use crate::proxy::{TcpDoor, home, open_at};
use chaos_core::{ConfigError, FaultError, Seed};
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{
    convert::Infallible,
    fmt,
    future::poll_fn,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicU64},
    time::Duration,
};
use tokio::{
    net::TcpStream,
    task::{AbortHandle, JoinSet},
};
use tokio_io_timeout::TimeoutWriter;

/// How long to wait when no connection can be accepted: usually there are no file descriptors left.
const PAUSE: Duration = Duration::from_millis(10);

/// A server that speaks Toxiproxy's HTTP API, in this process: what talks to Toxiproxy talks to it.
///
/// Proxies are made, and toxics put on them, over HTTP; [`Running::populate`] does it from here. Proxies, toxics and the
/// API run on the threads of [`Proxy`](crate::Proxy), so clients that block, in a current-thread runtime, get their answers.
///
/// # Behavior
/// As [Toxiproxy 2.12](https://github.com/Shopify/toxiproxy): the same routes, statuses, JSON, error texts, defaults and
/// effects on live connections. What is different:
/// - What makes Toxiproxy crash is answered with 400: a `bandwidth` with a `rate` below 0, a `slicer` with an `average_size`
///   below 1 or a `size_variation` beyond it.
/// - A connection of which one side has said all stays open for the other: no answer is lost.
/// - An upstream that does not answer makes neither the other connections of its proxy wait nor the API.
/// - The [`seed`](Self::seed) makes which connections a toxicity picks, and every other chance, the same again.
/// - `/metrics` counts what is under way, not only what is over, and knows nothing of Go.
/// - A `timeout` that is removed closes only the connections that it hit, and `packet_loss` has a `loss_rate` of 0 unless it is
///   said (as in Toxiproxy's source; its documentation has 0.1).
/// - [`Running::populate`], and so `chaos proxy serve --config`, takes `toxics`; `/populate` passes over them as Toxiproxy does.
/// - A request's body may have 8 MiB (else 413).
///
/// # Examples
/// ```
/// use chaos_faults_net::toxiproxy::Server;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), chaos_core::FaultError> {
/// let server = Server::new().listen("127.0.0.1:0").seed(7).start().await?;
/// server
///     .populate(r#"[{ "name": "redis", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:6379",
///                     "toxics": [{ "type": "latency", "attributes": { "latency": 100 } }] }]"#)
///     .await?;
/// let url = format!("http://{}/proxies/redis", server.address());
/// # assert!(url.contains("/proxies/redis")); Ok(()) }
/// ```
#[derive(Debug, Clone)]
#[must_use = "it does nothing until it is started"]
pub struct Server {
    listen: String,
    seed: Option<Seed>,
    version: String,
    proxy_metrics: bool,
    runtime_metrics: bool,
    limits: Limits,
}

impl Default for Server {
    fn default() -> Self {
        Self::new()
    }
}

impl Server {
    /// A server at 127.0.0.1:8474 with a fresh seed and without metrics.
    pub fn new() -> Self {
        Self {
            listen: "127.0.0.1:8474".into(),
            seed: None,
            version: "2.12.0".into(),
            proxy_metrics: false,
            runtime_metrics: false,
            limits: Limits::DEFAULT,
        }
    }

    /// Where the API listens, as `host:port`; port 0 takes a free one. Default: 127.0.0.1:8474. Whoever can reach it can
    /// have this host connect anywhere: leave it on the loopback interface unless the network is trusted.
    pub fn listen(mut self, address: impl Into<String>) -> Self {
        self.listen = address.into();
        self
    }

    /// What chance is drawn from: with the same seed the same calls hit the same connections. Default: a fresh one.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(Seed::new(seed));
        self
    }

    /// The version that `/version` tells, without quotes. Default: 2.12.0, Toxiproxy's that it behaves like.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = version.into();
        self
    }

    /// Whether `/metrics` tells the bytes that went through each proxy. Default: no.
    pub fn proxy_metrics(mut self, tells: bool) -> Self {
        self.proxy_metrics = tells;
        self
    }

    /// Whether `/metrics` tells what this process uses; on Linux only. Default: no. With neither there is no `/metrics`.
    pub fn runtime_metrics(mut self, tells: bool) -> Self {
        self.runtime_metrics = tells;
        self
    }

    /// What a client may take and ask for.
    #[cfg(test)]
    pub(super) fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Listens and serves.
    ///
    /// # Errors
    /// The address is none, or is in use.
    pub async fn start(self) -> Result<Running, FaultError> {
        let home = home()?;
        let listen = self.listen;
        let opening = home
            .handle()
            .spawn(async move { open_at(&listen, TcpDoor::open).await });
        let door = opening.await;
        let door = door.map_err(|e| FaultError::host("start the server", e))??;
        let address = door.address();
        let door = Arc::new(Mutex::new(door));
        let api = Arc::new(Api {
            proxies: Proxies::new(self.seed.unwrap_or_else(Seed::fresh), self.proxy_metrics),
            version: self.version,
            proxy_metrics: self.proxy_metrics,
            runtime_metrics: self.runtime_metrics,
            limits: self.limits,
            run: Seed::fresh().get() >> 13,
            requests: AtomicU64::new(0),
        });
        let serving = accept(Arc::clone(&door), Arc::clone(&api));
        Ok(Running {
            address,
            door,
            api,
            task: home.handle().spawn(serving).abort_handle(),
        })
    }
}

/// A server that runs. Dropping it closes the API, every proxy and every connection.
pub struct Running {
    address: SocketAddr,
    door: Arc<Mutex<TcpDoor>>,
    api: Arc<Api>,
    task: AbortHandle,
}

impl Running {
    /// The address of the API.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Makes the proxies of a Toxiproxy configuration, a JSON array such as
    /// `[{ "name": "redis", "listen": "127.0.0.1:26379", "upstream": "127.0.0.1:6379" }]`, and says how many there were.
    /// `enabled` is true unless it says otherwise. Unlike Toxiproxy it also takes `toxics`, as the API tells them.
    ///
    /// One that is there already with the same addresses stays as it is; one with others is replaced.
    ///
    /// # Errors
    /// The text is no such array: nothing is changed then. Or a proxy cannot listen: those before it stay.
    pub async fn populate(&self, json: impl AsRef<str>) -> Result<usize, FaultError> {
        let wanted = Wanted::configured(json.as_ref().as_bytes());
        let wanted = wanted.map_err(|error| ConfigError::new(error.to_string()))?;
        // Names are looked up on the proxies' runtime: the caller may have none.
        let api = Arc::clone(&self.api);
        let populating = home()?
            .handle()
            .spawn(async move { api.proxies.populate(wanted).await });
        let failed = |error: ApiError| FaultError::host("set up the proxies", error);
        match populating.await {
            Ok((done, None)) => Ok(done.len()),
            Ok((_, Some(error))) => Err(failed(error)),
            Err(error) => Err(failed(ApiError::internal(error))),
        }
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Running");
        shown
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        lock(&self.door).close();
        self.task.abort();
        self.api.proxies.close();
    }
}

/// Serves every client of the API, each in a task of its own. They end with it.
async fn accept(door: Arc<Mutex<TcpDoor>>, api: Arc<Api>) {
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

fn lock(door: &Mutex<TcpDoor>) -> MutexGuard<'_, TcpDoor> {
    door.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        io::{Read, Write},
        net::TcpStream as Client,
        time::Instant,
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
}
