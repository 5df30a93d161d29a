//! Watching a run: load generators, recorders, progress, metrics and traces.

use crate::{
    BoxError, Edge, Outcome, Phase, Verdict,
    seed::Seed,
    stop::{Stop, StopReason},
};
use async_trait::async_trait;
use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

/// What an observer knows of the run that it watches. Cheap to clone.
#[derive(Debug, Clone)]
pub struct RunHandle {
    pub(crate) name: Arc<str>,
    pub(crate) epoch: Instant,
    pub(crate) seed: Seed,
    pub(crate) stop: Stop,
}

impl RunHandle {
    /// A run of that name, that starts now; for tests of observers and for loads that run by themselves.
    pub fn detached(name: &str, seed: Seed) -> Self {
        Self {
            name: name.into(),
            epoch: Instant::now(),
            seed,
            stop: Stop::new(),
        }
    }

    /// The experiment's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// When the run started. Every time in events, edges and samples counts from here.
    pub fn epoch(&self) -> Instant {
        self.epoch
    }

    /// How long the run runs.
    pub fn elapsed(&self) -> Duration {
        self.epoch.elapsed()
    }

    /// The run's seed.
    pub fn seed(&self) -> Seed {
        self.seed
    }

    /// Ends the run early: the faults are recovered and the outcome is `Aborted`.
    pub fn stop(&self, by: impl Into<String>) {
        self.stop.request(StopReason::Aborted { by: by.into() });
    }
}

/// What happens in a run. Every time counts from the start of the run.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// A phase begins. It is planned to last this long; the recovery lasts at most this long.
    PhaseStarted {
        /// The phase.
        phase: Phase,
        /// When.
        at: Duration,
        /// How long it is planned to last.
        planned: Duration,
    },
    /// A phase is over.
    PhaseEnded {
        /// The phase.
        phase: Phase,
        /// When.
        at: Duration,
    },
    /// A fault was confirmed in place, gone, lost, or its target answers again.
    Edge(Edge),
    /// The run is being stopped before its time.
    Stopping {
        /// When.
        at: Duration,
        /// Why.
        reason: StopReason,
    },
    /// The run is over.
    Finished {
        /// When.
        at: Duration,
        /// How it ended.
        outcome: Outcome,
    },
}

/// Watches a run. The core knows no load generator, recorder, progress bar or metric: they are observers.
///
/// # Behavior
/// - An observer is called on the task that runs the experiment, never on the thread that touches the host.
/// - One that panics is told no more; it stops neither the run nor the recovery.
#[async_trait]
pub trait Observer: fmt::Debug + Send + Sync + 'static {
    /// The run starts; the baseline is next.
    ///
    /// # Errors
    /// It cannot watch. The outcome is `NotSteady`; nothing is injected.
    async fn start(&self, run: &RunHandle) -> Result<(), BoxError>;

    /// Something happened. Must not block.
    fn on(&self, event: &Event);

    /// Whether things are as normal. Asked at the end of the baseline, and every 100 ms of the recovery. What is
    /// unknown makes the run inconclusive: at the end of the baseline nothing is injected then, and at the end of the recovery it
    /// is not taken for what has deviated.
    fn steady(&self) -> Verdict;

    /// The run is over.
    async fn finish(&self);
}
