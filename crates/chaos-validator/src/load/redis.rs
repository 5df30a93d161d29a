//! Commands to a Redis.

use super::{Answer, Class, OpenLoop, Traffic, Work};
use crate::client::class_of_io;
use chaos_core::ConfigError;
use redis::{AsyncConnectionConfig, Client, Cmd, RedisError, aio::MultiplexedConnection};
use std::{error::Error, fmt, io};

/// Sends a command to a Redis when it is due (an open loop), each slot on a kept connection of its own. An answer that is an
/// error is a failure.
///
/// ```
/// use chaos_validator::RedisLoad;
/// let load = RedisLoad::command("redis://127.0.0.1:6379", ["GET", "basket:7"]).rate(100.0);
/// # load.check().unwrap();
/// ```
pub type RedisLoad = OpenLoop<RedisTraffic>;

/// A command, and to which Redis.
#[derive(Clone)]
pub struct RedisTraffic {
    url: String,
    command: Vec<String>,
}

impl OpenLoop<RedisTraffic> {
    /// Sends this command to `redis://user:password@host:port/database`.
    pub fn command(
        url: impl Into<String>,
        command: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        Self::of(RedisTraffic {
            url: url.into(),
            command: command.into_iter().map(Into::into).collect(),
        })
    }
}

/// Without password and arguments, which may be secret.
impl fmt::Debug for RedisTraffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisTraffic")
            .field("traffic", &self.describe())
            .finish_non_exhaustive()
    }
}

impl Traffic for RedisTraffic {
    type Work = RedisWork;

    fn describe(&self) -> String {
        let address = Client::open(self.url.as_str())
            .map(|client| client.get_connection_info().addr().to_string())
            .unwrap_or_else(|_| "an address that is wrong".to_owned());
        let command = self.command.first().map_or("nothing", String::as_str);
        format!("{command} to redis://{address}")
    }

    fn endpoints(&self) -> Vec<String> {
        Vec::new()
    }

    fn prepare(&self) -> Result<RedisWork, ConfigError> {
        let client = Client::open(self.url.as_str()).map_err(|_| {
            ConfigError::field("url", "is not the address of a Redis")
                .help("write `redis://host:port`")
        })?;
        let Some((name, arguments)) = self.command.split_first() else {
            return Err(ConfigError::field("command", "is empty"));
        };
        let mut command = redis::cmd(name);
        command.arg(arguments);
        Ok(RedisWork { client, command })
    }
}

/// A command that is ready to be sent.
#[derive(Debug)]
pub struct RedisWork {
    client: Client,
    command: Cmd,
}

impl Work for RedisWork {
    /// The kept connection.
    type Slot = Option<MultiplexedConnection>;

    fn slot(&self) -> Option<MultiplexedConnection> {
        None
    }

    fn endpoint(&self, _: u64) -> usize {
        0
    }

    async fn exchange(&self, _: usize, kept: &mut Option<MultiplexedConnection>) -> Answer {
        let asked = async {
            let mut connection = match kept.take() {
                Some(connection) => connection,
                // The load has a timeout of its own.
                None => {
                    let config = AsyncConnectionConfig::new()
                        .set_connection_timeout(None)
                        .set_response_timeout(None);
                    let connecting = self
                        .client
                        .get_multiplexed_async_connection_with_config(&config);
                    connecting.await?
                }
            };
            let answer = self
                .command
                .query_async::<redis::Value>(&mut connection)
                .await;
            // An error that Redis answers leaves the connection as it was.
            if answer
                .as_ref()
                .err()
                .is_none_or(|e| !e.is_unrecoverable_error())
            {
                *kept = Some(connection);
            }
            answer.map(drop)
        };
        Answer::of(match asked.await {
            Ok(()) => Class::Ok,
            Err(error) => class_of(&error),
        })
    }
}

fn class_of(error: &RedisError) -> Class {
    let mut source: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = source {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            return class_of_io(io);
        }
        source = error.source();
    }
    match error {
        e if e.is_connection_refusal() => Class::Refused,
        e if e.is_timeout() => Class::Timeout,
        e if e.is_io_error() => Class::Reset,
        _ => Class::Failed,
    }
}
