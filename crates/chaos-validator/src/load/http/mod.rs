//! HTTP requests.

mod request;
mod work;

pub use request::HttpRequest;
pub use work::{HttpSlot, HttpWork};

use super::{Answer, OpenLoop, Traffic, Work, exchange::MOST_ENDPOINTS, mix::Mix};
use crate::client::{Dialer, Endpoint, Shared};
use bytes::Bytes;
use chaos_core::{ConfigError, Secret};
use std::{fmt, path::PathBuf};
use work::Template;

/// Sends HTTP requests when they are due, whatever becomes of the ones before (an open loop).
///
/// It runs on a thread of its own, from the baseline until the run is over. Each slot keeps its connection as
/// long as no second passes without a request on it; with [`http2`](Self::http2) all share one. An answer with a status from 200 to 299 is good. Redirects are not followed, nothing
/// is tried twice.
///
/// ```
/// use chaos_validator::{HttpLoad, HttpRequest};
/// use std::time::Duration;
/// let load = HttpLoad::get("http://127.0.0.1:8000/orders")
///     .header("accept", "application/json")
///     .rate(50.0)
///     .timeout(Duration::from_secs(2));
/// # load.check().unwrap();
///
/// let mix = HttpLoad::mix([
///     HttpRequest::get("http://127.0.0.1:8000/orders").weight(9),
///     HttpRequest::post("http://127.0.0.1:8000/orders", r#"{ "item": 7 }"#).named("order"),
/// ]);
/// # mix.check().unwrap();
/// ```
pub type HttpLoad = OpenLoop<HttpTraffic>;

/// HTTP requests, and how they are sent.
#[derive(Clone)]
pub struct HttpTraffic {
    requests: Vec<HttpRequest>,
    http2: bool,
    ca_file: Option<PathBuf>,
}

impl OpenLoop<HttpTraffic> {
    /// GET requests: 50 per second, timeout 2 s.
    pub fn get(url: impl Into<String>) -> Self {
        Self::mix([HttpRequest::get(url)])
    }

    /// POST requests with a body.
    pub fn post(url: impl Into<String>, body: impl Into<Bytes>) -> Self {
        Self::mix([HttpRequest::post(url, body)])
    }

    /// Requests with another method.
    pub fn request(method: impl Into<String>, url: impl Into<String>) -> Self {
        Self::mix([HttpRequest::new(method, url)])
    }

    /// Several requests, each as often as its weight says, evenly mixed. Up to 16.
    pub fn mix(requests: impl IntoIterator<Item = HttpRequest>) -> Self {
        Self::of(HttpTraffic {
            requests: requests.into_iter().collect(),
            http2: false,
            ca_file: None,
        })
    }

    /// Adds a header to every request.
    #[must_use]
    pub fn header(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let (name, value) = (name.into(), value.into());
        self.each(|request| request.header(&name, &value))
    }

    /// Sends this body with every request.
    #[must_use]
    pub fn body(self, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        self.each(|request| request.body(body.clone()))
    }

    /// Sends a user name and a password with every request (RFC 7617).
    #[must_use]
    pub fn basic_auth(self, user: &str, password: &Secret) -> Self {
        self.each(|request| request.basic_auth(user, password))
    }

    /// Sends a token with every request (RFC 6750).
    #[must_use]
    pub fn bearer_auth(self, token: &Secret) -> Self {
        self.each(|request| request.bearer_auth(token))
    }

    /// Speaks HTTP/2: all requests to an endpoint are streams of one connection. Without TLS the target has to know that
    /// beforehand (h2c with prior knowledge).
    #[must_use]
    pub fn http2(mut self) -> Self {
        self.traffic.http2 = true;
        self
    }

    /// Trusts who is certified in this PEM file, and not whom the system trusts.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.traffic.ca_file = Some(path.into());
        self
    }

    fn each(mut self, change: impl FnMut(HttpRequest) -> HttpRequest) -> Self {
        let requests = std::mem::take(&mut self.traffic.requests);
        self.traffic.requests = requests.into_iter().map(change).collect();
        self
    }
}

/// Without queries, headers and bodies, which may hold secrets.
impl fmt::Debug for HttpTraffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpTraffic")
            .field("requests", &self.requests)
            .field("http2", &self.http2)
            .finish_non_exhaustive()
    }
}

impl Traffic for HttpTraffic {
    type Work = HttpWork;

    fn describe(&self) -> String {
        let requests: Vec<String> = match self.requests.as_slice() {
            [one] => vec![one.describe()],
            several => several.iter().map(HttpRequest::describe_weighed).collect(),
        };
        let version = if self.http2 { " by HTTP/2" } else { "" };
        format!("{}{version}", requests.join(", "))
    }

    fn endpoints(&self) -> Vec<String> {
        match self.requests.as_slice() {
            [_] => Vec::new(),
            several => several.iter().map(HttpRequest::name).collect(),
        }
    }

    fn prepare(&self) -> Result<HttpWork, ConfigError> {
        if self.requests.len() > MOST_ENDPOINTS {
            let problem = format!(
                "are {}; at most {MOST_ENDPOINTS} can be told apart",
                self.requests.len()
            );
            return Err(ConfigError::field("requests", problem));
        }
        let several = self.requests.len() > 1;
        let prepare = |(n, request): (usize, &HttpRequest)| {
            let template = request.template();
            template.map_err(|e| match several {
                true => e.within(&format!("requests[{n}]")),
                false => e,
            })
        };
        let templates: Result<Vec<Template>, ConfigError> =
            self.requests.iter().enumerate().map(prepare).collect();
        let mut templates = templates?;
        let weights: Vec<u32> = self.requests.iter().map(HttpRequest::share).collect();
        let mix = Mix::of(&weights).ok_or_else(|| {
            ConfigError::field("requests", "have no weight, or weights that are too large")
        })?;
        // Requests to one host share a connection.
        let mut hosts: Vec<Endpoint> = Vec::new();
        for template in &mut templates {
            let known = hosts
                .iter()
                .position(|h| h.shares_connection(template.message.endpoint()));
            template.host = known.unwrap_or_else(|| {
                hosts.push(template.message.endpoint().clone());
                hosts.len() - 1
            });
        }
        let tls = hosts.iter().any(|host| host.tls);
        Ok(HttpWork {
            templates,
            mix,
            dialer: Dialer::new(self.http2, self.ca_file.as_deref(), tls)?,
            shared: hosts.iter().map(|_| Shared::default()).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Load;
    use std::time::Duration;

    #[test]
    fn mistakes_are_found_before_the_run() {
        let load = || HttpLoad::get("http://localhost/");
        let request = || HttpRequest::get("http://localhost/");
        let second = Duration::from_secs(1);
        for (load, says) in [
            (HttpLoad::get("localhost:8000"), "url"),
            (load().rate(0.0), "rate"),
            (load().rate(f64::NAN), "rate"),
            (load().ramp(1.0, -1.0, second), "ramp.to"),
            (load().steps([(1.0, Duration::ZERO)]), "steps.lasts"),
            (load().timeout(Duration::ZERO), "timeout"),
            (load().slots(0), "slots"),
            (load().header("a b", "c"), "headers.a b"),
            (load().header("a", "hunter2\n"), "headers.a"),
            (HttpLoad::request("G T", "http://localhost/"), "method"),
            (HttpLoad::mix([]), "requests"),
            (
                HttpLoad::mix([request(), request().header("a b", "")]),
                "requests[1].headers.a b",
            ),
            (HttpLoad::mix(vec![request(); 17]), "at most 16"),
            (HttpLoad::mix([request().weight(0)]), "weight"),
            (HttpLoad::mix([request().good(99..=200)]), "status"),
        ] {
            let error = load.check().unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
        load().check().unwrap();
        load().http2().check().unwrap();
    }

    #[test]
    fn secrets_are_not_printed() {
        let secret = Secret::new("hunter2");
        let load = HttpLoad::post("http://localhost/?key=hunter2", "hunter2")
            .header("x-key", "hunter2")
            .basic_auth("me", &secret)
            .bearer_auth(&secret);
        assert!(!format!("{load:?}").contains("hunter2"));
        assert!(!load.recording().description().contains("hunter2"));
    }

    #[test]
    fn a_mix_says_what_it_is() {
        let load = HttpLoad::mix([
            HttpRequest::get("http://localhost/a").weight(3),
            HttpRequest::post("http://localhost/b", "").named("order"),
        ]);
        let recording = load.recording();
        assert_eq!(recording.endpoints(), ["GET http://localhost/a", "order"]);
        let said = recording.description();
        assert!(
            said.starts_with("3 × GET http://localhost/a, 1 × order at 50/s"),
            "{said}"
        );
    }
}
