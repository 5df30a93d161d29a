//! `http.patch`: a little is changed.

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
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;
use std::{collections::BTreeMap, sync::Arc};

/// A little is changed in messages: `http.patch`.
///
/// # What breaks
/// Members of a JSON document are changed, added or taken out (a merge patch, RFC 7396), headers are added beside
/// those that are there, or taken out: what a new version of the dependency might do. Everything else stays.
///
/// A body is changed when its `Content-Type` is JSON and it has no more than 4 MiB; any other passes as it is, and does
/// not count as hit. The dependency is asked not to compress the answers that are to be changed. Trailers are lost. The
/// document is written anew: without spaces, its members perhaps in another order, its numbers as 64 bits have them (`1.10` is
/// `1.1`, and one of more than 19 digits is rounded); a header such as `ETag` stays unless it is taken out.
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
///     r#"{ "json": { "price": null, "stock": { "left": -1 } }, "remove_headers": ["ETag"] }"#,
/// )?;
/// registry.fault("http.patch", None, &parameters)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// There are no intensities: say what is to be changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Patch {
    direction: Direction,
    json: Option<Json>,
    headers: Headers,
    remove_headers: Vec<String>,
    requests: Requests,
}

impl Patch {
    /// Changes responses.
    pub const fn response() -> Self {
        Self::new(Direction::Downstream)
    }

    /// Changes requests.
    pub const fn request() -> Self {
        Self::new(Direction::Upstream)
    }

    const fn new(direction: Direction) -> Self {
        Self {
            direction,
            json: None,
            headers: Headers::new(),
            remove_headers: Vec::new(),
            requests: Requests::all(),
        }
    }

    /// What becomes of the JSON document in the body: a merge patch, in which null takes a member out.
    #[must_use]
    pub fn json(mut self, patch: Json) -> Self {
        self.json = Some(patch);
        self
    }

    /// Adds a header beside those of that name.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.insert(name.into(), value.into());
        self
    }

    /// Takes out all headers of that name.
    #[must_use]
    pub fn remove_header(mut self, name: impl Into<String>) -> Self {
        self.remove_headers.push(name.into());
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
        let name =
            |(at, name): (usize, &String)| fields::name(&format!("remove_headers[{at}]"), name);
        let remove = self.remove_headers.iter().enumerate().map(name);
        let rewrite = Rewrite {
            add: fields::headers(&self.headers)?,
            remove: remove.collect::<Result<_, _>>()?,
            body: self.json.clone().map(NewBody::Merge),
            ..Rewrite::default()
        };
        Rewrites::new(rewrite, self.direction).ok_or_else(|| {
            ConfigError::new("nothing is to be changed")
                .help("give json, headers or remove_headers")
        })
    }
}

#[async_trait]
impl Fault for Patch {
    fn kind(&self) -> &'static str {
        PatchConfig::KIND
    }

    fn needs(&self, _: &Site) -> Needs {
        Needs::none()
    }

    async fn plan(&self, sites: &[Site], cx: &Context) -> Result<Plan, FaultError> {
        let effect: Arc<dyn Effect> = Arc::new(self.effect()?);
        let mut parts = Vec::new();
        if let Some(json) = &self.json {
            parts.push(format!("JSON by {json}"));
        }
        if !self.headers.is_empty() {
            let names: Vec<&str> = self.headers.keys().map(String::as_str).collect();
            parts.push(format!("headers by {}", names.join(", ")));
        }
        if !self.remove_headers.is_empty() {
            parts.push(format!(
                "headers without {}",
                self.remove_headers.join(", ")
            ));
        }
        let (message, parts) = (self.direction.message(), parts.join(" and "));
        let what = format!("change the {message}'s {parts}, of {}", self.requests);
        plan_on_proxies(&effect, &self.requests, &what, sites, cx.seed())
    }
}

/// Changes JSON and headers of responses, or requests. A body is changed when it is JSON and has no more than 4 MiB; the rest of it
/// means the same, but for numbers beyond 64 bits.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PatchConfig {
    /// Which message: upstream (the request) or downstream (the response). Default: downstream.
    #[serde(default = "Direction::downstream")]
    pub direction: Direction,
    /// A merge patch (RFC 7396) for the JSON document in the body: { price: null, stock: { left: -1 } }.
    #[serde(default)]
    pub json: Option<Json>,
    /// Headers to add beside those of the same name: { X-Version: "2" }.
    #[serde(default, deserialize_with = "fields::read")]
    #[schemars(with = "BTreeMap<String, HeaderText>")]
    pub headers: Headers,
    /// Headers to take out, such as ETag.
    #[serde(default)]
    pub remove_headers: Vec<String>,
    /// Which requests, or the responses to which. Default: all.
    #[serde(default)]
    pub requests: Requests,
}

impl FaultConfig for PatchConfig {
    const KIND: &'static str = "http.patch";
    type Fault = Patch;
    const TARGETS: &'static [&'static str] = &["http_proxy"];
    const EXAMPLE: &'static [(&'static str, &'static str)] = &[("headers", r#"{"x-patched":"1"}"#)];

    fn preset(_: Intensity) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    fn build(self) -> Result<Patch, ConfigError> {
        let patch = Patch {
            direction: self.direction,
            json: self.json,
            headers: self.headers,
            remove_headers: self.remove_headers,
            requests: self.requests,
        };
        patch.effect()?;
        Ok(patch)
    }
}
