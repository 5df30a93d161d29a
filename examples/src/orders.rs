//! The service that is tested: HTTP in front, two dependencies behind.

use axum::{Router, extract::State, http::StatusCode, routing::get};
use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::Mutex,
    task::JoinHandle,
    time::timeout,
};

/// How the service treats its dependencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Care {
    /// With a timeout, one retry, and the last known answer when both fail.
    Resilient,
    /// It waits as long as it takes, and fails with its dependency.
    Fragile,
}

/// How long a resilient service waits for a dependency, per try.
const PATIENCE: Duration = Duration::from_millis(100);

/// A small HTTP service: `/orders` asks its dependencies, `/healthz` says that it lives. Dropping it ends it.
#[derive(Debug)]
pub struct Orders {
    address: SocketAddr,
    task: JoinHandle<io::Result<()>>,
}

impl Orders {
    /// Starts the service on a free port, with a stock server and, if there is one, a worker behind it.
    ///
    /// # Errors
    /// There is no free port.
    pub async fn start(
        stock: impl Into<String>,
        worker: Option<String>,
        care: Care,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let shop = Arc::new(Shop {
            stock: Dependency::new(stock.into(), care),
            price: worker.map(|worker| Dependency::new(worker, care)),
        });
        let routes = Router::new()
            .route("/orders", get(orders))
            .route("/healthz", get(|| async { "ok" }))
            .with_state(shop);
        let task = tokio::spawn(async move { axum::serve(listener, routes).await });
        Ok(Self { address, task })
    }

    /// The address of one of its pages.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

impl Drop for Orders {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Debug)]
struct Shop {
    stock: Dependency,
    price: Option<Dependency>,
}

async fn orders(State(shop): State<Arc<Shop>>) -> Result<String, StatusCode> {
    let stock = shop.stock.ask("chair").await;
    let price = match &shop.price {
        Some(price) => price.ask("chair").await,
        None => Ok(999),
    };
    match (stock, price) {
        (Ok(stock), Ok(price)) => Ok(format!(
            "{{\"chair\":{{\"stock\":{stock},\"cents\":{price}}}}}\n"
        )),
        _ => Err(StatusCode::BAD_GATEWAY),
    }
}

/// A server with a line protocol, asked over a pool of connections.
#[derive(Debug)]
struct Dependency {
    address: String,
    care: Care,
    idle: Mutex<Vec<BufReader<TcpStream>>>,
    last_known: AtomicU32,
}

impl Dependency {
    fn new(address: String, care: Care) -> Self {
        Self {
            address,
            care,
            idle: Mutex::default(),
            last_known: AtomicU32::new(0),
        }
    }

    async fn ask(&self, article: &str) -> io::Result<u32> {
        if self.care == Care::Fragile {
            return self.ask_once(article).await;
        }
        for _ in 0..2 {
            if let Ok(Ok(answer)) = timeout(PATIENCE, self.ask_once(article)).await {
                self.last_known.store(answer, Ordering::Relaxed);
                return Ok(answer);
            }
        }
        Ok(self.last_known.load(Ordering::Relaxed))
    }

    /// A connection that failed, or was given up in the middle of an answer, is not used again.
    async fn ask_once(&self, article: &str) -> io::Result<u32> {
        let idle = self.idle.lock().await.pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => {
                let stream = TcpStream::connect(&self.address).await?;
                stream.set_nodelay(true)?;
                BufReader::new(stream)
            }
        };
        connection
            .get_mut()
            .write_all(format!("{article}\n").as_bytes())
            .await?;
        let mut answer = String::new();
        if connection.read_line(&mut answer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let answer = answer.trim().parse().map_err(io::Error::other)?;
        self.idle.lock().await.push(connection);
        Ok(answer)
    }
}
