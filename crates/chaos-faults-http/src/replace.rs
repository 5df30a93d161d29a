//! `http.replace`: other values than the dependency's.

use crate::{
    direction::Direction,
    effect::Effect,
    fields::{self, HeaderText, Headers},
    proxy::plan_on_proxies,
    requests::Requests,
    rewrite::{NewBody, Rewrite, Rewrites},
};
use chaos_core::{
    ConfigError, Context, Fault, FaultConfig, FaultError, Intensity, Needs, Plan, Site, async_trait,
};
use http::uri::PathAndQuery;
use schemars::JsonSchema;
use serde::Deserialize;
use std::{collections::BTreeMap, sync::Arc};

/// Parts of a message are replaced: `http.replace`.
///
/// # What breaks
/// The client gets another status, other values of headers or another body than the dependency sent; or, upstream, the
/// dependency gets another method, path, headers or body than the client sent. A body that is replaced is
/// read by nobody: in HTTP/1 the connection to the dependency ends with it.
///
/// # What it needs
/// An [`HttpProxy`](crate::HttpProxy) as the target. No privilege.
///
/// # What is changed on the host
/// Nothing. It hits every response, or request, that comes from then on, also on connections that are open.
///
/// # How it is undone
/// What comes from then on passes as it is.
///
/// # Configuration
/// ```
/// # use chaos_core::{Parameters, Registry};
/// # let mut registry = Registry::new();
/// # chaos_faults_http::register(&mut registry);
/// let parameters: Parameters = serde_json::from_str(
///     r#"{ "status": 200, "headers": { "Content-Type": "text/html" }, "body": "<p>Captive portal</p>" }"#,
/// )?;
/// registry.fault("http.replace", None, &parameters)?;
/// let parameters: Parameters = serde_json::from_str(
///     r#"{ "direction": "upstream", "path": "/gone", "requests": { "paths": ["/items/*"] } }"#,
/// )?;
/// registry.fault("http.replace", None, &parameters)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// There are no intensities: say what is to be replaced.
#[derive(Debug, Clone, PartialEq)]
pub struct Replace {
    direction: Direction,
    status: Option<u16>,
    method: Option<String>,
    path: Option<String>,
    headers: Headers,
    body: Option<String>,
    requests: Requests,
}

impl Replace {
    /// Replaces parts of responses.
    pub const fn response() -> Self {
        Self::new(Direction::Downstream)
    }

    /// Replaces parts of requests.
    pub const fn request() -> Self {
        Self::new(Direction::Upstream)
    }

    const fn new(direction: Direction) -> Self {
        Self {
            direction,
            status: None,
            method: None,
            path: None,
            headers: Headers::new(),
            body: None,
            requests: Requests::all(),
        }
    }

    /// The status of a response, 200 to 599.
    #[must_use]
    pub const fn status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// The method of a request.
    #[must_use]
    pub fn method(mut self, method: impl Into<String>) -> Self {
        self.method = Some(method.into());
        self
    }

    /// The path of a request, with its query.
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// The value of a header, in place of all others of that name.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.insert(name.into(), value.into());
        self
    }

    /// The whole body.
    #[must_use]
    pub fn body(mut self, body: impl Into<String>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Which requests, or the responses to which. Default: all.
    #[must_use]
    pub fn requests(mut self, requests: Requests) -> Self {
        self.requests = requests;
        self
    }

    fn effect(&self) -> Result<Rewrites, ConfigError> {
        self.requests.check()?;
        let response = self.direction == Direction::Downstream;
        let of_the_other = [
            (
                "status",
                self.status.is_some() && !response,
                "response",
                "downstream",
            ),
            (
                "method",
                self.method.is_some() && response,
                "request",
                "upstream",
            ),
            (
                "path",
                self.path.is_some() && response,
                "request",
                "upstream",
            ),
        ];
        if let Some((field, _, message, direction)) = of_the_other.iter().find(|(_, is, ..)| *is) {
            let problem = format!("only a {message} has one");
            let help = format!("`direction: {direction}`");
            return Err(ConfigError::field(*field, problem).help(help));
        }
        let method = self.method.as_deref().map(|method| {
            method.parse().map_err(|_| {
                ConfigError::field("method", format!("`{method}` is no method"))
                    .help("such as GET or POST")
            })
        });
        let path = self.path.as_deref().map(|path| {
            let read = path.parse::<PathAndQuery>().ok();
            read.filter(|_| path.starts_with('/')).ok_or_else(|| {
                ConfigError::field("path", format!("`{path}` is no path"))
                    .help("a path with or without a query, such as /items?page=2")
            })
        });
        let rewrite = Rewrite {
            method: method.transpose()?,
            path: path.transpose()?,
            status: self.status.map(fields::status).transpose()?,
            set: fields::headers(&self.headers)?,
            body: self.body.clone().map(|body| NewBody::Whole(body.into())),
            ..Rewrite::default()
        };
        Rewrites::new(rewrite, self.direction).ok_or_else(|| {
            ConfigError::new("nothing is to be replaced").help(
                "give a status, headers or a body; upstream a method, a path, headers or a body",
            )
        })
    }
}

#[async_trait]
impl Fault for Replace {
    fn kind(&self) -> &'static str {
        ReplaceConfig::KIND
    }

    fn needs(&self, _: &Site) -> Needs {
        Needs::none()
    }

    async fn plan(&self, sites: &[Site], cx: &Context) -> Result<Plan, FaultError> {
        let effect: Arc<dyn Effect> = Arc::new(self.effect()?);
        let parts: Vec<&str> = [
            ("status", self.status.is_some()),
            ("method", self.method.is_some()),
            ("path", self.path.is_some()),
            ("headers", !self.headers.is_empty()),
            ("body", self.body.is_some()),
        ]
        .into_iter()
        .filter_map(|(part, is)| is.then_some(part))
        .collect();
        let message = self.direction.message();
        let what = format!(
            "replace the {message}'s {} of {}",
            parts.join(", "),
            self.requests
        );
        plan_on_proxies(&effect, &self.requests, &what, sites, cx.seed())
    }
}

/// Replaces the status, headers or body of responses, or parts of requests.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ReplaceConfig {
    /// Which message: upstream (the request) or downstream (the response). Default: downstream.
    #[serde(default = "Direction::downstream")]
    pub direction: Direction,
    /// The status of responses: 200 to 599.
    #[serde(default)]
    pub status: Option<u16>,
    /// The method of requests.
    #[serde(default)]
    pub method: Option<String>,
    /// The path of requests, with its query: /items?page=2.
    #[serde(default)]
    pub path: Option<String>,
    /// Values of headers, each in place of all others of that name: { Content-Type: text/html }.
    #[serde(default, deserialize_with = "fields::read")]
    #[schemars(with = "BTreeMap<String, HeaderText>")]
    pub headers: Headers,
    /// The whole body.
    #[serde(default)]
    pub body: Option<String>,
    /// Which requests, or the responses to which. Default: all.
    #[serde(default)]
    pub requests: Requests,
}

impl FaultConfig for ReplaceConfig {
    const KIND: &'static str = "http.replace";
    type Fault = Replace;
    const TARGETS: &'static [&'static str] = &["http_proxy"];
    const EXAMPLE: &'static [(&'static str, &'static str)] = &[("status", "500")];

    fn preset(_: Intensity) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    fn build(self) -> Result<Replace, ConfigError> {
        let replace = Replace {
            direction: self.direction,
            status: self.status,
            method: self.method,
            path: self.path,
            headers: self.headers,
            body: self.body,
            requests: self.requests,
        };
        replace.effect()?;
        Ok(replace)
    }
}
