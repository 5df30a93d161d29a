//! `container.pause`: all processes of a container stand still.

use crate::{
    docker::{self, ContainerRun, Doing, Seen},
    in_flight::until_over,
    target::running,
};
use async_trait::async_trait;
use chaos_core::{
    Action, Change, ConfigError, Context, Fault, FaultConfig, FaultError, Intensity, Lifetime,
    Needs, Plan, Presence, Reach, Site, Undo, Undone,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Stops all processes of a container where they are.
///
/// # What breaks
/// Nothing in the container gets any CPU time. Connections stay open and nobody answers: callers without a timeout
/// hang.
///
/// # What it needs
/// A target `container` that runs, and a Docker Engine that this process may use.
///
/// # What is changed on the host
/// What `docker pause NAME` does: the container's cgroup is frozen.
///
/// # How it is undone
/// `docker unpause NAME`, if the container is still in the run that was paused. One that is not paused is watched for
/// 2 s, because the engine may be at it still when this process was killed.
///
/// # Configuration
/// ```
/// # use chaos_core::{Parameters, Registry};
/// # let mut registry = Registry::new();
/// # chaos_faults_container::register(&mut registry);
/// let parameters: Parameters = serde_json::from_str("{}")?;
/// let fault = registry.fault("container.pause", None, &parameters)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct Pause;

impl Pause {
    /// Pauses.
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
        docker::needs()
    }

    async fn plan(&self, sites: &[Site], _: &Context) -> Result<Plan, FaultError> {
        sites.iter().try_fold(Plan::new(), |plan, site| {
            Ok(plan.then(Freeze {
                run: running(site)?,
            }))
        })
    }
}

/// Stops all processes of a container where they are.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PauseConfig {}

impl FaultConfig for PauseConfig {
    const KIND: &'static str = "container.pause";
    type Fault = Pause;
    const TARGETS: &'static [&'static str] = &["container"];

    fn preset(_: Intensity) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    fn build(self) -> Result<Pause, ConfigError> {
        Ok(Pause)
    }
}

#[derive(Debug)]
struct Freeze {
    run: ContainerRun,
}

#[async_trait]
impl Action for Freeze {
    type Undo = Unpause;

    fn change(&self) -> Change {
        Change::new(
            format!("docker pause {}", self.run.name),
            self.run.resource(),
            Reach::Container,
        )
    }

    fn undo(&self) -> Unpause {
        Unpause {
            run: self.run.clone(),
        }
    }

    async fn apply(&self, _: &Context) -> Result<(), FaultError> {
        self.run.engine()?.pause(&self.run.id).await
    }
}

/// Unpauses a container that was paused.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Unpause {
    run: ContainerRun,
}

impl Unpause {
    async fn seen(&self) -> Result<Option<Seen>, FaultError> {
        self.run.engine()?.look(&self.run.id).await
    }

    /// Whether this run of the container is not paused, perhaps not yet.
    fn goes_on(&self, seen: &Seen) -> bool {
        seen.doing == Doing::Running && seen.run.started_at == self.run.started_at
    }
}

#[async_trait]
impl Undo for Unpause {
    const KIND: &'static str = "container.unpause";
    const VERSION: u32 = 1;
    const LIFETIME: Lifetime = Lifetime::Boot;

    async fn undo(&self, cx: &Context) -> Result<Undone, FaultError> {
        let going = || async { Ok(self.seen().await?.is_some_and(|seen| self.goes_on(&seen))) };
        if going().await? {
            until_over("pause", Some(Duration::ZERO), cx, going).await?;
        }
        match self.presence(cx).await? {
            Presence::InPlace => self
                .run
                .engine()?
                .unpause(&self.run.id)
                .await
                .map(|()| Undone::Reverted),
            Presence::Foreign { found } => Ok(Undone::LeftAlone { found }),
            _ => Ok(Undone::AlreadyGone),
        }
    }

    async fn presence(&self, _: &Context) -> Result<Presence, FaultError> {
        Ok(match self.seen().await? {
            Some(seen) if seen.doing != Doing::Paused => Presence::Gone,
            Some(seen) if seen.run.started_at == self.run.started_at => Presence::InPlace,
            Some(_) => Presence::Foreign {
                found: "a later run of the container, paused by somebody else".into(),
            },
            None => Presence::Gone,
        })
    }
}
