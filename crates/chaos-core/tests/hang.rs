//! Everything that can hang: the target, the change, its undo, the look at it, the answer afterwards. Nothing
//! waits for it longer than it must, the host is put back, and the run says so.

use chaos_core::{
    Action, BoxError, Change, Context, EdgeKind, Engine, Event, Experiment, Fault, FaultError,
    FaultExt, Lifetime, Needs, Observer, OnLost, Outcome, Phase, Placed, Plan, Presence, Reach,
    Ready, Run, RunHandle, Site, Stop, StopReason, Target, Undo, Undone, Verdict, async_trait,
    testing::World,
};
use serde::{Deserialize, Serialize};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::time::{sleep, timeout};

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A file in the world that everything about hangs while a flag of that name is up.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Stuck {
    host: PathBuf,
    flags: PathBuf,
    name: String,
}

impl Stuck {
    fn file(&self) -> PathBuf {
        self.host.join(&self.name)
    }

    /// A hang that no file and no undo can be asked to remember: it ends when the flag is taken down.
    async fn pass(&self, flag: &str) {
        while self.flags.join(flag).exists() {
            sleep(ms(5)).await;
        }
    }

    fn look(&self) -> Presence {
        if self.file().exists() {
            Presence::InPlace
        } else {
            Presence::Gone
        }
    }
}

#[async_trait]
impl Target for Stuck {
    fn describe(&self) -> String {
        "stuck".into()
    }
    async fn sites(&self, _: &Context) -> Result<Vec<Site>, FaultError> {
        self.pass("sites").await;
        Ok(vec![Site::named("stuck", &self.name)])
    }
}

#[async_trait]
impl Fault for Stuck {
    fn kind(&self) -> &'static str {
        "test.stuck"
    }
    fn needs(&self, _: &Site) -> Needs {
        Needs::none()
    }
    async fn plan(&self, _: &[Site], _: &Context) -> Result<Plan, FaultError> {
        self.pass("plan").await;
        Ok(Plan::new().then(self.clone()).ready_when(self.clone()))
    }
}

#[async_trait]
impl Action for Stuck {
    type Undo = Self;
    fn change(&self) -> Change {
        Change::new(
            format!("create {}", self.name),
            &self.name,
            Reach::Namespace,
        )
    }
    fn undo(&self) -> Self {
        self.clone()
    }
    async fn apply(&self, _: &Context) -> Result<(), FaultError> {
        fs::write(self.file(), "ours").map_err(|e| FaultError::host("write", e))?;
        self.pass("apply").await;
        Ok(())
    }
}

#[async_trait]
impl Undo for Stuck {
    const KIND: &'static str = "test.unstick";
    const VERSION: u32 = 1;
    const LIFETIME: Lifetime = Lifetime::Disk;

    async fn undo(&self, _: &Context) -> Result<Undone, FaultError> {
        self.pass("undo").await;
        match fs::remove_file(self.file()) {
            Ok(()) => Ok(Undone::Reverted),
            Err(_) => Ok(Undone::AlreadyGone),
        }
    }
    async fn presence(&self, _: &Context) -> Result<Presence, FaultError> {
        self.pass("presence").await;
        Ok(self.look())
    }
}

#[async_trait]
impl Ready for Stuck {
    fn describe(&self) -> String {
        "stuck answers".into()
    }
    async fn ready(&self) -> Result<(), BoxError> {
        self.pass("ready").await;
        Ok(())
    }
}

/// A world, and the flags that make things in it hang.
struct Hanging {
    world: World,
    flags: tempfile::TempDir,
}

impl Hanging {
    fn new() -> Self {
        Self {
            world: World::new(),
            flags: tempfile::tempdir().unwrap(),
        }
    }

    fn flag(&self, name: &str) -> PathBuf {
        self.flags.path().join(name)
    }

    fn up(&self, name: &str) {
        fs::write(self.flag(name), "").unwrap();
    }

    fn down(&self, name: &str) {
        fs::remove_file(self.flag(name)).unwrap();
    }

    fn placed(&self, name: &str) -> Placed {
        let stuck = Stuck {
            host: self.world.host(),
            flags: self.flags.path().into(),
            name: name.into(),
        };
        stuck.clone().on(&stuck)
    }

    async fn engine(&self, step_limit: Duration) -> Engine {
        let mut registry = World::registry();
        registry.add_undo::<Stuck>();
        Engine::builder()
            .registry(registry)
            .state_dir(self.world.state())
            .step_limit(step_limit)
            .open()
            .await
            .unwrap()
    }
}

fn experiment(hold: Duration) -> Experiment {
    Experiment::named("stuck")
        .baseline(ms(20))
        .hold(hold)
        .recovery_limit(ms(300))
}

async fn wait_for(file: &Path) {
    while !file.exists() {
        sleep(ms(2)).await;
    }
}

/// Runs it, and fails when that takes longer than anything that hangs may take.
async fn run(engine: &Engine, experiment: &Experiment, stop: &Stop) -> Run {
    timeout(ms(20_000), engine.run_until(experiment, stop))
        .await
        .expect("the run hangs, too")
        .unwrap()
}

fn edges(run: &Run, kind: EdgeKind) -> usize {
    run.edges.iter().filter(|edge| edge.kind == kind).count()
}

#[tokio::test]
async fn a_change_that_hangs_is_given_up_undone_and_told() {
    let hanging = Hanging::new();
    hanging.up("apply");
    let engine = hanging.engine(ms(100)).await;
    let experiment = experiment(ms(300)).fault(hanging.placed("a"));
    let run = run(&engine, &experiment, &Stop::new()).await;
    assert!(
        matches!(&run.outcome, Outcome::Failed { why, left } if why.contains("create a") && left.is_empty()),
        "{}",
        run.outcome
    );
    assert_eq!(hanging.world.left(), (0, 0));
}

#[tokio::test]
async fn an_undo_that_hangs_for_a_while_is_tried_again() {
    let hanging = Hanging::new();
    let engine = hanging.engine(ms(150)).await;
    let experiment = experiment(ms(200)).fault(hanging.placed("a"));
    hanging.up("undo");
    let ran = async {
        let file = hanging.world.host().join("a");
        wait_for(&file).await;
        // The first attempt begins at 200 ms and is given up at 350.
        sleep(ms(300)).await;
        assert!(file.exists());
        hanging.down("undo");
    };
    let stop = Stop::new();
    let (run, ()) = tokio::join!(run(&engine, &experiment, &stop), ran);
    assert_eq!(run.outcome, Outcome::Held, "{run:#?}");
    assert_eq!(edges(&run, EdgeKind::Recovered), 1);
    assert_eq!(hanging.world.left(), (0, 0));
}

#[tokio::test]
async fn an_undo_that_hangs_for_ever_is_told_and_stays_in_the_log() {
    let hanging = Hanging::new();
    let engine = hanging.engine(ms(50)).await;
    let experiment = experiment(ms(100))
        .fault(hanging.placed("first"))
        .fault(hanging.world.litter());
    hanging.up("undo");
    let run = run(&engine, &experiment, &Stop::new()).await;
    let Outcome::Failed { left, .. } = &run.outcome else {
        panic!("{}", run.outcome)
    };
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(left[0].change.contains("create first"), "{left:?}");
    assert_eq!(hanging.world.pieces(), 1, "the other fault is undone");
    hanging.down("undo");
    let recovered = engine.recover_orphans().await.unwrap();
    assert!(
        recovered.is_clean() && recovered.reverted == 1,
        "{recovered:?}"
    );
    assert_eq!(hanging.world.left(), (0, 0));
}

#[tokio::test]
async fn a_look_that_hangs_delays_no_other_fault() {
    let hanging = Hanging::new();
    let engine = hanging.engine(ms(10_000)).await;
    let other = hanging.world.litter().hold(ms(1500));
    let experiment = experiment(ms(2500)).fault(hanging.placed("a")).fault(other);
    let ran = async {
        wait_for(&hanging.world.host().join("a")).await;
        sleep(ms(200)).await;
        hanging.up("presence");
        // The looks come each second.
        sleep(ms(2000)).await;
        hanging.down("presence");
    };
    let stop = Stop::new();
    let (run, ()) = tokio::join!(run(&engine, &experiment, &stop), ran);
    assert_eq!(run.outcome, Outcome::Held, "{run:#?}");
    let mut ended = run.edges.iter().filter(|edge| edge.index == 1);
    let (start, end) = (ended.next().unwrap(), ended.next().unwrap());
    let held = end.confirmed - start.confirmed;
    assert!(
        held >= ms(1450) && held < ms(1950),
        "{held:?} {:#?}",
        run.edges
    );
    assert_eq!(hanging.world.left(), (0, 0));
}

#[tokio::test]
async fn a_target_that_hangs_when_a_fault_comes_again_keeps_nobody_from_stopping() {
    for flag in ["sites", "plan"] {
        let hanging = Hanging::new();
        let engine = hanging.engine(ms(15_000)).await;
        let placed = hanging.placed("a").hold(ms(50)).every(ms(100));
        let experiment = experiment(ms(10_000))
            .fault(hanging.world.litter())
            .fault(placed);
        let stop = Stop::new();
        let stopping = async {
            wait_for(&hanging.world.host().join("a")).await;
            hanging.up(flag);
            sleep(ms(400)).await;
            stop.request(StopReason::Interrupted {
                by: "SIGTERM".into(),
            });
            Instant::now()
        };
        let (run, stopped) = tokio::join!(run(&engine, &experiment, &stop), stopping);
        assert!(
            stopped.elapsed() < ms(3000),
            "{flag}: {:?}",
            stopped.elapsed()
        );
        assert!(
            matches!(&run.outcome, Outcome::Interrupted { by } if by == "SIGTERM"),
            "{flag}: {}",
            run.outcome
        );
        assert_eq!(hanging.world.left(), (0, 0), "{flag}");
    }
}

#[tokio::test]
async fn a_target_that_hangs_when_a_fault_comes_again_ends_the_run() {
    let hanging = Hanging::new();
    let engine = hanging.engine(ms(200)).await;
    let placed = hanging.placed("a").hold(ms(50)).every(ms(100));
    let experiment = experiment(ms(10_000)).fault(placed);
    let hang = async {
        wait_for(&hanging.world.host().join("a")).await;
        hanging.up("sites");
    };
    let stop = Stop::new();
    let (run, ()) = tokio::join!(run(&engine, &experiment, &stop), hang);
    assert!(
        matches!(&run.outcome, Outcome::Aborted { by } if by.contains("resolve stuck")),
        "{}",
        run.outcome
    );
    assert!(run.took < ms(5000), "{:?}", run.took);
    assert_eq!(hanging.world.left(), (0, 0));
}

#[tokio::test]
async fn a_target_that_hangs_when_a_lost_fault_is_followed_is_told() {
    let hanging = Hanging::new();
    let engine = hanging.engine(ms(15_000)).await;
    let placed = hanging.placed("a").on_lost(OnLost::Follow);
    let experiment = experiment(ms(2000)).fault(placed);
    let lose = async {
        let file = hanging.world.host().join("a");
        wait_for(&file).await;
        sleep(ms(100)).await;
        hanging.up("sites");
        fs::remove_file(file).unwrap();
    };
    let stop = Stop::new();
    let (run, ()) = tokio::join!(run(&engine, &experiment, &stop), lose);
    assert!(
        matches!(&run.outcome, Outcome::Inconclusive { why } if why.contains("could not be followed")),
        "{}",
        run.outcome
    );
    assert!(run.took < ms(5000), "{:?}", run.took);
    assert_eq!(hanging.world.left(), (0, 0));
}

#[tokio::test]
async fn a_target_that_never_answers_again_is_not_waited_for_beyond_the_limit() {
    let hanging = Hanging::new();
    hanging.up("ready");
    let engine = hanging.engine(ms(5000)).await;
    let experiment = experiment(ms(100)).fault(hanging.placed("a"));
    let run = run(&engine, &experiment, &Stop::new()).await;
    assert!(
        matches!(&run.outcome, Outcome::Deviated { why } if why.contains("stuck answers")),
        "{}",
        run.outcome
    );
    assert!(run.took < ms(3000), "{:?}", run.took);
    assert_eq!(hanging.world.left(), (0, 0));
}

/// Makes a file of the directory of the logs once the baseline has begun.
#[derive(Debug)]
struct Spoils(PathBuf);

#[async_trait]
impl Observer for Spoils {
    async fn start(&self, _: &RunHandle) -> Result<(), BoxError> {
        Ok(())
    }
    fn on(&self, event: &Event) {
        if let Event::PhaseStarted {
            phase: Phase::Baseline,
            ..
        } = event
        {
            fs::remove_dir_all(&self.0).unwrap();
            fs::write(&self.0, "no directory").unwrap();
        }
    }
    fn steady(&self) -> Verdict {
        Verdict::Held
    }
    async fn finish(&self) {}
}

#[tokio::test]
async fn a_log_that_cannot_be_written_when_the_fault_is_due_aborts_the_run() {
    let hanging = Hanging::new();
    let engine = hanging.engine(ms(5000)).await;
    let experiment = experiment(ms(500))
        .baseline(ms(300))
        .fault(hanging.placed("a"))
        .observer(Arc::new(Spoils(hanging.world.logs())));
    let run = run(&engine, &experiment, &Stop::new()).await;
    assert!(
        matches!(&run.outcome, Outcome::Aborted { by } if by.contains("undo log")),
        "{}",
        run.outcome
    );
    assert_eq!(hanging.world.pieces(), 0);
}

#[tokio::test]
async fn a_target_is_looked_at_without_a_fault_and_no_longer_than_a_step_may_take() {
    let hanging = Hanging::new();
    let engine = hanging.engine(ms(200)).await;
    let placed = hanging.placed("a");
    let sites = engine.sites(placed.aimed_at()).await.unwrap();
    assert_eq!(sites[0].to_string(), "stuck a");
    hanging.up("sites");
    let error = engine.sites(placed.aimed_at()).await.unwrap_err();
    assert!(matches!(error, FaultError::TimedOut { .. }), "{error}");
    assert_eq!(hanging.world.left(), (0, 0));
}
