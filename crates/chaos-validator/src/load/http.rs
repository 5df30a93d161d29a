//! HTTP requests at a constant rate.

use super::{
    Class, Load, Recording,
    generator::Generator,
    limits::Limits,
    open_loop::{Answer, Work},
};
use crate::client::{Connection, Endpoint};
use async_trait::async_trait;
use bytes::Bytes;
use chaos_core::{BoxError, ConfigError, Event, Observer, RunHandle, Verdict};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use http_body_util::Full;
use std::{fmt, sync::Arc, time::Duration};

/// The longest body that is read to its end.
const LONGEST_BODY: u64 = 16 << 20;

/// Sends HTTP/1.1 requests at a constant rate, whatever becomes of the ones before (an open loop).
///
/// It runs on a thread of its own, from the baseline until the run is over. Each slot keeps its connection.
/// An answer with a status from 200 to 299 is good. Redirects are not followed, nothing is tried twice.
///
/// ```
/// use chaos_validator::HttpLoad;
/// use std::time::Duration;
/// let load = HttpLoad::get("http://127.0.0.1:8000/orders")
///     .rate(50.0)
///     .timeout(Duration::from_secs(2))
///     .header("accept", "application/json");
/// # load.check().unwrap();
/// ```
pub struct HttpLoad {
    url: String,
    method: String,
    headers: Vec<(String, String)>,
    body: Bytes,
    limits: Limits,
    generator: Generator,
}

impl HttpLoad {
    /// GET requests: 50 per second, timeout 2 s, 64 slots.
    pub fn get(url: impl Into<String>) -> Self {
        Self::request("GET", url)
    }

    /// POST requests with a body.
    pub fn post(url: impl Into<String>, body: impl Into<Bytes>) -> Self {
        Self::request("POST", url).body(body)
    }

    /// Requests with another method.
    pub fn request(method: impl Into<String>, url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            method: method.into(),
            headers: Vec::new(),
            body: Bytes::new(),
            limits: Limits::default(),
            generator: Generator::default(),
        }
    }

    /// Sends so many requests per second.
    #[must_use]
    pub fn rate(mut self, per_second: f64) -> Self {
        self.limits.rate = per_second;
        self
    }

    /// Fails a request that is not answered so long after it was meant to be sent.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.limits.timeout = timeout;
        self
    }

    /// Has at most so many requests under way. What is due while all of them wait for the target waits, too,
    /// and fails after its timeout.
    #[must_use]
    pub fn slots(mut self, slots: usize) -> Self {
        self.limits.slots = slots;
        self
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

    /// Looks for mistakes that [`start`](Observer::start) would report.
    ///
    /// # Errors
    /// A wrong address, method or header, a rate, timeout or number of slots out of range.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.limits.pace()?;
        self.work().map(drop)
    }

    fn work(&self) -> Result<HttpWork, ConfigError> {
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
        Ok(HttpWork {
            endpoint: Endpoint::parse(&self.url)?,
            method,
            headers,
            body: self.body.clone(),
        })
    }

    fn describe(&self) -> String {
        let address = Endpoint::parse(&self.url)
            .map_or_else(|_| "an address that is wrong".to_owned(), |e| e.describe());
        format!("{} {address} {}", self.method, self.limits)
    }
}

/// Without query, headers and body, which may hold secrets.
impl fmt::Debug for HttpLoad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpLoad")
            .field("load", &self.describe())
            .field("generator", &self.generator)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Observer for HttpLoad {
    async fn start(&self, run: &RunHandle) -> Result<(), BoxError> {
        let pace = self.limits.pace()?;
        self.generator.start(run, pace, self.work()?)
    }

    fn on(&self, event: &Event) {
        self.generator.on(event);
    }

    fn steady(&self) -> Verdict {
        self.generator.steady()
    }

    async fn finish(&self) {
        self.generator.finish(self.limits.timeout).await;
    }
}

impl Load for HttpLoad {
    fn recording(&self) -> Recording {
        self.recent(Duration::ZERO)
    }

    fn recent(&self, from: Duration) -> Recording {
        self.generator
            .recording(self.describe(), self.limits.pace().ok(), from)
    }
}

impl From<HttpLoad> for Arc<dyn Load> {
    fn from(load: HttpLoad) -> Self {
        Arc::new(load)
    }
}

struct HttpWork {
    endpoint: Endpoint,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
}

impl Work for HttpWork {
    type Slot = Connection;

    fn slot(&self) -> Connection {
        Connection::default()
    }

    async fn exchange(&self, connection: &mut Connection) -> Answer {
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.headers_mut() = self.headers.clone();
        match connection.send(&self.endpoint, request, LONGEST_BODY).await {
            Ok(status) => Answer {
                class: if (200..300).contains(&status) {
                    Class::Ok
                } else {
                    Class::BadStatus
                },
                status: Some(status),
            },
            Err(class) => Answer::of(class),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_found_before_the_run() {
        let load = || HttpLoad::get("http://localhost/");
        for (load, says) in [
            (HttpLoad::get("localhost:8000"), "url"),
            (load().rate(0.0), "rate"),
            (load().rate(f64::NAN), "rate"),
            (load().timeout(Duration::ZERO), "timeout"),
            (load().slots(0), "slots"),
            (load().header("a b", "c"), "headers.a b"),
            (load().header("a", "hunter2\n"), "headers.a"),
            (HttpLoad::request("G T", "http://localhost/"), "method"),
        ] {
            let error = load.check().unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
        load().check().unwrap();
    }

    #[test]
    fn secrets_are_not_printed() {
        let load = HttpLoad::post("http://localhost/?key=hunter2", "hunter2")
            .header("authorization", "hunter2");
        assert!(!format!("{load:?}").contains("hunter2"));
        assert!(!load.recording().description().contains("hunter2"));
    }
}
