//! The engine: plans, injects, watches and recovers.

mod at_once;
mod audience;
mod beside;
mod builder;
mod check;
mod handle;
mod inject;
mod outcome;
mod prepare;
mod recover;
mod run;
mod sampler;
mod schedule;
mod session;
mod sites;
mod warden;

pub use builder::EngineBuilder;
pub(crate) use handle::{EdgeNotice, Notice, SessionHandle};
pub use prepare::{Preview, PreviewedFault};
pub use recover::Recovered;
pub(crate) use recover::{recover_found, take_over};
pub(crate) use warden::Warden;

use crate::{
    Context, EngineError, Experiment, FaultError, Injection, InjectionId, Placements, Registry,
    Run, Site, Stop, Target,
    guard::catch_panic,
    seed::Seed,
    undo_log::{Forgotten, Scan, StateDir, forget},
    watchdog::Running,
};
use std::{
    future::Future,
    panic::resume_unwind,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

/// Injects faults and always puts the host back.
///
/// ```no_run
/// # use chaos_core::{Engine, EngineError, Placed};
/// # async fn example(slow_database: Placed, request: impl Future<Output = u16>) -> Result<(), EngineError> {
/// let engine = Engine::open().await?;
/// let status = engine.during(slow_database, request).await?;
/// assert_eq!(status, 200);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

/// What the sessions of an engine share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) registry: Arc<Registry>,
    pub(crate) dir: StateDir,
    pub(crate) warden: Warden,
    pub(crate) step_limit: Duration,
    pub(crate) drop_grace: Duration,
    pub(crate) max_duration: Duration,
    pub(crate) protected: Vec<String>,
    pub(crate) watchdog: Option<Running>,
}

impl Shared {
    pub(crate) fn context(&self, injection: &InjectionId, part: &str, seed: Seed) -> Context {
        Context {
            injection: injection.clone(),
            part: part.to_owned(),
            seed,
            step_limit: self.step_limit,
            registry: Arc::clone(&self.registry),
            others: Arc::default(),
        }
    }
}

impl Engine {
    /// An engine with the defaults and an empty registry: enough for faults inside this process.
    ///
    /// # Errors
    /// The recovery thread could not be started, or the directory of the undo log cannot be trusted.
    pub async fn open() -> Result<Self, EngineError> {
        Self::builder().open().await
    }

    /// An engine to order.
    pub fn builder() -> EngineBuilder {
        EngineBuilder::default()
    }

    async fn start(shared: Shared, recover: bool) -> Result<Self, EngineError> {
        let engine = Self {
            shared: Arc::new(shared),
        };
        if !recover {
            return Ok(engine);
        }
        let recovered = engine.recover_orphans().await?;
        for left in &recovered.left {
            tracing::warn!(change = %left.change, why = %left.why, "an earlier injection could not be recovered");
        }
        for unreadable in &recovered.unreadable {
            tracing::warn!(%unreadable, "an undo log cannot be read");
        }
        Ok(engine)
    }

    /// Runs `body` while the faults are in place, and recovers.
    ///
    /// # Behavior
    /// - Not injected: `body` is never polled.
    /// - A panic in `body`: recovered, then resumed.
    /// - A fault that was lost, or taken back at the time limit: `body` runs on, and the result is
    ///   [`EngineError::NotInPlace`], so that no test passes without its fault.
    ///
    /// # Cancellation
    /// Dropping the future recovers, with a bounded wait.
    ///
    /// # Errors
    /// The faults were refused, could not be put in place, were not in place all the time, or could not be
    /// recovered.
    pub async fn during<T>(
        &self,
        faults: impl Into<Placements>,
        body: impl Future<Output = T>,
    ) -> Result<T, EngineError> {
        let injection = self.inject(faults).await?;
        let result = catch_panic(body).await;
        let recovered = injection.recover().await;
        let value = result.unwrap_or_else(|panic| resume_unwind(panic));
        match recovered?.lost.into_iter().next() {
            None => Ok(value),
            Some(why) => Err(EngineError::NotInPlace { why }),
        }
    }

    /// Puts the faults in place. [`during`](Self::during) is shorter when nothing is to be looked at in
    /// between.
    ///
    /// # Cancellation
    /// Dropping the future recovers, with a bounded wait.
    ///
    /// # Errors
    /// The faults were refused or could not be put in place; the error says what happened to the host.
    pub async fn inject(&self, faults: impl Into<Placements>) -> Result<Injection, EngineError> {
        let session = self.session(faults.into(), Seed::fresh(), self.shared.max_duration, &[]);
        session.begin().await?;
        Ok(Injection::new(session))
    }

    /// What an injection would change, and everything that speaks against it. Changes nothing.
    ///
    /// # Errors
    /// The recovery thread is gone.
    pub async fn dry_run(&self, faults: impl Into<Placements>) -> Result<Preview, EngineError> {
        let session = self.session(faults.into(), Seed::fresh(), self.shared.max_duration, &[]);
        session.preview().await
    }

    /// Where a target is now: the processes, containers or namespaces that a fault on it would hit. Only reads, on the
    /// caller's runtime, so that a target that cannot be looked at delays no recovery.
    ///
    /// # Errors
    /// The target is not there, cannot be looked at, took longer than the engine's limit for a step, or panicked.
    pub async fn sites(&self, target: &dyn Target) -> Result<Vec<Site>, FaultError> {
        sites::sites(&self.shared, target).await
    }

    /// What an experiment would change, and everything that speaks against it. Changes nothing.
    ///
    /// # Errors
    /// The recovery thread is gone.
    pub async fn preview(&self, experiment: &Experiment) -> Result<Preview, EngineError> {
        let faults = Placements(experiment.faults.clone());
        let seed = experiment.seed.unwrap_or_else(Seed::fresh);
        self.session(faults, seed, experiment.max_duration, &experiment.protected)
            .preview()
            .await
    }

    /// Runs a whole experiment: baseline, fault, recovery.
    ///
    /// # Behavior
    /// - Probes and observers run on the caller's tokio runtime; the host is touched by the recovery thread.
    /// - The faults are recovered on every way out, at the latest when the future is dropped.
    ///
    /// # Errors
    /// The experiment was refused; the host was not touched. What goes wrong later is in the [`Run`].
    pub async fn run(&self, experiment: &Experiment) -> Result<Run, EngineError> {
        self.run_until(experiment, &Stop::new()).await
    }

    /// Runs a whole experiment until it is over, or somebody asks to stop.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub async fn run_until(
        &self,
        experiment: &Experiment,
        stop: &Stop,
    ) -> Result<Run, EngineError> {
        run::run(self, experiment, stop).await
    }

    /// Undoes what owners who are gone have left: killed processes, reboots. Live owners are left alone.
    ///
    /// # Errors
    /// The directory of the undo log cannot be read or trusted. Changes that could not be undone are not an
    /// error here; they are in the result.
    #[must_use = "what could not be undone is in the result"]
    pub async fn recover_orphans(&self) -> Result<Recovered, EngineError> {
        let shared = Arc::clone(&self.shared);
        self.shared
            .warden
            .run(async move {
                let scan = Scan::orphans(&shared.dir).map_err(EngineError::UndoLog)?;
                let mut recovered = Recovered::default();
                recovered
                    .unreadable
                    .extend(scan.unreadable.iter().map(ToString::to_string));
                for found in scan.found {
                    if found.orphan.is_some() {
                        recovered.add(recover_found(&shared, found).await);
                    }
                }
                Ok(recovered)
            })
            .await?
    }

    /// Gives up on the log of a dead owner that cannot be recovered: a damaged one, one that a later version
    /// has written, one whose undo fails for ever. It is moved to `forgotten/` beside the logs and undoes
    /// nothing; what it says may still be on the host, and its resources are free again. `injection` is the
    /// log's name without `.jsonl`.
    ///
    /// # Errors
    /// There is no such log, its owner lives, or it cannot be moved.
    pub async fn forget(&self, injection: &str) -> Result<Forgotten, EngineError> {
        let (shared, injection) = (Arc::clone(&self.shared), injection.to_owned());
        self.shared
            .warden
            .run(async move { forget(&shared.dir, &injection) })
            .await?
            .map_err(EngineError::UndoLog)
    }

    /// How many injections of dead owners wait to be recovered. Recovers none.
    ///
    /// # Errors
    /// The directory of the undo log cannot be read or trusted.
    pub async fn orphans(&self) -> Result<usize, EngineError> {
        let shared = Arc::clone(&self.shared);
        let scan = self
            .shared
            .warden
            .run(async move { Scan::orphans(&shared.dir) })
            .await?;
        let scan = scan.map_err(EngineError::UndoLog)?;
        Ok(scan
            .found
            .iter()
            .filter(|found| found.orphan.is_some())
            .count()
            + scan.unreadable.len())
    }

    /// Whether the undo log could be written, were it needed. Makes nothing.
    ///
    /// # Errors
    /// There is no place for it, or that place cannot be written or trusted.
    pub fn check_undo_log(&self) -> Result<(), EngineError> {
        self.shared
            .dir
            .could_be_used()
            .map_err(EngineError::UndoLog)
    }

    /// Where the undo log is; it is made when the first change of the host is planned.
    pub fn undo_log(&self) -> &std::path::Path {
        self.shared.dir.path()
    }

    /// What there is, by name.
    pub fn registry(&self) -> &Registry {
        &self.shared.registry
    }

    pub(crate) fn session(
        &self,
        faults: Placements,
        seed: Seed,
        max_duration: Duration,
        protected: &[String],
    ) -> SessionHandle {
        let protected = self
            .shared
            .protected
            .iter()
            .chain(protected)
            .cloned()
            .collect();
        SessionHandle::open(
            Arc::clone(&self.shared),
            fresh_id(),
            faults.0,
            seed,
            max_duration,
            protected,
        )
    }
}

/// What the conformance suite looks at.
#[cfg(feature = "testing")]
impl Engine {
    pub(crate) fn context(&self, injection: &InjectionId, seed: u64) -> Context {
        self.shared.context(injection, "0-0", Seed::new(seed))
    }

    /// The records of all logs that are not undone.
    pub(crate) fn outstanding(&self) -> Vec<crate::UndoRecord> {
        let found = Scan::look(&self.shared.dir)
            .map(|scan| scan.found)
            .unwrap_or_default();
        found
            .iter()
            .flat_map(|found| crate::undo_log::Entry::outstanding(&found.entries))
            .map(|o| o.undo)
            .collect()
    }

    pub(crate) async fn on_warden<T: Send + 'static>(
        &self,
        job: impl Future<Output = Result<T, FaultError>> + Send + 'static,
    ) -> Result<T, FaultError> {
        let result = self.shared.warden.run(job).await;
        result.unwrap_or_else(|e| Err(FaultError::host("reach the warden", e)))
    }
}

/// A name that sorts by time and that no other injection of this machine has.
fn fresh_id() -> InjectionId {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    InjectionId::new(format!(
        "{:011x}-{}-{n}",
        now.as_millis(),
        std::process::id()
    ))
}
