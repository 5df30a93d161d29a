//! What an HTTP address answers.

use super::{
    asker::Asker,
    value::{JsonPath, positive, text},
};
use crate::client::Message;
use async_trait::async_trait;
use bytes::Bytes;
use chaos_core::{
    BoxError, ConfigError, Probe, ProbeConfig, Value,
    schemars::{self, JsonSchema},
    units::Time,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

/// Asks an HTTP address. The connection is kept for the next sample, when that comes within a second; redirects are not followed.
///
/// The value is the status as a number; with an expected status it is whether it is that one. Or it is the body, a value
/// in it, or a header; with an expected status then only of an answer with that one. No answer is no value: the sample
/// is missing, with the reason.
pub struct HttpProbe {
    asker: Asker,
    method: Method,
    headers: HeaderMap,
    content: Bytes,
    status: Option<u16>,
    look: Look,
}

/// What the value is.
#[derive(Debug)]
enum Look {
    Status,
    Body,
    Json(JsonPath),
    Header(HeaderName),
}

impl HttpProbe {
    /// Asks this address with GET; timeout 2 s.
    ///
    /// # Errors
    /// Not an `http://` address.
    pub fn get(url: &str) -> Result<Self, ConfigError> {
        Ok(Self {
            asker: Asker::of(url)?,
            method: Method::GET,
            headers: HeaderMap::new(),
            content: Bytes::new(),
            status: None,
            look: Look::Status,
        })
    }

    /// Asks with another method.
    ///
    /// # Errors
    /// Not a method.
    pub fn method(mut self, method: &str) -> Result<Self, ConfigError> {
        let wrong = || ConfigError::field("method", format!("`{method}` is not an HTTP method"));
        self.method = method.parse().map_err(|_| wrong())?;
        Ok(self)
    }

    /// Sends a header.
    ///
    /// # Errors
    /// Not a header. The value is not repeated: it may be a secret.
    pub fn with_header(mut self, name: &str, value: &str) -> Result<Self, ConfigError> {
        let wrong = |problem: &str| ConfigError::field("headers", format!("`{name}` {problem}"));
        let header: HeaderName = name
            .parse()
            .map_err(|_| wrong("is not the name of a header"))?;
        let value = HeaderValue::from_str(value)
            .map_err(|_| wrong("has a value that no header may have"))?;
        self.headers.append(header, value);
        Ok(self)
    }

    /// Sends a body.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Bytes>) -> Self {
        self.content = body.into();
        self
    }

    /// Expects this status: the value is yes or no, or only what an answer with this status has.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// The value is the body, a text of at most 1 MiB.
    #[must_use]
    pub fn body(mut self) -> Self {
        self.look = Look::Body;
        self
    }

    /// The value is the one that this JSONPath leads to in the body, which has at most 1 MiB.
    ///
    /// # Errors
    /// Not a JSONPath, or this crate is built without the feature `jsonpath`.
    pub fn json(mut self, path: &str) -> Result<Self, ConfigError> {
        self.look = Look::Json(JsonPath::parse(path)?);
        Ok(self)
    }

    /// The value is that of this header, a text.
    ///
    /// # Errors
    /// Not the name of a header.
    pub fn header(mut self, name: &str) -> Result<Self, ConfigError> {
        let wrong =
            |_| ConfigError::field("header", format!("`{name}` is not the name of a header"));
        self.look = Look::Header(name.parse().map_err(wrong)?);
        Ok(self)
    }

    /// Trusts who is certified in this file, and nobody else.
    ///
    /// # Errors
    /// Not an `https://` address, or no certificates.
    pub fn trust(mut self, ca_file: &Path) -> Result<Self, ConfigError> {
        self.asker.trust(ca_file)?;
        Ok(self)
    }

    /// Gives up after so long.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.asker.timeout = timeout;
        self
    }

    fn message(&self) -> Result<Message, ConfigError> {
        let (headers, body) = (self.headers.clone(), self.content.clone());
        self.asker.message(self.method.clone(), headers, body)
    }
}

/// Without headers and body, which may be secret.
impl fmt::Debug for HttpProbe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpProbe")
            .field("asker", &self.asker)
            .field("method", &self.method)
            .field("status", &self.status)
            .field("look", &self.look)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Probe for HttpProbe {
    async fn sample(&self) -> Result<Value, BoxError> {
        let keep = matches!(self.look, Look::Body | Look::Json(_));
        let reply = self.asker.ask(&self.message()?, keep).await?;
        let status = reply.status;
        let failed =
            |why: String| -> BoxError { format!("{}: {why}", self.asker.describe()).into() };
        if let Look::Status = self.look {
            return Ok(match self.status {
                Some(expected) => Value::Flag(status == expected),
                None => Value::Number(f64::from(status)),
            });
        }
        if let Some(expected) = self.status.filter(|expected| *expected != status) {
            return Err(failed(format!("answered {status}, not {expected}")));
        }
        let seen = match &self.look {
            Look::Json(path) => path.value(&reply.body),
            Look::Header(name) => match reply.headers.get(name).map(HeaderValue::to_str) {
                Some(Ok(value)) => Ok(Value::Text(value.to_owned())),
                Some(Err(_)) => Err(format!("the header `{name}` is not text").into()),
                None => Err(format!("there is no header `{name}`").into()),
            },
            Look::Body | Look::Status => text(reply.body).map(Value::Text),
        };
        seen.map_err(|e| failed(format!("answered {status}: {e}")))
    }
}

/// What an HTTP address answers: its status, body, a value in it, or a header.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "schemars")]
#[non_exhaustive]
pub struct HttpProbeConfig {
    /// Which: `http://host:port/path`.
    pub url: String,
    /// The method. Default GET.
    #[serde(default)]
    pub method: Option<String>,
    /// Headers that are sent.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body that is sent.
    #[serde(default)]
    pub send: Option<String>,
    /// The expected status; the value is then yes or no. With `body`, `json` or `header` an answer with another status
    /// is no value. Without all of these the value is the status.
    #[serde(default)]
    #[schemars(range(min = 100, max = 599))]
    pub status: Option<u16>,
    /// The value is the body, a text of at most 1 MiB.
    #[serde(default)]
    pub body: bool,
    /// The value is the one that this JSONPath leads to in the body: `$.status`. No such value is an error.
    #[serde(default)]
    pub json: Option<String>,
    /// The value is that of this header.
    #[serde(default)]
    pub header: Option<String>,
    /// The certificates of who is trusted, in PEM, for https. Default: whom the system trusts.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// After what time it is given up. Default 2s.
    #[serde(default)]
    pub timeout: Option<Time>,
}

/// Without headers, body and query, which may be secret.
impl fmt::Debug for HttpProbeConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.url.split('?').next().unwrap_or_default();
        f.debug_struct("HttpProbeConfig")
            .field("url", &url)
            .finish_non_exhaustive()
    }
}

impl ProbeConfig for HttpProbeConfig {
    const KIND: &'static str = "http";
    type Probe = HttpProbe;

    fn build(self) -> Result<HttpProbe, ConfigError> {
        let mut probe = HttpProbe::get(&self.url)?;
        if let Some(method) = &self.method {
            probe = probe.method(method)?;
        }
        for (name, value) in &self.headers {
            probe = probe.with_header(name, value)?;
        }
        if let Some(content) = self.send {
            probe = probe.with_body(content);
        }
        if let Some(status) = self.status {
            if !(100..600).contains(&status) {
                let problem = format!("{status} is not an HTTP status between 100 and 599");
                return Err(ConfigError::field("status", problem));
            }
            probe = probe.status(status);
        }
        let looks = [self.body, self.json.is_some(), self.header.is_some()];
        if looks.into_iter().filter(|look| *look).count() > 1 {
            return Err(ConfigError::new(
                "at most one of `body`, `json` and `header` says what the value is",
            ));
        }
        if self.body {
            probe = probe.body();
        }
        if let Some(path) = &self.json {
            probe = probe.json(path)?;
        }
        if let Some(name) = &self.header {
            probe = probe.header(name)?;
        }
        if let Some(ca_file) = &self.ca_file {
            probe = probe.trust(ca_file)?;
        }
        if let Some(timeout) = self.timeout {
            probe = probe.timeout(positive(timeout)?);
        }
        // What cannot be sent is found now.
        probe.message()?;
        Ok(probe)
    }
}
