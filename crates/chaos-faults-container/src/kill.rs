//! `container.kill`: a container ends without warning.

use crate::{
    docker::{self, ContainerRun, Doing},
    start::{Runs, Start},
    stop::stoppable,
};
use async_trait::async_trait;
use chaos_core::{
    Action, Change, ConfigError, Context, Fault, FaultConfig, FaultError, Intensity, Needs, Plan,
    Reach, Site,
};
use schemars::JsonSchema;
use serde::Deserialize;
use std::time::Duration;

/// Kills a container, and starts it again.
///
/// # What breaks
/// The container's first process gets a signal that ends it, by default SIGKILL: no shutdown code runs, connections are
/// cut, what it kept in memory is lost. An engine does not apply a restart policy after a kill by hand, so the container
/// stays down until the fault is recovered.
///
/// # What it needs
/// A target `container` that runs and is not removed when it ends (`--rm`), and a Docker Engine that this process may
/// use.
///
/// # What is changed on the host
/// What `docker kill -s SIGNAL NAME` does.
///
/// # How it is undone
/// `docker start NAME`, if nobody has started it since. A container that still runs although the signal may have been
/// sent is watched before it counts as not killed: for 2 s, or, after a signal that it may take its time with, for as
/// long as a step may take.
///
/// # Configuration
/// ```
/// # use chaos_core::{Parameters, Registry};
/// # let mut registry = Registry::new();
/// # chaos_faults_container::register(&mut registry);
/// let parameters: Parameters = serde_json::from_str(r#"{ "signal": "SIGTERM" }"#)?;
/// let fault = registry.fault("container.kill", None, &parameters)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Kill {
    signal: EndSignal,
}

impl Kill {
    /// Kills with SIGKILL.
    pub const fn new() -> Self {
        Self {
            signal: EndSignal::Kill,
        }
    }
}

#[async_trait]
impl Fault for Kill {
    fn kind(&self) -> &'static str {
        KillConfig::KIND
    }

    fn needs(&self, _: &Site) -> Needs {
        docker::needs()
    }

    async fn plan(&self, sites: &[Site], _: &Context) -> Result<Plan, FaultError> {
        sites.iter().try_fold(Plan::new(), |plan, site| {
            let run = stoppable(site)?;
            Ok(plan
                .then(KillRun {
                    run: run.clone(),
                    signal: self.signal,
                })
                .ready_when(Runs(run)))
        })
    }
}

/// A signal that ends a process that does not handle it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
enum EndSignal {
    #[default]
    #[serde(rename = "SIGKILL")]
    Kill,
    #[serde(rename = "SIGTERM")]
    Term,
    #[serde(rename = "SIGINT")]
    Int,
    #[serde(rename = "SIGQUIT")]
    Quit,
}

impl EndSignal {
    const fn name(self) -> &'static str {
        match self {
            Self::Kill => "SIGKILL",
            Self::Term => "SIGTERM",
            Self::Int => "SIGINT",
            Self::Quit => "SIGQUIT",
        }
    }
}

/// Kills a container, and starts it again.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct KillConfig {
    /// The signal: SIGKILL, SIGTERM, SIGINT or SIGQUIT. Default: SIGKILL.
    #[serde(default)]
    signal: EndSignal,
}

impl FaultConfig for KillConfig {
    const KIND: &'static str = "container.kill";
    type Fault = Kill;
    const TARGETS: &'static [&'static str] = &["container"];

    fn preset(_: Intensity) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    fn build(self) -> Result<Kill, ConfigError> {
        Ok(Kill {
            signal: self.signal,
        })
    }
}

#[derive(Debug)]
struct KillRun {
    run: ContainerRun,
    signal: EndSignal,
}

#[async_trait]
impl Action for KillRun {
    type Undo = Start;

    fn change(&self) -> Change {
        let summary = format!("docker kill -s {} {}", self.signal.name(), self.run.name);
        Change::new(summary, self.run.resource(), Reach::Container)
    }

    fn undo(&self) -> Start {
        match self.signal {
            EndSignal::Kill => Start::after(&self.run, Duration::ZERO),
            _ => Start::some_time_after(&self.run),
        }
    }

    /// Waits until the container has ended, as far as the step limit allows.
    async fn apply(&self, _: &Context) -> Result<(), FaultError> {
        let engine = self.run.engine()?;
        engine.kill(&self.run.id, self.signal.name()).await?;
        while let Some(seen) = engine.look(&self.run.id).await? {
            if seen.run.started_at != self.run.started_at {
                // Somebody, or something, has started it again at once.
                let change = self.change().summary;
                return Err(FaultError::NoEffect { change });
            }
            if seen.doing == Doing::Stopped {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }
}
