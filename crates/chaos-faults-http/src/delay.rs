//! `http.delay`: messages are late.

use crate::{
    direction::Direction,
    effect::{Effect, Step},
    proxy::plan_on_proxies,
    requests::Requests,
};
use chaos_core::{
    ConfigError, Context, Fault, FaultConfig, FaultError, Intensity, Jittered, Needs, Plan, Site,
    async_trait, units::Time,
};
use rand::rngs::StdRng;
use schemars::JsonSchema;
use serde::Deserialize;
use std::{sync::Arc, time::Duration};

/// Requests or responses are late: `http.delay`.
///
/// # What breaks
/// The heads of the responses reach the client later by `delay`, give or take `jitter`, evenly distributed and never below
/// zero; or, upstream, the requests reach the dependency later, and not at all when the client gives up meanwhile.
/// Bodies follow at once. Several delays add up. Times have a grain of a millisecond.
///
/// # What it needs
/// An [`HttpProxy`](crate::HttpProxy) as the target. No privilege.
///
/// # What is changed on the host
/// Nothing. It hits every response, or request, that comes from then on, also on connections that are open.
///
/// # How it is undone
/// What waits goes on at once.
///
/// # Configuration
/// ```
/// # use chaos_core::{Parameters, Registry};
/// # let mut registry = Registry::new();
/// # chaos_faults_http::register(&mut registry);
/// let parameters: Parameters = serde_json::from_str(
///     r#"{ "delay": "500ms", "jitter": "100ms", "requests": { "paths": ["/orders/*"], "share": 30 } }"#,
/// )?;
/// registry.fault("http.delay", None, &parameters)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// Intensities: light 50 ms, medium 200 ms, heavy 500 ms.
#[derive(Debug, Clone, PartialEq)]
pub struct Delay {
    late: Late,
    requests: Requests,
}

impl Delay {
    /// Responses are this much later.
    pub const fn new(delay: Duration) -> Self {
        Self {
            late: Late {
                time: Jittered::new(delay, Duration::ZERO),
                direction: Direction::Downstream,
            },
            requests: Requests::all(),
        }
    }

    /// Responses are this many milliseconds later.
    pub const fn ms(delay: u64) -> Self {
        Self::new(Duration::from_millis(delay))
    }

    /// Varies the delay by up to this much, both ways.
    #[must_use]
    pub fn jitter(mut self, jitter: Duration) -> Self {
        self.late.time.jitter = jitter;
        self
    }

    /// Which message is late. Default: the response, downstream.
    #[must_use]
    pub fn direction(mut self, direction: Direction) -> Self {
        self.late.direction = direction;
        self
    }

    /// Which requests are late, or have late responses. Default: all.
    #[must_use]
    pub fn requests(mut self, requests: Requests) -> Self {
        self.requests = requests;
        self
    }

    fn check(&self) -> Result<(), ConfigError> {
        self.late.time.check()?;
        self.requests.check()
    }
}

#[async_trait]
impl Fault for Delay {
    fn kind(&self) -> &'static str {
        DelayConfig::KIND
    }

    fn needs(&self, _: &Site) -> Needs {
        Needs::none()
    }

    async fn plan(&self, sites: &[Site], cx: &Context) -> Result<Plan, FaultError> {
        self.check()?;
        let Late { time, direction } = self.late;
        let message = direction.message();
        let what = format!("delay the {message} by {time} of {}", self.requests);
        let effect: Arc<dyn Effect> = Arc::new(self.late);
        plan_on_proxies(&effect, &self.requests, &what, sites, cx.seed())
    }
}

/// Delays the responses, or the requests, of HTTP.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct DelayConfig {
    /// How much later: a time up to 1h, such as 200ms.
    pub delay: Time,
    /// How much it varies, both ways, evenly: a time up to 1h. Default: 0.
    #[serde(default)]
    pub jitter: Time,
    /// Which message is late: upstream (the request) or downstream (the response). Default: downstream.
    #[serde(default = "Direction::downstream")]
    pub direction: Direction,
    /// Which requests. Default: all.
    #[serde(default)]
    pub requests: Requests,
}

impl FaultConfig for DelayConfig {
    const KIND: &'static str = "http.delay";
    type Fault = Delay;
    const TARGETS: &'static [&'static str] = &["http_proxy"];

    fn preset(intensity: Intensity) -> &'static [(&'static str, &'static str)] {
        match intensity {
            Intensity::Light => &[("delay", "50ms")],
            Intensity::Medium => &[("delay", "200ms")],
            Intensity::Heavy => &[("delay", "500ms")],
            _ => &[],
        }
    }

    fn build(self) -> Result<Delay, ConfigError> {
        let delay = Delay {
            late: Late {
                time: Jittered::new(self.delay.get(), self.jitter.get()),
                direction: self.direction,
            },
            requests: self.requests,
        };
        delay.check()?;
        Ok(delay)
    }
}

/// A delay on a proxy.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Late {
    time: Jittered,
    direction: Direction,
}

impl Effect for Late {
    fn direction(&self) -> Direction {
        self.direction
    }

    fn step(&self, rng: &mut StdRng) -> Step<'_> {
        Step::Wait(self.time.draw(rng))
    }
}
