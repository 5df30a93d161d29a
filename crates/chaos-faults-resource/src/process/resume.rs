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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::context;
    use std::process::{Child, Command};

    /// A child of its own that is stopped, and ended in the end.
    struct Stopped(Child);

    impl Stopped {
        fn new() -> Self {
            let child = Self(Command::new("sleep").arg("1000").spawn().unwrap());
            let id = child.id();
            Handle::open(&id)
                .unwrap()
                .unwrap()
                .signal(Signal::STOP)
                .unwrap();
            while handle::state(&id).unwrap() != State::Stopped {
                std::thread::yield_now();
            }
            child
        }

        fn id(&self) -> ProcessId {
            ProcessId::of(self.0.id()).unwrap()
        }
    }

    impl Drop for Stopped {
        fn drop(&mut self) {
            self.0.kill().ok();
            self.0.wait().ok();
        }
    }

    #[tokio::test]
    async fn whoever_has_got_the_pid_since_is_left_alone() {
        let cx = context().await;
        let theirs = Stopped::new();
        let id = theirs.id();
        let (mut earlier, mut last_boot) = (id.clone(), id.clone());
        earlier.started -= 1;
        last_boot.boot = "another".into();
        for forged in [earlier, last_boot] {
            let undo = ContinueProcess::new(forged);
            assert_eq!(undo.presence(&cx).await.unwrap(), Presence::Gone);
            assert_eq!(undo.undo(&cx).await.unwrap(), Undone::AlreadyGone);
            assert_eq!(handle::state(&id).unwrap(), State::Stopped);
        }
        let undo = ContinueProcess::new(id.clone());
        assert_eq!(undo.presence(&cx).await.unwrap(), Presence::InPlace);
        assert_eq!(undo.undo(&cx).await.unwrap(), Undone::Reverted);
        assert_eq!(handle::state(&id).unwrap(), State::Running);
        assert_eq!(undo.undo(&cx).await.unwrap(), Undone::AlreadyGone);
    }

    #[tokio::test]
    async fn pid_1_is_never_signalled() {
        let cx = context().await;
        for pid in [0, 1] {
            let mut id = ProcessId::of(1).unwrap();
            id.pid = pid;
            let undone = ContinueProcess::new(id).undo(&cx).await.unwrap();
            assert!(matches!(undone, Undone::LeftAlone { .. }), "{undone:?}");
        }
    }

    #[tokio::test]
    async fn a_zombie_is_gone() {
        let cx = context().await;
        let mut theirs = Stopped::new();
        let id = theirs.id();
        theirs.0.kill().unwrap();
        while handle::state(&id).unwrap() != State::Gone {
            std::thread::yield_now();
        }
        let undo = ContinueProcess::new(id);
        assert_eq!(undo.presence(&cx).await.unwrap(), Presence::Gone);
        assert_eq!(undo.undo(&cx).await.unwrap(), Undone::AlreadyGone);
    }
}
