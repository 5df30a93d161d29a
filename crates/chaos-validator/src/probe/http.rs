//! What an HTTP address answers.

use crate::client::{Channel, Dialer, Endpoint, Shared};
use async_trait::async_trait;
use bytes::Bytes;
use chaos_core::{
    BoxError, ConfigError, Probe, ProbeConfig, Value,
    schemars::{self, JsonSchema},
    units::Time,
};
use http::Request;
use http_body_util::Full;
use serde::Deserialize;
use std::{fmt, time::Duration};
use tokio::sync::Mutex;

/// The longest body that is read to its end.
const LONGEST_BODY: u64 = 1 << 20;
/// When nothing else is said.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Asks an HTTP address with GET. The connection is kept from one sample to the next.
///
/// The value is the status as a number; with an expected status it is whether it is that one. No answer is
/// no value: the sample is missing, with the reason.
pub struct HttpProbe {
    endpoint: Endpoint,
    status: Option<u16>,
    timeout: Duration,
    dialer: Dialer,
    channel: Mutex<Option<Channel>>,
}

impl HttpProbe {
    /// Asks this address; timeout 2 s.
    ///
    /// # Errors
    /// Not an `http://` address.
    pub fn get(url: &str) -> Result<Self, ConfigError> {
        let endpoint = Endpoint::parse(url)?;
        Ok(Self {
            dialer: Dialer::new(false, None, endpoint.tls)?,
            endpoint,
            status: None,
            timeout: TIMEOUT,
            channel: Mutex::default(),
        })
    }

    /// Expects this status: the value is yes or no.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// Gives up after so long.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

impl fmt::Debug for HttpProbe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpProbe")
            .field("address", &self.endpoint.describe())
            .field("status", &self.status)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Probe for HttpProbe {
    async fn sample(&self) -> Result<Value, BoxError> {
        // Taken out, so that a sample that is given up closes its connection.
        let kept = self.channel.lock().await.take();
        let mut channel = kept.unwrap_or_else(|| Channel::new(&self.dialer, &Shared::default()));
        let request = Request::new(Full::new(Bytes::new()));
        let answer = channel.send(&self.dialer, &self.endpoint, request, LONGEST_BODY);
        let address = || self.endpoint.describe();
        let status = match tokio::time::timeout(self.timeout, answer).await {
            Ok(Ok(parts)) => parts.status.as_u16(),
            Ok(Err(class)) => return Err(format!("{}: {class}", address()).into()),
            Err(_) => {
                return Err(format!("{}: no answer within {:?}", address(), self.timeout).into());
            }
        };
        *self.channel.lock().await = Some(channel);
        Ok(match self.status {
            Some(expected) => Value::Flag(status == expected),
            None => Value::Number(f64::from(status)),
        })
    }
}

/// What an HTTP address answers to GET.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "schemars")]
#[non_exhaustive]
pub struct HttpProbeConfig {
    /// Which: `http://host:port/path`.
    pub url: String,
    /// The expected status; the value is then yes or no. Without it the value is the status.
    #[serde(default)]
    #[schemars(range(min = 100, max = 599))]
    pub status: Option<u16>,
    /// After what time it is given up. Default 2s.
    #[serde(default)]
    pub timeout: Option<Time>,
}

impl ProbeConfig for HttpProbeConfig {
    const KIND: &'static str = "http";
    type Probe = HttpProbe;

    fn build(self) -> Result<HttpProbe, ConfigError> {
        let mut probe = HttpProbe::get(&self.url)?;
        if let Some(status) = self.status {
            if !(100..600).contains(&status) {
                let problem = format!("{status} is not an HTTP status between 100 and 599");
                return Err(ConfigError::field("status", problem));
            }
            probe = probe.status(status);
        }
        if let Some(timeout) = self.timeout {
            probe = probe.timeout(super::tcp::positive(timeout)?);
        }
        Ok(probe)
    }
}
