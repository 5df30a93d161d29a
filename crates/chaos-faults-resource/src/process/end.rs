//! Ending a process.

use super::{
    Signal,
    handle::{Handle, State},
    victim,
};
use chaos_core::{Change, Context, FaultError, OneWay, ProcessId, Reach, async_trait};
use std::time::Duration;

/// How long a killed process may take to be seen gone: its memory is given back first.
const GONE_WITHIN: Duration = Duration::from_secs(5);

/// Ends one process.
#[derive(Debug)]
pub(super) struct End {
    pub(super) process: ProcessId,
    pub(super) name: String,
    pub(super) signal: Signal,
}

#[async_trait]
impl OneWay for End {
    fn change(&self) -> Change {
        let signal = self.signal.to_string();
        let signal = signal.trim_start_matches("SIG");
        Change::new(
            format!("kill -{signal} {} ({})", self.process.pid, self.name),
            victim::resource(&self.process),
            Reach::Process,
        )
    }

    async fn apply(&self, cx: &Context) -> Result<(), FaultError> {
        let ended = || FaultError::no_target(self.process.to_string(), "it had ended before");
        let process = Handle::open(&self.process)?.ok_or_else(ended)?;
        if !process.signal(self.signal.raw())? {
            return Err(ended());
        }
        if self.signal != Signal::Kill {
            return Ok(());
        }
        let limit = GONE_WITHIN.min(cx.step_limit() / 4 * 3);
        let gone = |state| state == State::Gone;
        if gone(process.wait_for(gone, limit).await?) {
            Ok(())
        } else {
            Err(FaultError::TimedOut {
                operation: format!("SIGKILL to {}", self.process),
                limit,
            })
        }
    }
}
