//! Queries to a PostgreSQL.

use super::{Answer, Class, OpenLoop, Traffic, Work};
use crate::client::class_of_io;
use chaos_core::ConfigError;
use std::{error::Error, fmt, io};
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config, NoTls, config::Host};

/// Sends a query to a PostgreSQL when it is due (an open loop), each slot on a kept connection of its own. An answer that is an
/// error is a failure.
///
/// ```
/// use chaos_validator::PostgresLoad;
/// let load = PostgresLoad::query("host=127.0.0.1 user=app dbname=shop", "SELECT 1").rate(50.0).slots(8);
/// # load.check().unwrap();
/// ```
pub type PostgresLoad = OpenLoop<PostgresTraffic>;

/// A query, and to which PostgreSQL.
#[derive(Clone)]
pub struct PostgresTraffic {
    server: String,
    query: String,
}

impl OpenLoop<PostgresTraffic> {
    /// Sends this query, one statement or several, to `host=… user=… dbname=…` or `postgresql://user:password@host/database`.
    pub fn query(server: impl Into<String>, query: impl Into<String>) -> Self {
        Self::of(PostgresTraffic {
            server: server.into(),
            query: query.into(),
        })
    }
}

/// Without password and query, which may be secret.
impl fmt::Debug for PostgresTraffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresTraffic")
            .field("traffic", &self.describe())
            .finish_non_exhaustive()
    }
}

impl Traffic for PostgresTraffic {
    type Work = PostgresWork;

    fn describe(&self) -> String {
        let address = self.server.parse::<Config>().ok().and_then(|config| {
            let port = config.get_ports().first().copied().unwrap_or(5432);
            Some(match config.get_hosts().first()? {
                Host::Tcp(host) => format!("{host}:{port}"),
                #[cfg(unix)]
                Host::Unix(path) => path.display().to_string(),
            })
        });
        let address = address.as_deref().unwrap_or("an address that is wrong");
        format!("queries to postgresql://{address}")
    }

    fn endpoints(&self) -> Vec<String> {
        Vec::new()
    }

    fn prepare(&self) -> Result<PostgresWork, ConfigError> {
        let help =
            "write `host=127.0.0.1 user=app dbname=shop` or `postgresql://app@127.0.0.1/shop`";
        let wrong = |problem: &str| ConfigError::field("server", problem).help(help);
        let config: Config = self
            .server
            .parse()
            .map_err(|_| wrong("is not the address of a PostgreSQL"))?;
        if config.get_hosts().is_empty() {
            return Err(wrong("has no host"));
        }
        if self.query.trim().is_empty() {
            return Err(ConfigError::field("query", "is empty"));
        }
        Ok(PostgresWork {
            config,
            query: self.query.clone(),
        })
    }
}

/// A query that is ready to be sent.
#[derive(Debug)]
pub struct PostgresWork {
    config: Config,
    query: String,
}

/// A connection, and the task that moves its bytes.
#[derive(Debug)]
pub struct PostgresConnection {
    client: Client,
    driver: JoinHandle<()>,
}

impl Drop for PostgresConnection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl PostgresConnection {
    async fn open(config: &Config) -> Result<Self, tokio_postgres::Error> {
        let (client, connection) = config.connect(NoTls).await?;
        let driver = tokio::spawn(async move {
            // Its error reaches the query that it broke.
            connection.await.ok();
        });
        Ok(Self { client, driver })
    }
}

impl Work for PostgresWork {
    /// The kept connection.
    type Slot = Option<PostgresConnection>;

    fn slot(&self) -> Option<PostgresConnection> {
        None
    }

    fn endpoint(&self, _: u64) -> usize {
        0
    }

    async fn exchange(&self, _: usize, kept: &mut Option<PostgresConnection>) -> Answer {
        let asked = async {
            let open = match kept.take().filter(|kept| !kept.client.is_closed()) {
                Some(open) => open,
                None => PostgresConnection::open(&self.config).await?,
            };
            let answer = open.client.simple_query(&self.query).await;
            if !open.client.is_closed() {
                *kept = Some(open);
            }
            answer.map(drop)
        };
        Answer::of(match asked.await {
            Ok(()) => Class::Ok,
            Err(error) => class_of(&error),
        })
    }
}

fn class_of(error: &tokio_postgres::Error) -> Class {
    if error.as_db_error().is_some() {
        return Class::Failed;
    }
    let mut source = error.source();
    while let Some(error) = source {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            return class_of_io(io);
        }
        source = error.source();
    }
    match error.is_closed() {
        true => Class::Reset,
        false => Class::Failed,
    }
}
