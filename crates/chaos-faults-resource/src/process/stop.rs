//! Stopping a process.

use super::{
    handle::{Handle, State},
    resume::ContinueProcess,
    victim,
};
use chaos_core::{Action, Change, Context, FaultError, ProcessId, Reach, async_trait};
use rustix::process::Signal;

/// Stops one process.
#[derive(Debug)]
pub(super) struct Stop {
    process: ProcessId,
    name: String,
}

impl Stop {
    pub(super) fn new(process: ProcessId, name: &str) -> Self {
        let name = name.to_owned();
        Self { process, name }
    }
}

#[async_trait]
impl Action for Stop {
    type Undo = ContinueProcess;

    fn change(&self) -> Change {
        Change::new(
            format!("kill -STOP {} ({})", self.process.pid, self.name),
            victim::resource(&self.process),
            Reach::Process,
        )
    }

    fn undo(&self) -> ContinueProcess {
        ContinueProcess::new(self.process.clone())
    }

    async fn apply(&self, cx: &Context) -> Result<(), FaultError> {
        let ended = || FaultError::no_target(self.process.to_string(), "it has ended");
        let process = Handle::open(&self.process)?.ok_or_else(ended)?;
        if !process.signal(Signal::STOP)? {
            return Err(ended());
        }
        let limit = cx.step_limit() / 4 * 3;
        let stopped = |state| matches!(state, State::Stopped | State::Gone);
        match process.wait_for(stopped, limit).await? {
            State::Stopped => Ok(()),
            State::Gone => Err(ended()),
            // Deep in the kernel, for a disk or a network file system that does not answer.
            _ => Err(FaultError::TimedOut {
                operation: format!("SIGSTOP to {}", self.process),
                limit,
            }),
        }
    }
}
