//! `container.stop`: a container is asked to end, and made to.

use crate::{
    docker::{self, ContainerRun},
    start::{Runs, Start},
    target::{container, running},
};
use async_trait::async_trait;
use chaos_core::{
    Action, Change, ConfigError, Context, Fault, FaultConfig, FaultError, Intensity, Needs, Plan,
    Reach, Site, units::Time,
};
use schemars::JsonSchema;
use serde::Deserialize;
use std::time::Duration;

/// The longest grace: a step of an injection takes 10 s at most.
const MAX_GRACE: Duration = Duration::from_secs(8);

/// Stops a container, and starts it again.
///
/// # What breaks
/// The container's processes get SIGTERM and, after the grace, SIGKILL. Its ports refuse connections. What it kept in
/// memory is lost.
///
/// # What it needs
/// A target `container` that runs and is not removed when it stops (`--rm`), and a Docker Engine that this process may
/// use.
///
/// # What is changed on the host
/// What `docker stop -t GRACE NAME` does.
///
/// # How it is undone
/// `docker start NAME`, if nobody has started it since. The engine goes on with a stop when this process is killed: a
/// container that still runs then is watched for the grace and 2 s more, before it counts as not stopped.
///
/// # Configuration
/// ```
/// # use chaos_core::{Parameters, Registry};
/// # let mut registry = Registry::new();
/// # chaos_faults_container::register(&mut registry);
/// let parameters: Parameters = serde_json::from_str(r#"{ "grace": "2s" }"#)?;
/// let fault = registry.fault("container.stop", None, &parameters)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Stop {
    grace: Duration,
}

impl Stop {
    /// Stops with a grace of 5 s.
    pub const fn new() -> Self {
        Self {
            grace: Duration::from_secs(5),
        }
    }

    /// How long the container may take to end by itself, at most 8 s.
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace.min(MAX_GRACE);
        self
    }
}

impl Default for Stop {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Fault for Stop {
    fn kind(&self) -> &'static str {
        StopConfig::KIND
    }

    fn needs(&self, _: &Site) -> Needs {
        docker::needs()
    }

    async fn plan(&self, sites: &[Site], _: &Context) -> Result<Plan, FaultError> {
        sites.iter().try_fold(Plan::new(), |plan, site| {
            let run = stoppable(site)?;
            Ok(plan
                .then(StopRun {
                    run: run.clone(),
                    grace: self.grace,
                })
                .ready_when(Runs(run)))
        })
    }
}

/// The run of a container that is still there when it has stopped.
pub(crate) fn stoppable(site: &Site) -> Result<ContainerRun, FaultError> {
    let run = running(site)?;
    if container(site)?.auto_remove {
        return Err(FaultError::unsupported(
            site.to_string(),
            "it is removed when it stops (`--rm`); pause it instead",
        ));
    }
    Ok(run)
}

/// Stops a container, and starts it again.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct StopConfig {
    /// How long the container may take to end by itself before it is killed: a time up to 8s. Default: 5s.
    #[serde(default)]
    pub grace: Option<Time>,
}

impl FaultConfig for StopConfig {
    const KIND: &'static str = "container.stop";
    type Fault = Stop;
    const TARGETS: &'static [&'static str] = &["container"];

    fn preset(_: Intensity) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    fn build(self) -> Result<Stop, ConfigError> {
        checked_grace(self.grace).map(|grace| Stop { grace })
    }
}

pub(crate) fn checked_grace(grace: Option<Time>) -> Result<Duration, ConfigError> {
    let grace = grace.map_or(Stop::new().grace, Time::get);
    if grace > MAX_GRACE {
        return Err(
            ConfigError::field("grace", format!("{grace:?} is too long")).help("at most 8s"),
        );
    }
    Ok(grace)
}

#[derive(Debug)]
struct StopRun {
    run: ContainerRun,
    grace: Duration,
}

#[async_trait]
impl Action for StopRun {
    type Undo = Start;

    fn change(&self) -> Change {
        let summary = format!(
            "docker stop -t {} {}",
            self.grace.as_secs_f64().ceil(),
            self.run.name
        );
        Change::new(summary, self.run.resource(), Reach::Container)
    }

    fn undo(&self) -> Start {
        Start::after(&self.run, self.grace)
    }

    async fn apply(&self, _: &Context) -> Result<(), FaultError> {
        self.run.engine()?.stop(&self.run.id, self.grace).await
    }
}
