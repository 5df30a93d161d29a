//! `net.reset`: connections break.

use crate::proxy::{Effect, Gate, plan_on_proxies};
use chaos_core::{
    ConfigError, Context, Fault, FaultConfig, FaultError, Intensity, Needs, Plan, Site, async_trait,
};
use schemars::JsonSchema;
use serde::Deserialize;

/// Connections break: `net.reset`.
///
/// # What breaks
/// Live connections are cut with a TCP reset on both sides, and new ones right after they were accepted. It is
/// what a client sees when its dependency crashes while others take over its address, or when a firewall
/// forgets its connections. What was under way is lost.
///
/// # What it needs
/// A [`Proxy`](crate::Proxy) as the target. No privilege.
///
/// # What is changed on the host
/// Nothing.
///
/// # How it is undone
/// New connections are served again. The ones that were cut stay cut.
///
/// # Configuration
/// ```
/// # use chaos_core::{Parameters, Registry};
/// # let mut registry = Registry::new();
/// # chaos_faults_net::register(&mut registry);
/// let parameters: Parameters = serde_json::from_str("{}")?;
/// registry.fault("net.reset", None, &parameters)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// There are no parameters and no intensities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reset {
    _private: (),
}

impl Reset {
    /// Cuts every connection.
    pub const fn new() -> Self {
        Self { _private: () }
    }
}

#[async_trait]
impl Fault for Reset {
    fn kind(&self) -> &'static str {
        ResetConfig::KIND
    }

    fn needs(&self, _: &Site) -> Needs {
        Needs::none()
    }

    async fn plan(&self, sites: &[Site], cx: &Context) -> Result<Plan, FaultError> {
        plan_on_proxies(self, "reset every connection", sites, cx.seed())
    }
}

/// Resets the connections of a proxy, the live ones and each new one.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ResetConfig {}

impl FaultConfig for ResetConfig {
    const KIND: &'static str = "net.reset";
    type Fault = Reset;
    const TARGETS: &'static [&'static str] = &["proxy"];

    fn preset(_: Intensity) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    fn build(self) -> Result<Reset, ConfigError> {
        Ok(Reset::new())
    }
}

impl Effect for Reset {
    fn gate(&self) -> Gate {
        Gate::Cut
    }
}
