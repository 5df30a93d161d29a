//! Starting a container again: the undo of whatever stopped it.

use crate::{
    docker::{ContainerRun, Doing, seconds},
    in_flight::until_over,
};
use async_trait::async_trait;
use chaos_core::{BoxError, Context, FaultError, Lifetime, Presence, Ready, Undo, Undone};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Starts a container that was stopped, if nobody has started it since.
///
/// An engine goes on with a stop when its client has died. So a container that still runs is watched for as long as it
/// may take until it stops after all, before it counts as never stopped.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Start {
    run: ContainerRun,
    /// After how many seconds at most the engine ends it by force; `None`: never.
    grace: Option<u32>,
}

impl Start {
    /// After a stop with a grace.
    pub(crate) fn after(run: &ContainerRun, grace: Duration) -> Self {
        let grace = Some(seconds(grace).unsigned_abs());
        let run = run.clone();
        Self { run, grace }
    }

    /// After a signal that the container may take its time with.
    pub(crate) fn some_time_after(run: &ContainerRun) -> Self {
        let run = run.clone();
        Self { run, grace: None }
    }
}

#[async_trait]
impl Undo for Start {
    const KIND: &'static str = "container.start";
    const VERSION: u32 = 2;
    // A container that was stopped on purpose stays so after a reboot, whatever its restart policy.
    const LIFETIME: Lifetime = Lifetime::Disk;

    async fn undo(&self, cx: &Context) -> Result<Undone, FaultError> {
        let grace = self.grace.map(|grace| Duration::from_secs(grace.into()));
        if runs_still(&self.run).await? {
            until_over("stop", grace, cx, || runs_still(&self.run)).await?;
        }
        match look(&self.run).await? {
            Presence::InPlace => self
                .run
                .engine()?
                .start(&self.run.id)
                .await
                .map(|()| Undone::Reverted),
            Presence::Foreign { found } => Ok(Undone::LeftAlone { found }),
            _ => Ok(Undone::AlreadyGone),
        }
    }

    async fn presence(&self, _: &Context) -> Result<Presence, FaultError> {
        look(&self.run).await
    }
}

/// The first version of [`Start`], which does not know how long a stop may take.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Start1 {
    run: ContainerRun,
}

#[async_trait]
impl Undo for Start1 {
    const KIND: &'static str = Start::KIND;
    const VERSION: u32 = 1;
    const LIFETIME: Lifetime = Start::LIFETIME;

    async fn undo(&self, cx: &Context) -> Result<Undone, FaultError> {
        Start::some_time_after(&self.run).undo(cx).await
    }

    async fn presence(&self, _: &Context) -> Result<Presence, FaultError> {
        look(&self.run).await
    }
}

/// Whether this run of the container has not ended yet.
async fn runs_still(run: &ContainerRun) -> Result<bool, FaultError> {
    let seen = run.engine()?.look(&run.id).await?;
    Ok(seen
        .is_some_and(|seen| seen.doing != Doing::Stopped && seen.run.started_at == run.started_at))
}

async fn look(run: &ContainerRun) -> Result<Presence, FaultError> {
    let seen = run.engine()?.look(&run.id).await?;
    Ok(match seen {
        Some(seen) if seen.doing != Doing::Stopped => Presence::Gone,
        Some(seen) if seen.run.started_at == run.started_at => Presence::InPlace,
        Some(_) => Presence::Foreign {
            found: "a later run of the container, stopped by somebody else".into(),
        },
        None => Presence::Gone,
    })
}

/// A container that runs again.
#[derive(Debug)]
pub(crate) struct Runs(pub(crate) ContainerRun);

#[async_trait]
impl Ready for Runs {
    fn describe(&self) -> String {
        format!("container {} runs", self.0.name)
    }

    async fn ready(&self) -> Result<(), BoxError> {
        match self.0.engine()?.look(&self.0.id).await? {
            Some(seen) if seen.doing == Doing::Running => Ok(()),
            Some(_) => Err("it does not run yet".into()),
            None => Err("it is gone".into()),
        }
    }
}
