//! Watches stop conditions while a fault is in place.

use crate::{
    Load,
    judge::{Seen, StopCondition},
};
use chaos_core::{BoxError, Event, Observer, Phase, RunHandle, Verdict, async_trait};
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::Duration,
};

/// How often the conditions are looked at.
const TICK: Duration = Duration::from_millis(250);
/// Without any answered or failed request for this long, nobody knows what the fault does: the run is ended.
const SIGNAL_LOST: Duration = Duration::from_secs(10);

/// Ends a run when a [`StopCondition`] is true of its time, or when the load sees nothing any more. An observer
/// of its own, with a thread of its own.
#[derive(Debug)]
pub struct StopWatch {
    load: Arc<dyn Load>,
    conditions: Vec<StopCondition>,
    in_place: Arc<AtomicBool>,
    thread: Mutex<Option<mpsc::Sender<()>>>,
}

impl StopWatch {
    /// Watches these conditions on what this load sees.
    pub fn new(load: Arc<dyn Load>, conditions: Vec<StopCondition>) -> Self {
        Self {
            load,
            conditions,
            in_place: Arc::default(),
            thread: Mutex::default(),
        }
    }
}

#[async_trait]
impl Observer for StopWatch {
    async fn start(&self, run: &RunHandle) -> Result<(), BoxError> {
        let (stop, stopped) = mpsc::channel();
        let (load, run, in_place) = (
            Arc::clone(&self.load),
            run.clone(),
            Arc::clone(&self.in_place),
        );
        let mut since: Vec<(StopCondition, Option<Duration>)> = self
            .conditions
            .iter()
            .map(|condition| (condition.clone(), None))
            .collect();
        std::thread::Builder::new()
            .name("chaos-stop".into())
            .spawn(move || {
                let mut before = 0;
                // The other end is dropped when the run is over.
                while stopped.recv_timeout(TICK) == Err(mpsc::RecvTimeoutError::Timeout) {
                    if !in_place.load(Ordering::SeqCst) {
                        since.iter_mut().for_each(|(_, since)| *since = None);
                        before = load.counts().bad;
                        continue;
                    }
                    let failed = load.counts().bad.saturating_sub(before);
                    if let Some(why) = look(load.as_ref(), failed, run.elapsed(), &mut since) {
                        run.stop(why);
                        return;
                    }
                }
            })?;
        *self.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(stop);
        Ok(())
    }

    fn on(&self, event: &Event) {
        match event {
            Event::PhaseStarted { phase, .. } => {
                self.in_place
                    .store(*phase == Phase::Fault, Ordering::SeqCst);
            }
            Event::PhaseEnded { .. } => self.in_place.store(false, Ordering::SeqCst),
            _ => {}
        }
    }

    fn steady(&self) -> Verdict {
        Verdict::Held
    }

    async fn finish(&self) {
        drop(
            self.thread
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(),
        );
    }
}

/// Why the run is to end now, if it is.
fn look(
    load: &dyn Load,
    failed: u64,
    now: Duration,
    since: &mut [(StopCondition, Option<Duration>)],
) -> Option<String> {
    // The longest window is as long as a lost signal.
    let recording = load.recent(now.saturating_sub(SIGNAL_LOST));
    let silent = !recording
        .exchanges()
        .iter()
        .any(|exchange| exchange.class().counts());
    if silent && now > SIGNAL_LOST {
        return Some(format!(
            "signal lost: the load has seen nothing for {SIGNAL_LOST:?}"
        ));
    }
    for (condition, since) in since {
        let window = recording.between(now.saturating_sub(condition.window()), now);
        let seen = Seen {
            window,
            timeout: recording.timeout(),
            failed,
        };
        match condition.is_true(seen) {
            Some(true) => {
                let start = *since.get_or_insert(now);
                // The window itself is a part of the time that it is true for.
                if now - start + condition.window().min(condition.lasts()) >= condition.lasts() {
                    return Some(format!("stop condition `{condition}`"));
                }
            }
            Some(false) => *since = None,
            None => {}
        }
    }
    None
}
