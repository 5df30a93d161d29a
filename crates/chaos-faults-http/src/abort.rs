//! `http.abort`: an error in place of the answer.

use crate::{
    answer::Answer,
    direction::Direction,
    effect::{Effect, Step},
    fields::{self, HeaderText, Headers},
    proxy::plan_on_proxies,
    requests::Requests,
};
use chaos_core::{
    ConfigError, Context, Fault, FaultConfig, FaultError, Intensity, Needs, Plan, Site, async_trait,
};
use rand::rngs::StdRng;
use schemars::JsonSchema;
use serde::Deserialize;
use std::{collections::BTreeMap, sync::Arc};

/// The client gets an error in place of the answer: `http.abort`.
///
/// # What breaks
/// The client is answered with `status`, or its connection is reset: in HTTP/1 the connection by TCP (RST), in HTTP/2 the
/// stream (`INTERNAL_ERROR`). Upstream, the dependency never hears of the request. Downstream it does what it was
/// asked for, and only its answer is lost: what a client does then shows whether its retries are safe.
///
/// # What it needs
/// An [`HttpProxy`](crate::HttpProxy) as the target. No privilege.
///
/// # What is changed on the host
/// Nothing. It hits every request, or response, that comes from then on, also on connections that are open.
///
/// # How it is undone
/// What comes from then on passes.
///
/// # Configuration
/// ```
/// # use chaos_core::{Parameters, Registry};
/// # let mut registry = Registry::new();
/// # chaos_faults_http::register(&mut registry);
/// let parameters: Parameters = serde_json::from_str(
///     r#"{ "status": 429, "headers": { "Retry-After": "1" }, "requests": { "methods": ["POST"], "share": 30 } }"#,
/// )?;
/// registry.fault("http.abort", None, &parameters)?;
/// let parameters: Parameters = serde_json::from_str(r#"{ "reset": true, "direction": "downstream" }"#)?;
/// registry.fault("http.abort", None, &parameters)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// Intensities, the share of the requests: light 5 %, medium 15 %, heavy 30 %.
#[derive(Debug, Clone, PartialEq)]
pub struct Abort {
    how: How,
    headers: Headers,
    body: String,
    direction: Direction,
    requests: Requests,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Status(u16),
    Reset,
}

impl Abort {
    /// The client is answered with this status, 200 to 599.
    pub const fn status(status: u16) -> Self {
        Self::new(How::Status(status))
    }

    /// The client's connection, or its stream, is reset.
    pub const fn reset() -> Self {
        Self::new(How::Reset)
    }

    const fn new(how: How) -> Self {
        Self {
            how,
            headers: Headers::new(),
            body: String::new(),
            direction: Direction::Upstream,
            requests: Requests::all(),
        }
    }

    /// Adds a header to the answer.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.insert(name.into(), value.into());
        self
    }

    /// The body of the answer. Default: none.
    #[must_use]
    pub fn body(mut self, body: impl Into<String>) -> Self {
        self.body = body.into();
        self
    }

    /// Whether the dependency hears of the request: downstream it does. Default: upstream.
    #[must_use]
    pub fn direction(mut self, direction: Direction) -> Self {
        self.direction = direction;
        self
    }

    /// Which requests are aborted. Default: all.
    #[must_use]
    pub fn requests(mut self, requests: Requests) -> Self {
        self.requests = requests;
        self
    }

    fn effect(&self) -> Result<Aborts, ConfigError> {
        self.requests.check()?;
        let answer = match self.how {
            How::Status(status) => Some(Answer {
                status: fields::status(status)?,
                headers: fields::headers(&self.headers)?,
                body: self.body.clone().into(),
            }),
            How::Reset => {
                let field = match (self.headers.is_empty(), self.body.is_empty()) {
                    (false, _) => Some("headers"),
                    (true, false) => Some("body"),
                    (true, true) => None,
                };
                if let Some(field) = field {
                    let problem = "there is no answer when the connection is reset";
                    return Err(ConfigError::field(field, problem).help("leave it or `reset` out"));
                }
                None
            }
        };
        Ok(Aborts {
            answer,
            direction: self.direction,
        })
    }
}

#[async_trait]
impl Fault for Abort {
    fn kind(&self) -> &'static str {
        AbortConfig::KIND
    }

    fn needs(&self, _: &Site) -> Needs {
        Needs::none()
    }

    async fn plan(&self, sites: &[Site], cx: &Context) -> Result<Plan, FaultError> {
        let effect: Arc<dyn Effect> = Arc::new(self.effect()?);
        let how = match self.how {
            How::Status(status) => format!("answer {status} to"),
            How::Reset => "reset".to_owned(),
        };
        let when = match self.direction {
            Direction::Upstream => "before the dependency hears of them",
            Direction::Downstream => "after the dependency has answered",
        };
        let what = format!("{how} {} {when}", self.requests);
        plan_on_proxies(&effect, &self.requests, &what, sites, cx.seed())
    }
}

/// Answers with an error, or resets the connection, in place of the dependency.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct AbortConfig {
    /// The status of the answer: 200 to 599. Default: 503, unless it is a reset.
    #[serde(default)]
    pub status: Option<u16>,
    /// Resets the connection (HTTP/1) or the stream (HTTP/2) instead of an answer. Default: false.
    #[serde(default)]
    pub reset: bool,
    /// Headers of the answer: { Retry-After: "1" }. Default: none.
    #[serde(default, deserialize_with = "fields::read")]
    #[schemars(with = "BTreeMap<String, HeaderText>")]
    pub headers: Headers,
    /// The body of the answer. Default: none.
    #[serde(default)]
    pub body: String,
    /// Whether the dependency hears of the request: upstream (it does not) or downstream (it does, and its answer is
    /// lost). Default: upstream.
    #[serde(default = "upstream")]
    pub direction: Direction,
    /// Which requests. Default: all.
    #[serde(default)]
    pub requests: Requests,
}

fn upstream() -> Direction {
    Direction::Upstream
}

impl FaultConfig for AbortConfig {
    const KIND: &'static str = "http.abort";
    type Fault = Abort;
    const TARGETS: &'static [&'static str] = &["http_proxy"];

    fn preset(intensity: Intensity) -> &'static [(&'static str, &'static str)] {
        match intensity {
            Intensity::Light => &[("requests", r#"{"share":5}"#)],
            Intensity::Medium => &[("requests", r#"{"share":15}"#)],
            Intensity::Heavy => &[("requests", r#"{"share":30}"#)],
            _ => &[],
        }
    }

    fn build(self) -> Result<Abort, ConfigError> {
        let how = match (self.reset, self.status) {
            (true, Some(_)) => {
                let problem = "there is no answer when the connection is reset";
                return Err(ConfigError::field("status", problem).help("leave it or `reset` out"));
            }
            (true, None) => How::Reset,
            (false, status) => How::Status(status.unwrap_or(503)),
        };
        let abort = Abort {
            how,
            headers: self.headers,
            body: self.body,
            direction: self.direction,
            requests: self.requests,
        };
        abort.effect()?;
        Ok(abort)
    }
}

/// An abort on a proxy.
#[derive(Debug)]
struct Aborts {
    /// `None`: a reset.
    answer: Option<Answer>,
    direction: Direction,
}

impl Effect for Aborts {
    fn direction(&self) -> Direction {
        self.direction
    }

    fn step(&self, _: &mut StdRng) -> Step<'_> {
        self.answer.as_ref().map_or(Step::Reset, Step::Answer)
    }
}
