//! A small real HTTP service that depends on a database.

use crate::Database;
use axum::{Router, extract::State, http::StatusCode, routing::get};
use chaos_core::BoxError;
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::Duration,
};
use tokio::{net::TcpListener, sync::oneshot, time::timeout};

/// How long a resilient service waits for its database, per try.
const PATIENCE: Duration = Duration::from_millis(100);

/// How a service treats its database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Care {
    /// With a timeout, one retry, and the last known value when both fail.
    Resilient,
    /// It waits as long as it takes, and fails with its database.
    Fragile,
}

/// `/stock` reads from the database. It runs on a thread of its own, so that nothing of a test slows it, until it is
/// dropped.
#[derive(Debug)]
pub struct Service {
    address: SocketAddr,
    _end: oneshot::Sender<()>,
}

impl Service {
    /// Starts it on a free loopback port, when it has read from the database once.
    ///
    /// # Errors
    /// The database does not answer, or there is no free port.
    pub async fn start(database: Database, care: Care) -> Result<Self, BoxError> {
        let (end, ended) = oneshot::channel();
        let (tell, told) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        thread::Builder::new()
            .name("service".into())
            .spawn(move || {
                runtime.block_on(async {
                    match open(database, care).await {
                        Ok((listener, routes)) => {
                            tell.send(listener.local_addr().map_err(Into::into)).ok();
                            tokio::select! {
                                served = async { axum::serve(listener, routes).await } => drop(served),
                                _ = ended => {}
                            }
                        }
                        Err(error) => drop(tell.send(Err(error))),
                    }
                });
            })?;
        let address = told.await??;
        Ok(Self { address, _end: end })
    }

    /// The address of its page.
    pub fn url(&self) -> String {
        format!("http://{}/stock", self.address)
    }
}

async fn open(database: Database, care: Care) -> Result<(TcpListener, Router), BoxError> {
    let last_known = AtomicU32::new(database.read().await?);
    let stock = Arc::new(Stock {
        database,
        care,
        last_known,
    });
    let routes = Router::new().route("/stock", get(answer)).with_state(stock);
    Ok((TcpListener::bind("127.0.0.1:0").await?, routes))
}

#[derive(Debug)]
struct Stock {
    database: Database,
    care: Care,
    last_known: AtomicU32,
}

async fn answer(State(stock): State<Arc<Stock>>) -> Result<String, StatusCode> {
    let value = stock.ask().await;
    value
        .map(|value| value.to_string())
        .map_err(|_| StatusCode::BAD_GATEWAY)
}

impl Stock {
    async fn ask(&self) -> Result<u32, BoxError> {
        if self.care == Care::Fragile {
            return self.database.read().await;
        }
        for _ in 0..2 {
            if let Ok(Ok(value)) = timeout(PATIENCE, self.database.read()).await {
                self.last_known.store(value, Ordering::Relaxed);
                return Ok(value);
            }
        }
        Ok(self.last_known.load(Ordering::Relaxed))
    }
}
