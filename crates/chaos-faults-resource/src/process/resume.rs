//! The undo of a stopped process.

use super::handle::{self, Handle, State};
use chaos_core::{Context, FaultError, Lifetime, Presence, ProcessId, Undo, Undone, async_trait};
use rustix::process::Signal;
use serde::{Deserialize, Serialize};

/// Lets one process go on with SIGCONT, if it is stopped and still the same process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ContinueProcess {
    process: ProcessId,
}

impl ContinueProcess {
    pub(super) const fn new(process: ProcessId) -> Self {
        Self { process }
    }
}

#[async_trait]
impl Undo for ContinueProcess {
    const KIND: &'static str = "resource.continue_process";
    const VERSION: u32 = 1;
    const LIFETIME: Lifetime = Lifetime::Boot;

    async fn undo(&self, cx: &Context) -> Result<Undone, FaultError> {
        // A record cannot have come from a plan with these pids.
        if self.process.pid <= 1 {
            let found = format!("{}, which is never stopped", self.process);
            return Ok(Undone::LeftAlone { found });
        }
        let Some(process) = Handle::open(&self.process)? else {
            return Ok(Undone::AlreadyGone);
        };
        match handle::state(&self.process)? {
            State::Gone | State::Running => return Ok(Undone::AlreadyGone),
            // A debugger keeps what it holds; the stop under it is lifted all the same.
            State::Stopping | State::Stopped | State::Traced => {}
        }
        if !process.signal(Signal::CONT)? {
            return Ok(Undone::AlreadyGone);
        }
        let limit = cx.step_limit() / 4 * 3;
        let going = |state| !matches!(state, State::Stopping | State::Stopped);
        let last = process.wait_for(going, limit).await?;
        if going(last) {
            Ok(Undone::Reverted)
        } else {
            Err(FaultError::TimedOut {
                operation: format!("SIGCONT to {}", self.process),
                limit,
            })
        }
    }

    async fn presence(&self, _: &Context) -> Result<Presence, FaultError> {
        Ok(match handle::state(&self.process)? {
            State::Gone | State::Running => Presence::Gone,
            State::Stopping | State::Stopped => Presence::InPlace,
            State::Traced => Presence::Foreign {
                found: format!("a debugger that holds {}", self.process),
            },
        })
    }
}
