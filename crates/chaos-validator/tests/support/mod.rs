//! Real servers on the loopback, each on a thread of its own so that nothing in a test slows it.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::allow_attributes,
    reason = "every test binary uses a part of it"
)]

use axum::{Router, extract::State, http::StatusCode, routing::get};
use chaos_core::{RunHandle, Seed};
use chaos_validator::{Load, Recording};
use std::{
    future::Future,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};
use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, TcpStream},
    sync::{oneshot, watch},
};

pub const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A server that is gone when it is dropped.
pub struct Server {
    pub address: SocketAddr,
    _end: oneshot::Sender<()>,
}

impl Server {
    /// Serves a listener on a thread of its own.
    pub fn start<F: Future<Output = ()>>(
        serve: impl FnOnce(TcpListener) -> F + Send + 'static,
    ) -> Self {
        let (end, ended) = oneshot::channel();
        let (bound, address) = mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                bound.send(listener.local_addr().unwrap()).unwrap();
                tokio::select! {
                    () = serve(listener) => {}
                    _ = ended => {}
                }
            });
        });
        Self {
            address: address.recv().unwrap(),
            _end: end,
        }
    }

    /// Hands every connection, after its first bytes, to `talk`.
    pub fn raw<F>(talk: impl Fn(TcpStream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self::start(move |listener| async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = [0; 1024];
                if stream.read(&mut head).await.is_ok() {
                    tokio::spawn(talk(stream));
                }
            }
        })
    }

    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }
}

/// How a [`Service`] behaves, and what it has seen.
#[derive(Debug)]
pub struct Knobs {
    /// How long each answer takes.
    pub delay_ms: AtomicU64,
    /// Fails every so many requests; 0 is none.
    pub fail_every: AtomicU64,
    /// Answers only while this is false.
    pub frozen: watch::Sender<bool>,
    pub seen: AtomicU64,
    pub failed: AtomicU64,
    pub at_once: AtomicUsize,
    pub most_at_once: AtomicUsize,
}

/// A small HTTP service.
pub struct Service {
    pub server: Server,
    pub knobs: Arc<Knobs>,
}

impl Service {
    pub fn start() -> Self {
        let knobs = Arc::new(Knobs {
            delay_ms: AtomicU64::new(0),
            fail_every: AtomicU64::new(0),
            frozen: watch::Sender::new(false),
            seen: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            at_once: AtomicUsize::new(0),
            most_at_once: AtomicUsize::new(0),
        });
        let app = Router::new()
            .route("/", get(answer))
            .with_state(Arc::clone(&knobs));
        let server = Server::start(|listener| async { axum::serve(listener, app).await.unwrap() });
        Self { server, knobs }
    }

    pub fn url(&self) -> String {
        self.server.url()
    }
}

async fn answer(State(knobs): State<Arc<Knobs>>) -> StatusCode {
    let at_once = knobs.at_once.fetch_add(1, Ordering::SeqCst) + 1;
    knobs.most_at_once.fetch_max(at_once, Ordering::SeqCst);
    let nth = knobs.seen.fetch_add(1, Ordering::SeqCst) + 1;
    let mut frozen = knobs.frozen.subscribe();
    frozen.wait_for(|frozen| !frozen).await.unwrap();
    let delay = knobs.delay_ms.load(Ordering::SeqCst);
    if delay > 0 {
        tokio::time::sleep(ms(delay)).await;
    }
    knobs.at_once.fetch_sub(1, Ordering::SeqCst);
    match knobs.fail_every.load(Ordering::SeqCst) {
        every if every > 0 && nth % every == 0 => {
            knobs.failed.fetch_add(1, Ordering::SeqCst);
            StatusCode::INTERNAL_SERVER_ERROR
        }
        _ => StatusCode::OK,
    }
}

/// An address where nobody listens.
pub async fn nobody() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap()
}

/// Waits until `done`, with a deadline.
pub async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !done() {
        assert!(Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(ms(5)).await;
    }
}

/// Runs a load by itself until `n` requests are over, and lets it finish.
pub async fn run_until(load: &dyn Load, n: u64) -> Recording {
    let run = RunHandle::detached("test", Seed::new(1));
    load.start(&run).await.unwrap();
    until("enough requests are over", || over(&load.recording()) >= n).await;
    load.finish().await;
    let recording = load.recording();
    balanced(&recording);
    recording
}

fn over(recording: &Recording) -> u64 {
    let counts = recording.counts();
    counts.done() + counts.unsent + counts.cancelled
}

/// What was planned is what became of it.
pub fn balanced(recording: &Recording) {
    let counts = recording.counts();
    assert_eq!(counts.planned, over(recording), "{counts:?}");
    assert_eq!(counts.planned, recording.exchanges().len() as u64);
}
