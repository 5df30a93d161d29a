//! `dns.delay`: answers are late.

use crate::{
    asked::Asked,
    effect::{Effect, Step},
    proxy::plan_on_proxies,
    queries::Queries,
};
use chaos_core::{
    ConfigError, Context, Fault, FaultConfig, FaultError, Intensity, Jittered, Needs, Plan, Site,
    async_trait, units::Time,
};
use rand::rngs::StdRng;
use schemars::JsonSchema;
use serde::Deserialize;
use std::{sync::Arc, time::Duration};

/// Answers are late: `dns.delay`.
///
/// # What breaks
/// Queries are answered later by `delay`, give or take `jitter`, evenly distributed and never below zero: the upstream is
/// asked so much later, by UDP and TCP. Answers may overtake one another. Several delays add up. Times have a grain of
/// a millisecond. Beyond ten thousand queries that wait, those by UDP are dropped.
///
/// # What it needs
/// A [`DnsProxy`](crate::DnsProxy) as the target. No privilege.
///
/// # What is changed on the host
/// Nothing. It hits every query that comes from then on, also on connections that are open.
///
/// # How it is undone
/// What waits goes on at once.
///
/// # Configuration
/// ```
/// # use chaos_core::{Parameters, Registry};
/// # let mut registry = Registry::new();
/// # chaos_faults_dns::register(&mut registry);
/// let parameters: Parameters = serde_json::from_str(
///     r#"{ "delay": "500ms", "jitter": "100ms", "queries": { "names": ["*.internal"], "share": 30 } }"#,
/// )?;
/// registry.fault("dns.delay", None, &parameters)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// Intensities: light 100 ms, medium 500 ms, heavy 2 s.
#[derive(Debug, Clone, PartialEq)]
pub struct Delay {
    late: Jittered,
    queries: Queries,
}

impl Delay {
    /// Answers are this much later.
    pub const fn new(delay: Duration) -> Self {
        Self {
            late: Jittered::new(delay, Duration::ZERO),
            queries: Queries::all(),
        }
    }

    /// Answers are this many milliseconds later.
    pub const fn ms(delay: u64) -> Self {
        Self::new(Duration::from_millis(delay))
    }

    /// Varies the delay by up to this much, both ways.
    #[must_use]
    pub fn jitter(mut self, jitter: Duration) -> Self {
        self.late.jitter = jitter;
        self
    }

    /// Which queries are answered late. Default: all.
    #[must_use]
    pub fn queries(mut self, queries: Queries) -> Self {
        self.queries = queries;
        self
    }

    fn check(&self) -> Result<(), ConfigError> {
        self.late.check()?;
        self.queries.check()
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
        let what = format!("delay by {} {}", self.late, self.queries);
        let effect: Arc<dyn Effect> = Arc::new(self.late);
        plan_on_proxies(&effect, &self.queries, &what, sites, cx.seed())
    }
}

/// Answers later.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct DelayConfig {
    /// How much later: a time up to 1h, such as 200ms.
    pub delay: Time,
    /// How much it varies, both ways, evenly: a time up to 1h. Default: 0.
    #[serde(default)]
    pub jitter: Time,
    /// Which queries. Default: all.
    #[serde(default)]
    pub queries: Queries,
}

impl FaultConfig for DelayConfig {
    const KIND: &'static str = "dns.delay";
    type Fault = Delay;
    const TARGETS: &'static [&'static str] = &["dns_proxy"];

    fn preset(intensity: Intensity) -> &'static [(&'static str, &'static str)] {
        match intensity {
            Intensity::Light => &[("delay", "100ms")],
            Intensity::Medium => &[("delay", "500ms")],
            Intensity::Heavy => &[("delay", "2s")],
            _ => &[],
        }
    }

    fn build(self) -> Result<Delay, ConfigError> {
        let delay = Delay {
            late: Jittered::new(self.delay.get(), self.jitter.get()),
            queries: self.queries,
        };
        delay.check()?;
        Ok(delay)
    }
}

impl Effect for Jittered {
    fn step(&self, _: &Asked, rng: &mut StdRng) -> Step {
        Step::Wait(self.draw(rng))
    }
}
