//! One request of a load.

use super::Template;
use crate::client::{Endpoint, Message};
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use chaos_core::{ConfigError, Secret};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header::AUTHORIZATION};
use std::{fmt, ops::RangeInclusive};

/// One request of an [`HttpLoad`](crate::HttpLoad).
#[derive(Clone)]
pub struct HttpRequest {
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    body: Bytes,
    good: RangeInclusive<u16>,
    weight: u32,
    name: Option<String>,
}

impl HttpRequest {
    /// A GET request.
    pub fn get(url: impl Into<String>) -> Self {
        Self::new("GET", url)
    }

    /// A POST request with a body.
    pub fn post(url: impl Into<String>, body: impl Into<Bytes>) -> Self {
        Self::new("POST", url).body(body)
    }

    /// A request with another method.
    pub fn new(method: impl Into<String>, url: impl Into<String>) -> Self {
        Self {
            method: method.into(),
            url: url.into(),
            headers: Vec::new(),
            body: Bytes::new(),
            good: 200..=299,
            weight: 1,
            name: None,
        }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sends this body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Sends a user name and a password (RFC 7617).
    #[must_use]
    pub fn basic_auth(self, user: &str, password: &Secret) -> Self {
        let both = BASE64_STANDARD.encode(format!("{user}:{}", password.expose()));
        self.authorization(format!("Basic {both}"))
    }

    /// Sends a token (RFC 6750).
    #[must_use]
    pub fn bearer_auth(self, token: &Secret) -> Self {
        self.authorization(format!("Bearer {}", token.expose()))
    }

    fn authorization(mut self, value: String) -> Self {
        self.headers
            .retain(|(name, _)| name != AUTHORIZATION.as_str());
        self.header(AUTHORIZATION.as_str(), value)
    }

    /// Which statuses are good. Default: 200 to 299.
    #[must_use]
    pub fn good(mut self, statuses: RangeInclusive<u16>) -> Self {
        self.good = statuses;
        self
    }

    /// How often it is sent, against the weights of the others. Default 1.
    #[must_use]
    pub fn weight(mut self, weight: u32) -> Self {
        self.weight = weight;
        self
    }

    /// Names it in the report. Default: its method and its address.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    pub(super) fn share(&self) -> u32 {
        self.weight
    }

    pub(super) fn name(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.describe())
    }

    pub(super) fn describe(&self) -> String {
        let address = Endpoint::parse(&self.url)
            .map_or_else(|_| "an address that is wrong".to_owned(), |e| e.describe());
        format!("{} {address}", self.method)
    }

    pub(super) fn describe_weighed(&self) -> String {
        format!("{} × {}", self.weight, self.name())
    }

    pub(super) fn template(&self) -> Result<Template, ConfigError> {
        let method = Method::from_bytes(self.method.as_bytes())
            .map_err(|_| ConfigError::field("method", "is not an HTTP method"))?;
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let wrong = |what: &str| ConfigError::field(format!("headers.{name}"), what);
            let key: HeaderName = name.parse().map_err(|_| wrong("is not a header name"))?;
            // Its value may be a secret: not repeated.
            let mut value: HeaderValue = value
                .parse()
                .map_err(|_| wrong("has a value that no header may have"))?;
            value.set_sensitive(true);
            headers.append(key, value);
        }
        if self.good.is_empty() || *self.good.start() < 100 || *self.good.end() > 599 {
            let (from, to) = (self.good.start(), self.good.end());
            let problem = format!("{from} to {to} are not HTTP statuses from 100 to 599");
            return Err(ConfigError::field("status", problem));
        }
        Ok(Template {
            message: Message::new(
                Endpoint::parse(&self.url)?,
                method,
                headers,
                self.body.clone(),
            )?,
            host: 0,
            good: self.good.clone(),
        })
    }
}

/// Without query, headers and body, which may hold secrets.
impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpRequest")
            .field("request", &self.describe_weighed())
            .finish_non_exhaustive()
    }
}
