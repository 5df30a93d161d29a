//! HTTP requests as they stand in a file.

use super::pace::{Pacing, Ramp, Step};
use crate::load::{HttpLoad, HttpRequest, RequestRate};
use chaos_core::{
    ConfigError, SecretRef,
    schemars::{self, JsonSchema},
    units::Time,
};
use serde::Deserialize;
use std::{collections::BTreeMap, fmt, ops::RangeInclusive, path::PathBuf};

/// HTTP requests as they stand in a file: one, or several under `requests`.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(crate = "schemars", extend("oneOf" = [{ "required": ["url"] }, { "required": ["requests"] }]))]
#[non_exhaustive]
pub struct HttpLoadConfig {
    /// Where to: `http://host:port/path`, or `https`.
    pub url: Option<String>,
    /// How many requests per second: `200/s`. Default 50/s.
    pub rate: Option<RequestRate>,
    /// Evenly from one rate to another, in place of `rate`.
    pub ramp: Option<Ramp>,
    /// One rate after the other, in place of `rate`.
    pub steps: Option<Vec<Step>>,
    /// After what time a request is given up. Default 2s.
    pub timeout: Option<Time>,
    /// After what time an answer is bad, though it is waited for. Default: only after the timeout.
    pub slow_is_bad: Option<Time>,
    /// How many requests may be under way. Default: as many as the highest rate needs with its timeout, 64 to 4,096.
    pub slots: Option<usize>,
    /// The method. Default GET.
    pub method: Option<String>,
    /// The headers.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Option<String>,
    /// Which status is good, or from which to which: 404, `[200, 399]`. Default `[200, 299]`.
    #[schemars(with = "Option<StatusSchema>")]
    pub status: Option<Statuses>,
    /// Several requests, in place of `url`, `method` and `body`; headers and auth above are sent with each.
    pub requests: Option<Vec<HttpRequestConfig>>,
    /// Who asks.
    pub auth: Option<Auth>,
    /// The version of HTTP: 1 or 2. With 2 all requests share a connection. Default 1.
    #[schemars(range(min = 1, max = 2))]
    pub version: Option<u8>,
    /// A PEM file with the certificates that are trusted, in place of the system's.
    pub ca_file: Option<PathBuf>,
}

/// One of several requests.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "schemars")]
#[non_exhaustive]
pub struct HttpRequestConfig {
    /// Where to: `http://host:port/path`, or `https`.
    pub url: String,
    /// Its name in the report. Default: method and address.
    #[serde(default)]
    pub name: Option<String>,
    /// How often it is sent, against the others. Default 1.
    #[serde(default)]
    pub weight: Option<u32>,
    /// The method. Default GET.
    #[serde(default)]
    pub method: Option<String>,
    /// The headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body.
    #[serde(default)]
    pub body: Option<String>,
    /// Which status is good, or from which to which: 404, `[200, 399]`. Default `[200, 299]`.
    #[serde(default)]
    #[schemars(with = "Option<StatusSchema>")]
    pub status: Option<Statuses>,
}

/// Who asks. The secret itself is not in the file.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[schemars(crate = "schemars")]
#[non_exhaustive]
pub enum Auth {
    /// A user with a password: `{ user: me, password: { env: PASSWORD } }`.
    #[non_exhaustive]
    Basic {
        /// The user's name.
        user: String,
        /// Where the password is.
        password: SecretRef,
    },
    /// A token: `{ env: TOKEN }`.
    Bearer(SecretRef),
}

/// Statuses of HTTP, as a file has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statuses(RangeInclusive<u16>);

impl<'de> Deserialize<'de> for Statuses {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Statuses;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a status, or two from which to which: 404, [200, 399]")
            }

            fn visit_u64<E: serde::de::Error>(self, status: u64) -> Result<Statuses, E> {
                let status = u16::try_from(status).unwrap_or(u16::MAX);
                Ok(Statuses(status..=status))
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(
                self,
                mut list: A,
            ) -> Result<Statuses, A::Error> {
                let both = (
                    list.next_element()?,
                    list.next_element()?,
                    list.next_element::<u16>()?,
                );
                match both {
                    (Some(from), Some(to), None) => Ok(Statuses(from..=to)),
                    (first, ..) => {
                        let n = if first.is_some() { 1 } else { 0 };
                        Err(serde::de::Error::invalid_length(n, &self))
                    }
                }
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// How [`Statuses`] are written.
#[derive(JsonSchema)]
#[serde(untagged)]
#[schemars(crate = "schemars")]
#[expect(dead_code, reason = "only its schema is used")]
enum StatusSchema {
    One(u16),
    FromTo([u16; 2]),
}

impl HttpLoadConfig {
    /// Checks ranges and makes the load.
    ///
    /// # Errors
    /// A value out of range, with the field and what is allowed.
    pub fn build(self) -> Result<HttpLoad, ConfigError> {
        let requests = match (self.url, self.requests) {
            (Some(url), None) => vec![HttpRequestConfig {
                url,
                name: None,
                weight: None,
                method: self.method,
                headers: BTreeMap::new(),
                body: self.body,
                status: self.status,
            }],
            (None, Some(requests)) => {
                let alone = [
                    ("method", self.method.is_some()),
                    ("body", self.body.is_some()),
                    ("status", self.status.is_some()),
                ];
                if let Some((field, _)) = alone.into_iter().find(|(_, said)| *said) {
                    let problem = "is that of one request; say it under `requests`";
                    return Err(ConfigError::field(field, problem));
                }
                requests
            }
            (Some(_), Some(_)) => {
                let problem = "cannot be said together with `url`";
                return Err(ConfigError::field("requests", problem));
            }
            (None, None) => return Err(ConfigError::field("url", "is missing")),
        };
        let mut load = HttpLoad::mix(requests.into_iter().map(HttpRequestConfig::request));
        for (name, value) in self.headers {
            load = load.header(name, value);
        }
        load = match self.auth {
            Some(Auth::Basic { user, password }) => {
                let password = password
                    .resolve()
                    .map_err(|e| e.within("auth.basic.password"))?;
                load.basic_auth(&user, &password)
            }
            Some(Auth::Bearer(token)) => {
                load.bearer_auth(&token.resolve().map_err(|e| e.within("auth.bearer"))?)
            }
            None => load,
        };
        load = match self.version {
            None | Some(1) => load,
            Some(2) => load.http2(),
            Some(other) => {
                let problem = format!("{other} is not 1 or 2");
                return Err(ConfigError::field("version", problem));
            }
        };
        if let Some(path) = self.ca_file {
            #[cfg(feature = "tls")]
            {
                load = load.ca_file(path);
            }
            #[cfg(not(feature = "tls"))]
            return Err(ConfigError::field(
                "ca_file",
                format!("{} needs the feature `tls`", path.display()),
            ));
        }
        let pacing = Pacing {
            rate: self.rate,
            ramp: self.ramp,
            steps: self.steps,
            timeout: self.timeout,
            slow_is_bad: self.slow_is_bad,
            slots: self.slots,
        };
        pacing.apply(load)
    }
}

impl HttpRequestConfig {
    fn request(self) -> HttpRequest {
        let mut request = HttpRequest::new(self.method.unwrap_or_else(|| "GET".into()), self.url);
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        if let Some(body) = self.body {
            request = request.body(body);
        }
        if let Some(name) = self.name {
            request = request.named(name);
        }
        if let Some(weight) = self.weight {
            request = request.weight(weight);
        }
        match self.status {
            Some(Statuses(statuses)) => request.good(statuses),
            None => request,
        }
    }
}

/// Without address, headers and body, which may hold secrets.
impl fmt::Debug for HttpLoadConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpLoadConfig")
            .field("rate", &self.rate)
            .field("timeout", &self.timeout)
            .field("slots", &self.slots)
            .field("method", &self.method)
            .field("requests", &self.requests)
            .finish_non_exhaustive()
    }
}

/// Without address, headers and body, which may hold secrets.
impl fmt::Debug for HttpRequestConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpRequestConfig")
            .field("name", &self.name)
            .field("weight", &self.weight)
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}
