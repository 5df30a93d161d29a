//! Asking the probes.

use crate::{
    Sample, Samples, Value,
    experiment::Asked,
    guard::{catch_panic, panic_message},
};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::{
    task::JoinSet,
    time::{MissedTickBehavior, interval, timeout},
};
use tracing::Instrument;

/// A probe that has not answered after this long, or after its interval if that is longer, has seen nothing.
const MIN_TIMEOUT: Duration = Duration::from_secs(1);

/// The probes of a run, each asked by a task of its own on the caller's runtime. Dropping it ends them.
#[derive(Debug, Default)]
pub(super) struct Sampler {
    tasks: JoinSet<()>,
    samples: Arc<Mutex<Samples>>,
}

impl Sampler {
    pub(super) fn start(probes: &[Asked], epoch: Instant) -> Self {
        let mut sampler = Self::default();
        for asked in probes {
            let samples = Arc::clone(&sampler.samples);
            sampler.tasks.spawn(ask(asked.clone(), epoch, samples));
        }
        sampler
    }

    /// What was seen from `from` to before `to`.
    pub(super) fn between(&self, from: Duration, to: Duration) -> Samples {
        self.samples
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .between(from, to)
    }

    /// Ends the asking, and says what was seen.
    pub(super) fn finish(mut self) -> Samples {
        self.tasks.abort_all();
        std::mem::take(&mut *self.samples.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn ask(asked: Asked, epoch: Instant, samples: Arc<Mutex<Samples>>) {
    let mut due = interval(asked.every.max(Duration::from_millis(1)));
    due.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let limit = asked.every.max(MIN_TIMEOUT);
    loop {
        due.tick().await;
        let at = epoch.elapsed();
        let span = tracing::debug_span!("probe", name = asked.name);
        let value = match timeout(limit, catch_panic(asked.probe.sample()).instrument(span)).await {
            Ok(Ok(Ok(value))) => value,
            Ok(Ok(Err(error))) => Value::Missing(error.to_string()),
            Ok(Err(panic)) => Value::Missing(format!(
                "the probe panicked: {}",
                panic_message(panic.as_ref())
            )),
            Err(_) => Value::Missing(format!("no answer within {limit:?}")),
        };
        let sample = Sample::new(at, epoch.elapsed().saturating_sub(at), value);
        samples
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(&asked.name, sample);
    }
}
