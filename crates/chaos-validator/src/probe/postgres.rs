//! What a PostgreSQL answers.

use super::value::{number, within};
use async_trait::async_trait;
use chaos_core::{
    BoxError, ConfigError, Probe, ProbeConfig, Value,
    schemars::{self, JsonSchema},
    units::Time,
};
use futures_util::TryStreamExt;
use serde::Deserialize;
use std::{fmt, pin::pin, time::Duration};
use tokio::{sync::Mutex, task::JoinHandle};
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage, types::Type};

/// When nothing else is said.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Asks a PostgreSQL. The value is the first column of the first row, by its type: yes or no, a number, or a text. The
/// connection is kept from one sample to the next.
pub struct PostgresProbe {
    server: Config,
    query: String,
    timeout: Duration,
    kept: Mutex<Option<Connection>>,
}

/// A connection, and the task that moves its bytes.
struct Connection {
    client: Client,
    driver: JoinHandle<()>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl PostgresProbe {
    /// Sends this query, one statement, to `host=… user=… dbname=…` or `postgresql://user:password@host/database`;
    /// timeout 2 s.
    ///
    /// # Errors
    /// Not such an address, or no query. The address is not repeated: it may hold a password.
    pub fn query(server: &str, query: impl Into<String>) -> Result<Self, ConfigError> {
        let wrong = |problem: &str| {
            ConfigError::field("server", problem).help(
                "write `host=127.0.0.1 user=app dbname=shop` or `postgresql://app@127.0.0.1/shop`",
            )
        };
        let server: Config = server
            .parse()
            .map_err(|_| wrong("is not the address of a PostgreSQL"))?;
        if server.get_hosts().is_empty() {
            return Err(wrong("has no host"));
        }
        let query = query.into();
        if query.trim().is_empty() {
            return Err(ConfigError::field("query", "is empty"));
        }
        Ok(Self {
            server,
            query,
            timeout: TIMEOUT,
            kept: Mutex::default(),
        })
    }

    /// Gives up after so long.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    async fn ask(&self) -> Result<Value, BoxError> {
        // Taken out, so that a sample that is given up closes its connection.
        let kept = self.kept.lock().await.take();
        let open = match kept.filter(|kept| !kept.client.is_closed()) {
            Some(open) => open,
            None => {
                let (client, connection) = self.server.connect(NoTls).await?;
                let driver = tokio::spawn(async move {
                    // Its error reaches the query that it broke.
                    connection.await.ok();
                });
                Connection { client, driver }
            }
        };
        let prepared = open.client.prepare(&self.query).await?;
        let column = prepared
            .columns()
            .first()
            .ok_or("the query has no column")?;
        let kind = column.type_().clone();
        // As text, whatever the type.
        let mut first = None;
        let mut rows = 0;
        {
            let mut messages = pin!(open.client.simple_query_raw(&self.query).await?);
            while let Some(message) = messages.try_next().await? {
                if let SimpleQueryMessage::Row(row) = message {
                    first.get_or_insert_with(|| row.get(0).map(str::to_owned));
                    rows += 1;
                    if rows > 1 {
                        break;
                    }
                }
            }
        }
        // What comes after the first row is not waited for: that connection is given up.
        if rows <= 1 {
            *self.kept.lock().await = Some(open);
        }
        let text = first.ok_or("there is no row")?.ok_or("it is null")?;
        value(&kind, text)
    }
}

fn value(kind: &Type, text: String) -> Result<Value, BoxError> {
    let numbers = [
        Type::INT2,
        Type::INT4,
        Type::INT8,
        Type::FLOAT4,
        Type::FLOAT8,
        Type::NUMERIC,
        Type::OID,
    ];
    match text.as_str() {
        "t" if *kind == Type::BOOL => Ok(Value::Flag(true)),
        "f" if *kind == Type::BOOL => Ok(Value::Flag(false)),
        text if numbers.contains(kind) => number(text).map(Value::Number),
        _ => Ok(Value::Text(text)),
    }
}

/// Without password and query, which may be secret.
impl fmt::Debug for PostgresProbe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresProbe")
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Probe for PostgresProbe {
    async fn sample(&self) -> Result<Value, BoxError> {
        match tokio::time::timeout(self.timeout, self.ask()).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => {
                Err(format!("PostgreSQL: {}", chaos_core::Chain(error.as_ref())).into())
            }
            Err(_) => Err(format!("PostgreSQL: no answer within {:?}", self.timeout).into()),
        }
    }
}

/// What a PostgreSQL answers to a query.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "schemars")]
#[non_exhaustive]
pub struct PostgresProbeConfig {
    /// Which: `host=… user=… dbname=…` or `postgresql://user:password@host/database`.
    pub server: String,
    /// One statement, which should change nothing. The value is the first column of its first row; no row is an error.
    pub query: String,
    /// After what time it is given up. Default 2s.
    #[serde(default)]
    pub timeout: Option<Time>,
}

/// Without password and query, which may be secret.
impl fmt::Debug for PostgresProbeConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresProbeConfig")
            .finish_non_exhaustive()
    }
}

impl ProbeConfig for PostgresProbeConfig {
    const KIND: &'static str = "postgres";
    type Probe = PostgresProbe;

    fn build(self) -> Result<PostgresProbe, ConfigError> {
        let probe = PostgresProbe::query(&self.server, self.query)?;
        Ok(probe.timeout(within(self.timeout, TIMEOUT)?))
    }
}
