//! Asking the probes.

use crate::{
    Mode, Phase, Sample, Samples, Value,
    experiment::Asked,
    guard::{catch_panic, panic_message},
};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{MissedTickBehavior, interval, sleep, timeout},
};
use tracing::Instrument;

/// The probes of a run, each asked by a task of its own on the caller's runtime. Dropping it ends them.
#[derive(Debug, Default)]
pub(super) struct Sampler {
    tasks: JoinSet<()>,
    board: Arc<Board>,
}

/// What the tasks and the engine tell each other.
#[derive(Debug, Default)]
struct Board {
    samples: Mutex<Samples>,
    /// The phase of the run; none between two.
    phase: watch::Sender<Option<Phase>>,
    /// What the first probe that ends the run has seen.
    failure: watch::Sender<Option<String>>,
}

impl Sampler {
    pub(super) fn start(probes: &[Asked], epoch: Instant) -> Self {
        let mut sampler = Self::default();
        for asked in probes {
            let board = Arc::clone(&sampler.board);
            sampler.tasks.spawn(ask(asked.clone(), epoch, board));
        }
        sampler
    }

    /// Says in which phase the run is, if in any.
    pub(super) fn phase(&self, phase: Option<Phase>) {
        self.board.phase.send_replace(phase);
    }

    /// Waits until a probe ends the run; says which, and what it has seen.
    pub(super) fn failure(&self) -> impl Future<Output = String> + use<> {
        let board = Arc::clone(&self.board);
        async move {
            let mut failure = board.failure.subscribe();
            loop {
                if let Some(why) = failure.borrow_and_update().clone() {
                    return why;
                }
                // The sender lives on the board, so this cannot fail.
                failure.changed().await.ok();
            }
        }
    }

    /// What was seen from `from` to before `to`.
    pub(super) fn between(&self, from: Duration, to: Duration) -> Samples {
        self.board.samples().between(from, to)
    }

    /// Ends the asking, and says what was seen.
    pub(super) fn finish(mut self) -> Samples {
        self.tasks.abort_all();
        std::mem::take(&mut *self.board.samples())
    }
}

impl Board {
    fn samples(&self) -> std::sync::MutexGuard<'_, Samples> {
        self.samples.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a sample, and ends the run when its probe says so.
    fn take(&self, asked: &Asked, phase: Option<Phase>, sample: Sample) {
        let settings = &asked.settings;
        let bad = settings.stop_on_failure && !settings.accepts(&sample.value);
        if bad && phase == *self.phase.borrow() && ends(settings.mode, phase) {
            let (name, value) = (&settings.name, &sample.value);
            let expected = settings
                .expect
                .as_ref()
                .map_or_else(String::new, |tolerance| format!(", expected {tolerance}"));
            let why = format!("the probe `{name}`, which saw {value}{expected}");
            self.failure.send_if_modified(|first| {
                let none = first.is_none();
                first.get_or_insert(why);
                none
            });
        }
        self.samples().push(&settings.name, sample);
    }
}

/// Whether a bad sample ends the run: where it is judged, and something is still to be broken or is broken.
fn ends(mode: Mode, phase: Option<Phase>) -> bool {
    phase.is_some_and(|phase| phase != Phase::Recovery && mode.judges(phase))
}

/// Asks a probe from the first phase in which it is to be asked until the last one.
async fn ask(asked: Asked, epoch: Instant, board: Arc<Board>) {
    let settings = &asked.settings;
    let mut phase = board.phase.subscribe();
    if phase
        .wait_for(|now| settings.mode.asks(*now))
        .await
        .is_err()
    {
        return;
    }
    if !settings.delay.is_zero() {
        sleep(settings.delay).await;
    }
    let mut due = interval(settings.every.max(Duration::from_millis(1)));
    due.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        due.tick().await;
        let now = *phase.borrow();
        if !settings.mode.asks(now) {
            return;
        }
        let at = epoch.elapsed();
        let mut value = look(&asked).await;
        for _ in 0..settings.retries {
            if settings.accepts(&value) {
                break;
            }
            // A probe that never waits must not keep others from running.
            tokio::task::yield_now().await;
            value = look(&asked).await;
        }
        let took = epoch.elapsed().saturating_sub(at);
        board.take(&asked, now, Sample::new(at, took, value));
    }
}

/// Asks once.
async fn look(asked: &Asked) -> Value {
    let limit = asked.settings.limit();
    let span = tracing::debug_span!("probe", name = asked.settings.name);
    match timeout(limit, catch_panic(asked.probe.sample()).instrument(span)).await {
        // JSON has no word for it, so a run with it could not be read back.
        Ok(Ok(Ok(Value::Number(number)))) if !number.is_finite() => {
            Value::Missing(format!("{number} is no value"))
        }
        Ok(Ok(Ok(value))) => value,
        Ok(Ok(Err(error))) => Value::Missing(error.to_string()),
        Ok(Err(panic)) => Value::Missing(format!(
            "the probe panicked: {}",
            panic_message(panic.as_ref())
        )),
        Err(_) => Value::Missing(format!("no answer within {limit:?}")),
    }
}
