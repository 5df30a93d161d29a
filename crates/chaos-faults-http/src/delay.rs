//! `http.delay`: messages are late.

use crate::{
    direction::Direction,
    effect::{Effect, Step},
    proxy::plan_on_proxies,
    requests::Requests,
};
use chaos_core::{
    ConfigError, Context, Fault, FaultConfig, FaultError, Intensity, Needs, Plan, Site,
    async_trait, units::Time,
};
use rand::{RngExt, rngs::StdRng};
use schemars::JsonSchema;
use serde::Deserialize;
use std::{sync::Arc, time::Duration};

/// A longer delay is a mistake or an outage.
const MOST: Duration = Duration::from_secs(3600);

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
                delay,
                jitter: Duration::ZERO,
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
        self.late.jitter = jitter;
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
        let Late { delay, jitter, .. } = self.late;
        for (field, time) in [("delay", delay), ("jitter", jitter)] {
            if time > MOST {
                let problem = format!("{} is more than an hour", Time::new(time));
                return Err(ConfigError::field(field, problem).help("0 to 1h"));
            }
        }
        if delay.is_zero() && jitter.is_zero() {
            return Err(ConfigError::field("delay", "0 delays nothing")
                .help("a time above 0 and up to 1h, such as 200ms"));
        }
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
        let Late {
            delay,
            jitter,
            direction,
        } = self.late;
        let message = direction.message();
        let what = format!(
            "delay the {message} by {delay:?} ± {jitter:?} of {}",
            self.requests
        );
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
    #[serde(default = "downstream")]
    pub direction: Direction,
    /// Which requests. Default: all.
    #[serde(default)]
    pub requests: Requests,
}

fn downstream() -> Direction {
    Direction::Downstream
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
                delay: self.delay.get(),
                jitter: self.jitter.get(),
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
    delay: Duration,
    jitter: Duration,
    direction: Direction,
}

impl Effect for Late {
    fn direction(&self) -> Direction {
        self.direction
    }

    fn step(&self, rng: &mut StdRng) -> Step<'_> {
        // From minus to plus the jitter.
        let off = (rng.random::<f64>() * 2.0 - 1.0) * self.jitter.as_secs_f64();
        let delay = Duration::try_from_secs_f64(self.delay.as_secs_f64() + off);
        Step::Wait(delay.unwrap_or(Duration::ZERO))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chaos_core::Seed;

    #[test]
    fn the_jitter_goes_both_ways_and_never_below_zero() {
        let late = |delay, jitter| Late {
            delay: Duration::from_millis(delay),
            jitter: Duration::from_millis(jitter),
            direction: Direction::Upstream,
        };
        let drawn = |late: Late| -> Vec<Duration> {
            let mut rng = Seed::new(1).rng();
            let wait = |_| match late.step(&mut rng) {
                Step::Wait(time) => time,
                other => panic!("{other:?}"),
            };
            (0..1000).map(wait).collect()
        };
        let ms = Duration::from_millis;
        let around = drawn(late(100, 50));
        assert!(around.iter().all(|d| (ms(50)..=ms(150)).contains(d)));
        assert!(around.iter().any(|d| *d < ms(60)) && around.iter().any(|d| *d > ms(140)));
        assert!(drawn(late(10, 100)).contains(&Duration::ZERO));
        assert!(drawn(late(10, 0)).iter().all(|d| *d == ms(10)));
    }
}
