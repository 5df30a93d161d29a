//! `process.pause`: a process that hangs.

use chaos_core::{
    ConfigError, Context, Fault, FaultConfig, FaultError, Intensity, Needs, Plan, Site, async_trait,
};
use schemars::JsonSchema;
use serde::Deserialize;

/// The process hangs: `process.pause`.
///
/// # What breaks
/// All threads of the process stand still. It keeps its memory, files and connections: the kernel goes on to accept
/// connections and data for it until its queues are full, and nobody answers. A parent that waits for stopped
/// children, such as a shell, notices. On a container it is the main process that is stopped; `container.pause` stops
/// all of them.
///
/// # What it needs
/// Linux 5.3 or newer, and the right to signal the process: the same user, or `CAP_KILL`. Pid 1, threads of the kernel
/// and this very process are refused, and so is a process that somebody else has stopped already.
///
/// # What is changed on the host
/// `kill -STOP PID`, through a descriptor of the very process that was planned.
///
/// # How it is undone
/// `kill -CONT PID`, if the process is still the one that was stopped, told by pid, start time and boot, and is
/// stopped. Whoever has got its pid since is left alone.
///
/// # Configuration
/// ```
/// # use chaos_core::{Parameters, Registry};
/// # let mut registry = Registry::new();
/// # chaos_faults_resource::register(&mut registry);
/// registry.fault("process.pause", None, &Parameters::new())?;
/// # Ok::<(), chaos_core::ConfigError>(())
/// ```
/// There are no parameters and no intensities: stopped is stopped.
///
/// # Examples
/// ```no_run
/// # use chaos_core::{Engine, FaultExt};
/// # use chaos_faults_resource::{Pause, Process, register};
/// # async fn example() -> Result<(), chaos_core::EngineError> {
/// # let mut registry = chaos_core::Registry::new();
/// register(&mut registry);
/// let engine = Engine::builder().registry(registry).open().await?;
/// let hung = Pause::new().on(&Process::named("worker"));
/// engine.during(hung, async { /* is the service still up? */ }).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Pause;

impl Pause {
    /// Stops the process.
    pub const fn new() -> Self {
        Self
    }
}

#[async_trait]
impl Fault for Pause {
    fn kind(&self) -> &'static str {
        PauseConfig::KIND
    }

    fn needs(&self, _: &Site) -> Needs {
        #[cfg(target_os = "linux")]
        return super::victim::needs();
        #[cfg(not(target_os = "linux"))]
        Needs::none().linux()
    }

    async fn plan(&self, sites: &[Site], cx: &Context) -> Result<Plan, FaultError> {
        let sites = sites.to_vec();
        cx.blocking(move || plan(&sites)).await?
    }
}

#[cfg(target_os = "linux")]
fn plan(sites: &[Site]) -> Result<Plan, FaultError> {
    use super::{
        handle::{self, State},
        stop::Stop,
        victim,
    };
    let mut plan = Plan::new();
    for site in sites {
        let process = victim::of(site)?;
        let found = match handle::state(&process)? {
            State::Running => {
                plan = plan.then(Stop::new(process, site.name()));
                continue;
            }
            State::Gone => {
                return Err(FaultError::no_target(site.to_string(), "it has ended"));
            }
            State::Stopped | State::Stopping => {
                "it is stopped already, by somebody else or another injection"
            }
            State::Traced => "a debugger holds it",
        };
        return Err(FaultError::conflict(site.to_string(), found));
    }
    Ok(plan)
}

#[cfg(not(target_os = "linux"))]
fn plan(sites: &[Site]) -> Result<Plan, FaultError> {
    crate::elsewhere::refuse(sites, "processes can be stopped safely on Linux only")
}

/// Makes a process hang with SIGSTOP until SIGCONT.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PauseConfig {}

impl FaultConfig for PauseConfig {
    const KIND: &'static str = "process.pause";
    type Fault = Pause;
    const TARGETS: &'static [&'static str] = &["process", "container"];

    fn preset(_: Intensity) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    fn build(self) -> Result<Pause, ConfigError> {
        Ok(Pause)
    }
}
