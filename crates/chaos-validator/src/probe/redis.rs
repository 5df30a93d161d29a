//! What a Redis answers.

use super::value::{ReadAs, within};
use async_trait::async_trait;
use chaos_core::{
    BoxError, ConfigError, Probe, ProbeConfig, Value,
    schemars::{self, JsonSchema},
    units::Time,
};
use redis::{AsyncConnectionConfig, Client, Cmd, aio::MultiplexedConnection};
use serde::Deserialize;
use std::{fmt, time::Duration};
use tokio::sync::Mutex;

/// When nothing else is said.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Asks a Redis. The value is its answer: a number, or a text; of a ping, whether it was PONG. The connection is kept from one sample to the next.
pub struct RedisProbe {
    client: Client,
    command: Cmd,
    /// The answer is PONG or not.
    is_ping: bool,
    read_as: Option<ReadAs>,
    timeout: Duration,
    kept: Mutex<Option<MultiplexedConnection>>,
}

impl RedisProbe {
    /// Sends PING to `redis://user:password@host:port/database`, and is true when that answers PONG; timeout 2 s.
    ///
    /// # Errors
    /// Not such an address. It is not repeated: it may hold a password.
    pub fn ping(url: &str) -> Result<Self, ConfigError> {
        let client = Client::open(url).map_err(|_| {
            ConfigError::field("url", "is not the address of a Redis")
                .help("write `redis://host:port`")
        })?;
        Ok(Self {
            client,
            command: redis::cmd("PING"),
            is_ping: true,
            read_as: None,
            timeout: TIMEOUT,
            kept: Mutex::default(),
        })
    }

    /// Sends another command.
    ///
    /// # Errors
    /// There is no command.
    pub fn command(
        mut self,
        command: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<Self, ConfigError> {
        let mut words = command.into_iter();
        let name = words.next();
        let name = name
            .as_ref()
            .map(AsRef::as_ref)
            .filter(|name| !name.is_empty());
        self.command = redis::cmd(name.ok_or_else(|| ConfigError::field("command", "is empty"))?);
        self.is_ping = false;
        for word in words {
            self.command.arg(word.as_ref());
        }
        Ok(self)
    }

    /// Takes a text for this.
    #[must_use]
    pub fn read_as(mut self, read_as: ReadAs) -> Self {
        self.read_as = Some(read_as);
        self
    }

    /// Gives up after so long.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    async fn ask(&self) -> Result<Value, BoxError> {
        // Taken out, so that a sample that is given up closes its connection.
        let mut connection = match self.kept.lock().await.take() {
            Some(connection) => connection,
            None => {
                let config = AsyncConnectionConfig::new()
                    .set_connection_timeout(None)
                    .set_response_timeout(None);
                self.client
                    .get_multiplexed_async_connection_with_config(&config)
                    .await?
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
            *self.kept.lock().await = Some(connection);
        }
        self.value(answer?)
    }

    fn value(&self, answer: redis::Value) -> Result<Value, BoxError> {
        let text = match answer {
            redis::Value::Int(number) if self.read_as.is_none() => {
                return Ok(Value::Number(number as f64));
            }
            redis::Value::Double(number) if self.read_as.is_none() => {
                return Ok(Value::Number(number));
            }
            redis::Value::Boolean(flag) => return Ok(Value::Flag(flag)),
            redis::Value::Int(number) => number.to_string(),
            redis::Value::Double(number) => number.to_string(),
            redis::Value::Okay => "OK".to_owned(),
            redis::Value::SimpleString(text) => text,
            redis::Value::VerbatimString { text, .. } => text,
            redis::Value::BulkString(bytes) => super::value::text(bytes)?,
            redis::Value::Nil => return Err("answered nil".into()),
            _ => return Err("answered neither a text nor a number".into()),
        };
        match self.is_ping && self.read_as.is_none() {
            true => Ok(Value::Flag(text == "PONG")),
            false => self.read_as.unwrap_or_default().value(&text),
        }
    }

    fn describe(&self) -> String {
        format!("redis://{}", self.client.get_connection_info().addr())
    }
}

/// Without password and command, which may be secret.
impl fmt::Debug for RedisProbe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisProbe")
            .field("address", &self.describe())
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Probe for RedisProbe {
    async fn sample(&self) -> Result<Value, BoxError> {
        match tokio::time::timeout(self.timeout, self.ask()).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(format!("{}: {error}", self.describe()).into()),
            Err(_) => {
                let address = self.describe();
                Err(format!("{address}: no answer within {:?}", self.timeout).into())
            }
        }
    }
}

/// What a Redis answers.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "schemars")]
#[non_exhaustive]
pub struct RedisProbeConfig {
    /// Which: `redis://user:password@host:port/database`.
    pub url: String,
    /// The command, which should change nothing: `[LLEN, jobs]`. Default PING, which is true when it answers `PONG`.
    #[serde(default)]
    pub command: Option<Vec<String>>,
    /// What a text is taken for. Default text.
    #[serde(default)]
    pub read: Option<ReadAs>,
    /// After what time it is given up. Default 2s.
    #[serde(default)]
    pub timeout: Option<Time>,
}

/// Without password and command, which may be secret.
impl fmt::Debug for RedisProbeConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisProbeConfig").finish_non_exhaustive()
    }
}

impl ProbeConfig for RedisProbeConfig {
    const KIND: &'static str = "redis";
    type Probe = RedisProbe;

    fn build(self) -> Result<RedisProbe, ConfigError> {
        let mut probe = RedisProbe::ping(&self.url)?.timeout(within(self.timeout, TIMEOUT)?);
        if let Some(command) = self.command {
            probe = probe.command(command)?;
        }
        if let Some(read_as) = self.read {
            probe = probe.read_as(read_as);
        }
        Ok(probe)
    }
}
