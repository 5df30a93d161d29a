//! `container.restart`: a container is stopped and started at once.

use crate::{
    docker::{self, ContainerRun},
    start::Runs,
    stop::{checked_grace, stoppable},
};
use async_trait::async_trait;
use chaos_core::{
    Change, ConfigError, Context, Fault, FaultConfig, FaultError, Intensity, Needs, OneWay, Plan,
    Reach, Site, units::Time,
};
use schemars::JsonSchema;
use serde::Deserialize;
use std::time::Duration;

/// Restarts a container.
///
/// # What breaks
/// A short outage: the container's processes end (SIGTERM, after the grace SIGKILL) and start afresh. What it kept in
/// memory is lost.
///
/// # What it needs
/// A target `container` that runs, a Docker Engine that this process may use, and `allow_irreversible`: nothing brings
/// back what was in memory.
///
/// # What is changed on the host
/// What `docker restart -t GRACE NAME` does. The engine carries it out to its end, also when this process is killed
/// meanwhile.
///
/// # How it is undone
/// There is nothing to undo: the container runs again.
///
/// # Configuration
/// ```
/// # use chaos_core::{Parameters, Registry};
/// # let mut registry = Registry::new();
/// # chaos_faults_container::register(&mut registry);
/// let parameters: Parameters = serde_json::from_str(r#"{ "grace": "2s" }"#)?;
/// let fault = registry.fault("container.restart", None, &parameters)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Restart {
    grace: Duration,
}

impl Restart {
    /// Restarts with a grace of 5 s.
    pub const fn new() -> Self {
        Self {
            grace: Duration::from_secs(5),
        }
    }
}

impl Default for Restart {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Fault for Restart {
    fn kind(&self) -> &'static str {
        RestartConfig::KIND
    }

    fn needs(&self, _: &Site) -> Needs {
        docker::needs()
    }

    async fn plan(&self, sites: &[Site], _: &Context) -> Result<Plan, FaultError> {
        sites.iter().try_fold(Plan::new(), |plan, site| {
            let run = stoppable(site)?;
            let restart = RestartRun {
                run: run.clone(),
                grace: self.grace,
            };
            let plan = plan.then_one_way(restart, "what it keeps in memory is lost");
            Ok(plan.ready_when(Runs(run)))
        })
    }
}

/// Restarts a container.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RestartConfig {
    /// How long the container may take to end by itself before it is killed: a time up to 8s. Default: 5s.
    #[serde(default)]
    pub grace: Option<Time>,
}

impl FaultConfig for RestartConfig {
    const KIND: &'static str = "container.restart";
    type Fault = Restart;
    const TARGETS: &'static [&'static str] = &["container"];

    fn preset(_: Intensity) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    fn build(self) -> Result<Restart, ConfigError> {
        checked_grace(self.grace).map(|grace| Restart { grace })
    }
}

#[derive(Debug)]
struct RestartRun {
    run: ContainerRun,
    grace: Duration,
}

#[async_trait]
impl OneWay for RestartRun {
    fn change(&self) -> Change {
        let summary = format!(
            "docker restart -t {} {}",
            self.grace.as_secs_f64().ceil(),
            self.run.name
        );
        Change::new(summary, self.run.resource(), Reach::Container)
    }

    async fn apply(&self, _: &Context) -> Result<(), FaultError> {
        let engine = self.run.engine()?;
        engine.restart(&self.run.id, self.grace).await?;
        match engine.look(&self.run.id).await? {
            Some(seen) if seen.run.started_at != self.run.started_at => Ok(()),
            _ => Err(FaultError::NoEffect {
                change: self.change().summary,
            }),
        }
    }
}
