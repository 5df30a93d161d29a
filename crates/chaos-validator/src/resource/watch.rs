//! The observer.

use super::{
    phases::Resources,
    point::ResourcePoint,
    sampler::{Board, Sampler},
    watched::{Finder, Found, Watched},
};
use crate::measure::Windows;
use chaos_core::{
    BoxError, Engine, Event, Experiment, Observer, ProcessId, RunHandle, Site, Target, Verdict,
    async_trait,
};
use std::{
    collections::BTreeSet,
    fmt::Display,
    future::ready,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// How often it is looked when nothing is said, and at most.
const USUAL: Duration = Duration::from_secs(1);
const LEAST: Duration = Duration::from_millis(100);
/// How long a run waits at its end for the last look.
const PATIENCE: Duration = Duration::from_secs(2);

/// Watches what targets use while they are broken: CPU time, memory, descriptors and threads. Linux only; elsewhere it
/// sees nothing. [`run`](crate::run) has one for the targets of the faults already.
///
/// # Behavior
/// - A site with a cgroup of its own is read from `cpu.stat`, `memory.current`, `memory.peak` and `pids.current`
///   (Documentation/admin-guide/cgroup-v2.rst); any other from `/proc/PID/stat`, `status` and `fd` (`proc(5)`). Of a process
///   its children are not counted.
/// - Another process that gets the pid of one that ended is not taken for it.
/// - A target that is gone is looked for again, every second and after a minute every five. The time in which it was not
///   there is a gap.
/// - It only reads, on a thread of its own. It judges nothing, and ends no run.
/// - Of a run of any length at most 2048 points are kept per site: they get longer, and their peaks stay.
///
/// # Examples
/// ```no_run
/// # use chaos_core::{Engine, EngineError, Experiment};
/// # use chaos_validator::{HttpLoad, ResourceWatch, Slos};
/// # use std::sync::Arc;
/// # async fn example(engine: Engine, experiment: Experiment, load: HttpLoad) -> Result<(), EngineError> {
/// let database = Arc::new(ResourceWatch::pid(4711));
/// let experiment = experiment.observer(database.clone());
/// let report = chaos_validator::run(&engine, experiment, load, &Slos::default()).await?;
/// println!("{}", report.with_resources(&database));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct ResourceWatch {
    every: Duration,
    board: Board,
    sampler: Mutex<Option<Sampler>>,
}

impl ResourceWatch {
    /// Watches nobody yet, every second.
    pub fn new() -> Self {
        Self {
            every: USUAL,
            board: Board::default(),
            sampler: Mutex::default(),
        }
    }

    /// The targets of the faults of an experiment, each once. Those that have neither a process nor a cgroup are left out.
    pub fn of(engine: &Engine, experiment: &Experiment) -> Self {
        let mut met = BTreeSet::new();
        let new = experiment
            .faults()
            .iter()
            .filter(|placed| met.insert(placed.target()));
        new.fold(Self::new(), |watch, placed| {
            watch.target(engine, Arc::clone(placed.aimed_at()))
        })
    }

    /// The process that has this pid now. Nobody who gets it later.
    pub fn pid(pid: u32) -> Self {
        let site = Site::named("process", format!("pid {pid}"));
        let site = match ProcessId::of(pid) {
            Ok(id) => site.with_pid(id),
            Err(error) => {
                tracing::warn!(pid, %error, "a process cannot be watched");
                site
            }
        };
        Self::new().and(format!("process {pid}"), site)
    }

    /// The process or the cgroup of this site.
    pub fn site(site: Site) -> Self {
        Self::new().and(site.to_string(), site)
    }

    /// The cgroup of this directory, with all that is in it. Removed and made again, it is watched again.
    pub fn cgroup(name: impl Into<String>, dir: impl Into<PathBuf>) -> Self {
        let name = name.into();
        let site = Site::named("cgroup", &name).with_cgroup(dir);
        Self::new().and(name, site)
    }

    /// Adds a site under a name.
    #[must_use]
    pub fn and(self, name: impl Display, site: Site) -> Self {
        let find = move || ready(Ok(vec![site.clone()]));
        self.finding(name, find)
    }

    /// Adds a target: all of its sites, as they are when they are looked for.
    #[must_use]
    pub fn target(self, engine: &Engine, target: Arc<dyn Target>) -> Self {
        let (engine, name) = (engine.clone(), target.describe());
        self.finding(name, move || {
            let (engine, target) = (engine.clone(), Arc::clone(&target));
            async move { engine.sites(&target).await }
        })
    }

    fn finding<F>(self, name: impl Display, find: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Found> + Send + 'static,
    {
        let finder = Finder(Arc::new(move || Box::pin(find())));
        self.board
            .lock()
            .push(Watched::new(name.to_string(), finder));
        self
    }

    /// How often it is looked. Default: every second; at most ten times per second, for the kernel counts the CPU time of a
    /// process in hundredths of a second.
    #[must_use]
    pub fn every(mut self, every: Duration) -> Self {
        self.every = every.max(LEAST);
        self
    }

    /// What was seen so far, in the parts of the run.
    pub fn resources(&self, windows: &Windows) -> Resources {
        let board = self.board.lock();
        let sites = board.iter().flat_map(|w| w.report(self.every, windows));
        Resources {
            sites: sites.filter(|_| cfg!(target_os = "linux")).collect(),
        }
    }

    /// The newest sample of each site by its name; none before the second look.
    pub fn latest(&self) -> Vec<(String, ResourcePoint)> {
        let board = self.board.lock();
        let places = board.iter().flat_map(Watched::places);
        places
            .filter_map(|(name, slot)| Some((name, slot.latest()?)))
            .collect()
    }

    fn sampler(&self) -> Option<Sampler> {
        let mut sampler = self.sampler.lock().unwrap_or_else(PoisonError::into_inner);
        sampler.take()
    }
}

impl Default for ResourceWatch {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Observer for ResourceWatch {
    /// A machine that has no thread left is no reason to run nothing: then nothing is watched.
    async fn start(&self, run: &RunHandle) -> Result<(), BoxError> {
        drop(self.sampler());
        let nobody = {
            let mut board = self.board.lock();
            let afresh = board.iter().map(Watched::afresh).collect();
            *board = afresh;
            board.is_empty()
        };
        if nobody || !cfg!(target_os = "linux") {
            return Ok(());
        }
        match Sampler::start(self.board.clone(), run.epoch(), self.every) {
            Ok(started) => {
                *self.sampler.lock().unwrap_or_else(PoisonError::into_inner) = Some(started);
            }
            Err(error) => tracing::warn!(%error, "the targets cannot be watched"),
        }
        Ok(())
    }

    fn on(&self, _: &Event) {}

    fn steady(&self) -> Verdict {
        Verdict::Held
    }

    async fn finish(&self) {
        if let Some(sampler) = self.sampler() {
            sampler.finish(PATIENCE).await;
        }
    }
}
