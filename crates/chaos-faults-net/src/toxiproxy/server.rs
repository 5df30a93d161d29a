//! The server as its user holds it.

use super::{
    api::{Api, Limits},
    error::ApiError,
    listen::split,
    proxies::Proxies,
    serve::{accept, lock},
    thread,
    wanted::Wanted,
};
use crate::proxy::{TcpDoor, open_at};
use chaos_core::{ConfigError, FaultError, Seed};
use std::{
    fmt,
    net::SocketAddr,
    sync::{Arc, Mutex, atomic::AtomicU64},
};
use tokio::task::AbortHandle;

/// The Toxiproxy that a [`Server`] behaves like.
pub const VERSION: &str = "2.12.0";

/// A server that speaks Toxiproxy's HTTP API, in this process: what talks to Toxiproxy talks to it.
///
/// Proxies are made, and toxics put on them, over HTTP; [`Running::populate`] does it from here. Proxies and toxics run on the
/// threads of [`Proxy`](crate::Proxy), and the API on one of its own, so clients that block, in a current-thread runtime, get
/// their answers.
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
/// - A toxic that closes a connection (`limit_data`, `timeout`) closes it then, also when a `slow_close` comes after it.
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
            version: VERSION.into(),
            proxy_metrics: false,
            runtime_metrics: false,
            limits: Limits::DEFAULT,
        }
    }

    /// Where the API listens, as `host:port`; port 0 takes a free one, and no host is every interface. Default: 127.0.0.1:8474.
    /// Whoever can reach it can have this host connect anywhere: leave it on the loopback interface unless the network is
    /// trusted.
    pub fn listen(mut self, address: impl Into<String>) -> Self {
        self.listen = address.into();
        self
    }

    /// What chance is drawn from: with the same seed the same calls hit the same connections. Default: a fresh one.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(Seed::new(seed));
        self
    }

    /// The version that `/version` tells, without quotes. Default: [`VERSION`].
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
        let listen = self.listen;
        let (host, port) = split(&listen).map_err(|why| {
            ConfigError::field("listen", format!("`{listen}`: {why}")).help(
                "write host:port, such as 127.0.0.1:8474 or [::1]:8474; port 0 takes a free one",
            )
        })?;
        // Where there is no IPv6 every interface is every IPv4 one.
        let (first, instead) = match host {
            "" => (format!("[::]:{port}"), Some(format!("0.0.0.0:{port}"))),
            _ => (listen, None),
        };
        let runtime = thread::handle()?;
        let opening = runtime.spawn(async move {
            match (open_at(&first, TcpDoor::open).await, instead) {
                (Err(FaultError::Host { .. }), Some(instead)) => {
                    open_at(&instead, TcpDoor::open).await
                }
                (opened, _) => opened,
            }
        });
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
            task: runtime.spawn(serving).abort_handle(),
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
        // Names are looked up on the API's runtime: the caller may have none.
        let api = Arc::clone(&self.api);
        let populating = async move { api.proxies.populate(wanted).await };
        let populating = thread::handle()?.spawn(populating);
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
