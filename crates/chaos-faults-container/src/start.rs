//! Starting a container again: the undo of whatever stopped it.

use crate::docker::{ContainerRun, Doing};
use async_trait::async_trait;
use chaos_core::{BoxError, Context, FaultError, Lifetime, Presence, Ready, Undo, Undone};
use serde::{Deserialize, Serialize};

/// Starts a container that was stopped, if nobody has started it since.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Start {
    run: ContainerRun,
}

impl Start {
    pub(crate) fn of(run: &ContainerRun) -> Self {
        Self { run: run.clone() }
    }
}

#[async_trait]
impl Undo for Start {
    const KIND: &'static str = "container.start";
    const VERSION: u32 = 1;
    // A container that was stopped on purpose stays so after a reboot, whatever its restart policy.
    const LIFETIME: Lifetime = Lifetime::Disk;

    async fn undo(&self, cx: &Context) -> Result<Undone, FaultError> {
        match self.presence(cx).await? {
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
        let seen = self.run.engine()?.look(&self.run.id).await?;
        Ok(match seen {
            Some(seen) if seen.doing != Doing::Stopped => Presence::Gone,
            Some(seen) if seen.run.started_at == self.run.started_at => Presence::InPlace,
            Some(_) => Presence::Foreign {
                found: "a later run of the container, stopped by somebody else".into(),
            },
            None => Presence::Gone,
        })
    }
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
