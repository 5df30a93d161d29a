//! `cpu.burn`: somebody else wants the CPU, too.

use super::worker::burn;
use crate::{
    beside,
    crew::{Crew, Shared},
};
use chaos_core::{
    Change, ConfigError, Context, Fault, FaultConfig, FaultError, InProcess, Intensity, Needs,
    Plan, Reach, Site, async_trait,
};
use schemars::JsonSchema;
use serde::Deserialize;
use std::thread;

/// CPU time is scarce: `cpu.burn`.
///
/// # What breaks
/// Busy workers compete for the CPUs with everything else on this host. Each takes `load` percent of one CPU, in
/// periods of 100 ms; what it did not get in one period it takes in the next ones, so that the load is kept on a busy
/// host, too.
///
/// # What it needs
/// The host, or a process on it, as the target, and [`allow_host`](chaos_core::Placed::allow_host): whatever runs
/// here feels it, this process included. No privilege. Outside of Linux and other Unix-like systems a worker does
/// not make up for what others took from it.
///
/// # What is changed on the host
/// Nothing. The workers are threads of this process, named `chaos-cpu`.
///
/// # How it is undone
/// The threads end within a fraction of a millisecond of CPU time. They are gone with the process, too.
///
/// # Configuration
/// ```
/// # use chaos_core::{Parameters, Registry};
/// # let mut registry = Registry::new();
/// # chaos_faults_resource::register(&mut registry);
/// let parameters: Parameters = serde_json::from_str(r#"{ "workers": 4, "load": 80 }"#)?;
/// registry.fault("cpu.burn", None, &parameters)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// Intensities: light 2 workers, medium 4, heavy 8, at full load.
///
/// # Examples
/// ```no_run
/// use chaos_core::{Engine, FaultExt, Host};
/// use chaos_faults_resource::CpuBurn;
/// # async fn example() -> Result<(), chaos_core::EngineError> {
/// let engine = Engine::open().await?;
/// let busy = CpuBurn::workers(2).load(50).on(&Host).allow_host();
/// engine.during(busy, async { /* is the service still fast enough? */ }).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CpuBurn {
    workers: Option<u32>,
    load: u32,
}

impl CpuBurn {
    const MOST: u32 = 1024;

    /// One worker for each CPU, at full load.
    pub const fn all() -> Self {
        let (workers, load) = (None, 100);
        Self { workers, load }
    }

    /// So many workers, at full load.
    pub const fn workers(workers: u32) -> Self {
        let (workers, load) = (Some(workers), 100);
        Self { workers, load }
    }

    /// How many percent of one CPU each worker takes. Default: 100.
    #[must_use]
    pub const fn load(mut self, percent: u32) -> Self {
        self.load = percent;
        self
    }

    fn check(&self) -> Result<(), ConfigError> {
        if let Some(workers) = self.workers
            && !(1..=Self::MOST).contains(&workers)
        {
            let problem = format!("{workers} is not a number of workers");
            return Err(ConfigError::field("workers", problem).help("1 to 1024"));
        }
        if !(1..=100).contains(&self.load) {
            let problem = format!("{} is not a load in percent", self.load);
            return Err(ConfigError::field("load", problem).help("1 to 100, of one CPU per worker"));
        }
        Ok(())
    }
}

#[async_trait]
impl Fault for CpuBurn {
    fn kind(&self) -> &'static str {
        CpuBurnConfig::KIND
    }

    fn needs(&self, _: &Site) -> Needs {
        Needs::none()
    }

    async fn plan(&self, sites: &[Site], _: &Context) -> Result<Plan, FaultError> {
        self.check()?;
        let cpus =
            thread::available_parallelism().map_or(1, |n| u32::try_from(n.get()).unwrap_or(1));
        let plan = beside::plan(CpuBurnConfig::KIND, sites)?;
        Ok(plan.then_in_process(Work {
            workers: self.workers.unwrap_or(cpus).min(Self::MOST),
            load: self.load,
        }))
    }
}

#[derive(Debug)]
struct Work {
    workers: u32,
    load: u32,
}

impl InProcess for Work {
    type Held = Crew;

    fn change(&self) -> Change {
        let Self { workers, load } = self;
        let s = if *workers == 1 { "" } else { "s" };
        let summary = format!("burn CPU time with {workers} worker{s} at {load} % of one CPU each");
        Change::new(summary, "cpu", Reach::Host)
    }

    fn apply(&self) -> Result<Crew, FaultError> {
        let load = self.load;
        let work = (0..self.workers).map(|_| move |shared: &Shared| burn(load, shared));
        Crew::start("chaos-cpu", work)
    }
}

/// Burns CPU time with busy workers.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct CpuBurnConfig {
    /// How many workers: 1 to 1024. Default: one for each CPU.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1024))]
    pub workers: Option<u32>,
    /// How much each worker takes of one CPU, in percent: 1 to 100. Default: 100.
    #[serde(default)]
    #[schemars(range(min = 1, max = 100))]
    pub load: Option<u32>,
}

impl FaultConfig for CpuBurnConfig {
    const KIND: &'static str = "cpu.burn";
    type Fault = CpuBurn;
    const TARGETS: &'static [&'static str] = &["host", "process"];

    fn preset(intensity: Intensity) -> &'static [(&'static str, &'static str)] {
        match intensity {
            Intensity::Light => &[("workers", "2")],
            Intensity::Medium => &[("workers", "4")],
            Intensity::Heavy => &[("workers", "8")],
            _ => &[],
        }
    }

    fn build(self) -> Result<CpuBurn, ConfigError> {
        let burn = self.workers.map_or_else(CpuBurn::all, CpuBurn::workers);
        let burn = burn.load(self.load.unwrap_or(100));
        burn.check()?;
        Ok(burn)
    }
}
