//! A database as a service uses it: one connection, shared, made anew when it is gone.

use chaos_core::BoxError;
use redis::{AsyncConnectionConfig, aio::MultiplexedConnection};
use std::{net::SocketAddr, sync::Arc};
use tokio::sync::Mutex;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

/// A database that one value is read from. Without any timeout: these are the caller's.
#[derive(Debug)]
pub struct Database(Kind);

enum Kind {
    Redis(redis::Client, Mutex<Option<MultiplexedConnection>>),
    Postgres(tokio_postgres::Config, Mutex<Option<Arc<Client>>>),
}

impl std::fmt::Debug for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Redis(..) => "Redis",
            Self::Postgres(..) => "Postgres",
        })
    }
}

impl Database {
    /// The Redis at this address.
    ///
    /// # Errors
    /// Never, for an address.
    pub fn redis(address: SocketAddr) -> Result<Self, BoxError> {
        let client = redis::Client::open(format!("redis://{address}/"))?;
        Ok(Self(Kind::Redis(client, Mutex::default())))
    }

    /// The PostgreSQL at this address.
    pub fn postgres(address: SocketAddr) -> Self {
        let config = crate::Postgres::config(address);
        Self(Kind::Postgres(config, Mutex::default()))
    }

    /// Puts the value there.
    ///
    /// # Errors
    /// The database cannot be reached, or refuses.
    pub async fn write(&self, value: u32) -> Result<(), BoxError> {
        match &self.0 {
            Kind::Redis(..) => {
                let mut connection = self.redis_connection().await?;
                let mut set = redis::cmd("SET");
                set.arg("stock").arg(value);
                Ok(set.exec_async(&mut connection).await?)
            }
            Kind::Postgres(..) => {
                let sql =
                    format!("CREATE TABLE stock (chairs int); INSERT INTO stock VALUES ({value})");
                Ok(self.postgres_session().await?.batch_execute(&sql).await?)
            }
        }
    }

    /// Reads the value.
    ///
    /// # Errors
    /// The database cannot be reached, refuses, or does not have it.
    pub async fn read(&self) -> Result<u32, BoxError> {
        match &self.0 {
            Kind::Redis(_, shared) => {
                let mut connection = self.redis_connection().await?;
                let mut get = redis::cmd("GET");
                match get.arg("stock").query_async(&mut connection).await {
                    Ok(value) => Ok(value),
                    Err(error) => {
                        *shared.lock().await = None;
                        Err(error.into())
                    }
                }
            }
            Kind::Postgres(..) => {
                let session = self.postgres_session().await?;
                let answer = session.simple_query("SELECT chairs FROM stock").await?;
                let row = answer.iter().find_map(|message| match message {
                    SimpleQueryMessage::Row(row) => row.get(0),
                    _ => None,
                });
                Ok(row.ok_or("there is no row")?.parse()?)
            }
        }
    }

    async fn redis_connection(&self) -> Result<MultiplexedConnection, BoxError> {
        let Kind::Redis(client, shared) = &self.0 else {
            return Err("is not Redis".into());
        };
        let mut shared = shared.lock().await;
        if let Some(connection) = &*shared {
            return Ok(connection.clone());
        }
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(None)
            .set_response_timeout(None);
        let made = client.get_multiplexed_async_connection_with_config(&config);
        Ok(shared.insert(made.await?).clone())
    }

    async fn postgres_session(&self) -> Result<Arc<Client>, BoxError> {
        let Kind::Postgres(config, shared) = &self.0 else {
            return Err("is not PostgreSQL".into());
        };
        let mut shared = shared.lock().await;
        if let Some(session) = shared.as_ref().filter(|session| !session.is_closed()) {
            return Ok(Arc::clone(session));
        }
        let (session, connection) = config.connect(NoTls).await?;
        // It ends with the session, and its errors are the session's.
        tokio::spawn(connection);
        Ok(Arc::clone(shared.insert(Arc::new(session))))
    }
}
