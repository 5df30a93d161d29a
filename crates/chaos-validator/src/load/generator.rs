//! The thread that a load runs on.

use super::{
    Counts, Recording, Work,
    drive::{Control, Pace, drive},
    recorder::Recorder,
    steady::Watch,
};
use chaos_core::{BoxError, Event, RunHandle, Verdict};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::watch;

/// How much longer than the timeout is waited for the thread: only a closure that blocks needs it.
const GRACE: Duration = Duration::from_secs(5);

/// Runs an open loop on a thread and a runtime of its own, so that neither the caller's blocking code nor the
/// recovery colours what is measured. Dropping it stops the thread.
#[derive(Debug, Default)]
pub(crate) struct Generator {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    recorder: Option<Arc<Recorder>>,
    watch: Watch,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    control: watch::Sender<Control>,
    /// Closed by the end of the thread.
    ended: watch::Receiver<()>,
}

impl Generator {
    /// Starts to send.
    pub(crate) fn start<W: Work>(
        &self,
        run: &RunHandle,
        pace: Pace,
        work: W,
    ) -> Result<(), BoxError> {
        let mut state = self.state();
        if let Some(running) = &state.running
            && running.ended.has_changed().is_ok()
        {
            return Err("this load already runs; a load is for one run at a time".into());
        }
        let recorder = Arc::new(Recorder::new(run.epoch()));
        let (control, controlled) = watch::channel(Control::Run);
        let (end, ended) = watch::channel(());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (book, lowest) = (Arc::clone(&recorder), pace.schedule.lowest());
        std::thread::Builder::new()
            .name("chaos-load".into())
            .spawn(move || {
                // Dropped last, when the thread is over, also by a panic.
                let _end = end;
                runtime.block_on(drive(Arc::new(work), pace, book, controlled));
                // Does not wait for a name that is being resolved.
                runtime.shutdown_background();
            })?;
        *state = State {
            recorder: Some(recorder),
            watch: Watch::new(run.clone(), lowest),
            running: Some(Running { control, ended }),
        };
        Ok(())
    }

    pub(crate) fn on(&self, event: &Event) {
        self.state().watch.on(event);
    }

    pub(crate) fn steady(&self) -> Verdict {
        let mut state = self.state();
        match state.recorder.clone() {
            Some(recorder) => state.watch.steady(&recorder),
            None => Verdict::unknown("the load was not started"),
        }
    }

    /// Sends no more, and waits until everything that is under way is over: what waits for a slot takes at most
    /// twice the timeout.
    pub(crate) async fn finish(&self, timeout: Duration) {
        let mut ended = match &self.state().running {
            Some(running) => {
                running.control.send_replace(Control::Drain);
                running.ended.clone()
            }
            None => return,
        };
        let end = async { while ended.changed().await.is_ok() {} };
        if tokio::time::timeout(timeout * 2 + GRACE, end)
            .await
            .is_err()
        {
            tracing::warn!("the load's thread is blocked; it was given up");
        }
        let mut state = self.state();
        state.running = None;
        if let Some(recorder) = &state.recorder {
            recorder.seal();
        }
    }

    /// How many requests there were so far.
    pub(crate) fn counts(&self) -> Counts {
        let recorder = self.state().recorder.clone();
        recorder.map_or_else(Counts::default, |recorder| recorder.counts())
    }

    /// What was over at `from` or later.
    pub(crate) fn recording(
        &self,
        description: String,
        pace: Option<Pace>,
        from: Duration,
    ) -> Recording {
        let (rate, timeout) = pace.map_or((0.0, Duration::ZERO), |pace| {
            (pace.schedule.lowest(), pace.timeout)
        });
        let recorder = self.state().recorder.clone();
        match recorder {
            Some(recorder) => recorder.recording(description, rate, timeout, from),
            None => Recording::new(description, rate, timeout, Vec::new()),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
