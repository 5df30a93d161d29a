//! `process.kill`: a process that ends.

use super::Signal;
use chaos_core::{
    ConfigError, Context, Fault, FaultConfig, FaultError, Intensity, Needs, Plan, Site, async_trait,
};
use schemars::JsonSchema;
use serde::Deserialize;

/// The process ends: `process.kill`.
///
/// # What breaks
/// The process gets a signal that ends it. SIGKILL cannot be caught: no connection is closed in order, no buffer is
/// written. SIGTERM asks, and a process may take its time or refuse.
///
/// # What it needs
/// Linux 5.3 or newer, the right to signal the process (the same user, or `CAP_KILL`), and
/// [`allow_irreversible`](chaos_core::Placed::allow_irreversible). Pid 1, threads of the kernel and this very process
/// are refused.
///
/// # What is changed on the host
/// `kill -KILL PID`, through a descriptor of the very process that was planned: whoever has got its pid since is not
/// hit. SIGKILL counts as done when the process has ended; any other signal when it was sent.
///
/// # How it is undone
/// Not at all: starting it again is up to whoever supervises it.
///
/// # Configuration
/// ```
/// # use chaos_core::{Parameters, Registry};
/// # let mut registry = Registry::new();
/// # chaos_faults_resource::register(&mut registry);
/// let parameters: Parameters = serde_json::from_str(r#"{ "signal": "SIGTERM" }"#)?;
/// registry.fault("process.kill", None, &parameters)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// Intensities: light and medium SIGTERM, heavy SIGKILL. Without either: SIGKILL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kill {
    signal: Signal,
}

impl Kill {
    /// With SIGKILL.
    pub const fn new() -> Self {
        Self::with(Signal::Kill)
    }

    /// With this signal.
    pub const fn with(signal: Signal) -> Self {
        Self { signal }
    }
}

impl Default for Kill {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Fault for Kill {
    fn kind(&self) -> &'static str {
        KillConfig::KIND
    }

    fn needs(&self, _: &Site) -> Needs {
        #[cfg(target_os = "linux")]
        return super::victim::needs();
        #[cfg(not(target_os = "linux"))]
        Needs::none().linux()
    }

    async fn plan(&self, sites: &[Site], cx: &Context) -> Result<Plan, FaultError> {
        let (signal, sites) = (self.signal, sites.to_vec());
        cx.blocking(move || plan(signal, &sites)).await?
    }
}

#[cfg(target_os = "linux")]
fn plan(signal: Signal, sites: &[Site]) -> Result<Plan, FaultError> {
    let mut plan = Plan::new();
    for site in sites {
        let end = super::end::End {
            process: super::victim::of(site)?,
            name: site.name().to_owned(),
            signal,
        };
        plan = plan.then_one_way(end, "a killed process does not come back");
    }
    Ok(plan)
}

#[cfg(not(target_os = "linux"))]
fn plan(_: Signal, sites: &[Site]) -> Result<Plan, FaultError> {
    crate::elsewhere::refuse(sites, "processes can be killed safely on Linux only")
}

/// Ends a process with a signal, for good.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct KillConfig {
    /// The signal, by name or number: SIGHUP, SIGINT, SIGQUIT, SIGABRT, SIGKILL, SIGUSR1, SIGSEGV, SIGUSR2 or SIGTERM.
    /// Default: SIGKILL.
    #[serde(default)]
    pub signal: Option<Signal>,
}

impl FaultConfig for KillConfig {
    const KIND: &'static str = "process.kill";
    type Fault = Kill;
    const TARGETS: &'static [&'static str] = &["process", "container"];

    fn preset(intensity: Intensity) -> &'static [(&'static str, &'static str)] {
        match intensity {
            Intensity::Light | Intensity::Medium => &[("signal", "SIGTERM")],
            Intensity::Heavy => &[("signal", "SIGKILL")],
            _ => &[],
        }
    }

    fn build(self) -> Result<Kill, ConfigError> {
        Ok(self.signal.map_or_else(Kill::new, Kill::with))
    }
}
