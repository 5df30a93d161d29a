//! Whole experiments: the phases, and everything that can end them.

use chaos_core::{
    BoxError, Edge, EdgeKind, EngineError, Event, Experiment, Observer, Outcome, Phase, Probe,
    RunHandle, Seed, Steady, Stop, StopReason, Tolerance, Value, Verdict, async_trait,
    testing::World,
};
use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// True while nothing lies around.
#[derive(Debug, Clone)]
struct Clean(PathBuf);

#[async_trait]
impl Probe for Clean {
    async fn sample(&self) -> Result<Value, BoxError> {
        Ok(Value::Flag(std::fs::read_dir(&self.0)?.next().is_none()))
    }
}

/// Writes down what it is told.
#[derive(Debug, Default)]
struct Diary {
    events: Mutex<Vec<String>>,
    steady: AtomicBool,
    finished: AtomicBool,
}

#[async_trait]
impl Observer for Diary {
    async fn start(&self, _: &RunHandle) -> Result<(), BoxError> {
        Ok(())
    }
    fn on(&self, event: &Event) {
        let line = match event {
            Event::PhaseStarted { phase, .. } => format!("{phase} starts"),
            Event::PhaseEnded { phase, .. } => format!("{phase} ends"),
            Event::Edge(Edge { kind, fault, .. }) => format!("{fault} {kind:?}"),
            Event::Stopping { reason, .. } => format!("stopping: {reason}"),
            Event::Finished { outcome, .. } => format!("finished: {outcome}"),
            _ => "?".into(),
        };
        self.events.lock().unwrap().push(line);
    }
    fn steady(&self) -> Verdict {
        if self.steady.load(Ordering::SeqCst) {
            Verdict::Held
        } else {
            Verdict::unknown("not told yet")
        }
    }
    async fn finish(&self) {
        self.finished.store(true, Ordering::SeqCst);
    }
}

impl Diary {
    fn calm() -> Arc<Self> {
        let diary = Self::default();
        diary.steady.store(true, Ordering::SeqCst);
        Arc::new(diary)
    }
}

fn experiment(world: &World) -> Experiment {
    Experiment::named("litter")
        .baseline(ms(100))
        .hold(ms(200))
        .recovery_limit(ms(2000))
        .fault(world.litter())
        .probe("clean", ms(10), Clean(world.host()))
}

fn clean_before_and_after() -> Steady {
    Steady::new("clean", Tolerance::Is(Value::Flag(true)))
}

#[tokio::test]
async fn a_run_goes_through_its_phases_and_tells_its_observers() {
    let world = World::new();
    let diary = Diary::calm();
    let observer: Arc<dyn Observer> = diary.clone();
    let experiment = experiment(&world)
        .hold(ms(1000))
        .hypothesis(clean_before_and_after())
        .observer(observer)
        .seed(Seed::new(7));
    let run = world.engine().await.run(&experiment).await.unwrap();
    assert_eq!(run.outcome, Outcome::Held, "{run:?}");
    assert_eq!(
        *diary.events.lock().unwrap(),
        [
            "baseline starts",
            "baseline ends",
            "fault starts",
            "test.litter Injected",
            "test.litter Recovered",
            "fault ends",
            "recovery starts",
            "recovery ends",
            "finished: held"
        ]
    );
    assert!(diary.finished.load(Ordering::SeqCst));
    let (injected, recovered) = (run.injected().unwrap(), run.recovered().unwrap());
    assert!(
        recovered - injected >= ms(1000) && recovered - injected < ms(2500),
        "{injected:?} {recovered:?}"
    );
    let fault = run.phase(Phase::Fault).unwrap();
    assert!(fault.start <= injected && recovered <= fault.end);
    let seen = run.samples.between(injected, recovered - ms(20));
    assert!(seen.of("clean").len() > 5, "{}", seen.of("clean").len());
    assert!(
        seen.of("clean")
            .iter()
            .skip(1)
            .all(|s| s.value == Value::Flag(false)),
        "the fault is seen by the probe"
    );
    assert_eq!((run.changes.len(), run.seed), (3, Seed::new(7)));
    assert_eq!(world.left(), (0, 0));
}

#[tokio::test]
async fn a_run_is_read_back_from_its_json() {
    let world = World::new();
    let run = world.engine().await.run(&experiment(&world)).await.unwrap();
    let json = serde_json::to_string(&run).unwrap();
    let back: chaos_core::Run = serde_json::from_str(&json).unwrap();
    assert_eq!(serde_json::to_string(&back).unwrap(), json);
}

#[tokio::test]
async fn what_is_not_steady_before_is_not_broken() {
    let world = World::new();
    std::fs::write(world.host().join("dirt"), "").unwrap();
    let run = world
        .engine()
        .await
        .run(&experiment(&world).hypothesis(clean_before_and_after()))
        .await
        .unwrap();
    assert!(
        matches!(run.outcome, Outcome::NotSteady { .. }),
        "{}",
        run.outcome
    );
    assert!(run.edges.is_empty() && run.phase(Phase::Fault).is_none());
    assert_eq!(world.left(), (1, 0));
}

#[tokio::test]
async fn a_hypothesis_that_fails_during_the_fault_deviates() {
    let world = World::new();
    let always = clean_before_and_after().also_during_the_fault();
    let run = world
        .engine()
        .await
        .run(&experiment(&world).hypothesis(always))
        .await
        .unwrap();
    assert!(
        matches!(run.outcome, Outcome::Deviated { .. }),
        "{}",
        run.outcome
    );
    assert_eq!(world.left(), (0, 0));
}

#[tokio::test]
async fn what_does_not_become_steady_again_deviates_after_the_limit() {
    #[derive(Debug)]
    struct OnceOnly(AtomicBool);
    #[async_trait]
    impl Probe for OnceOnly {
        async fn sample(&self) -> Result<Value, BoxError> {
            Ok(Value::Flag(self.0.load(Ordering::SeqCst)))
        }
    }
    #[derive(Debug, Clone)]
    struct Breaker(Arc<OnceOnly>, PathBuf);
    #[async_trait]
    impl Probe for Breaker {
        async fn sample(&self) -> Result<Value, BoxError> {
            if std::fs::read_dir(&self.1)?.next().is_some() {
                self.0.0.store(false, Ordering::SeqCst);
            }
            self.0.sample().await
        }
    }
    let world = World::new();
    let probe = Breaker(Arc::new(OnceOnly(AtomicBool::new(true))), world.host());
    let experiment = Experiment::named("breaks for good")
        .baseline(ms(50))
        .hold(ms(100))
        .recovery_limit(ms(300))
        .fault(world.litter())
        .probe("works", ms(10), probe)
        .hypothesis(Steady::new("works", Tolerance::Is(Value::Flag(true))));
    let run = world.engine().await.run(&experiment).await.unwrap();
    assert!(
        matches!(&run.outcome, Outcome::Deviated { why } if why.contains("not steady again within 300ms")),
        "{}",
        run.outcome
    );
    assert_eq!(world.left(), (0, 0));
}

#[tokio::test]
async fn a_refused_run_touches_nothing_and_tells_nobody() {
    let world = World::new();
    let diary = Diary::calm();
    let observer: Arc<dyn Observer> = diary.clone();
    let experiment = experiment(&world).protect("yard").observer(observer);
    let error = world.engine().await.run(&experiment).await.unwrap_err();
    assert!(matches!(error, EngineError::Refused(_)), "{error}");
    assert!(diary.events.lock().unwrap().is_empty());
    assert_eq!(world.left(), (0, 0));
}

#[tokio::test]
async fn stopped_in_each_phase_it_recovers_and_says_so() {
    for (phase, by) in [
        (Phase::Baseline, "Ctrl-C"),
        (Phase::Fault, "SIGTERM"),
        (Phase::Recovery, "Ctrl-C"),
    ] {
        let world = World::new();
        let stop = Stop::new();
        #[derive(Debug)]
        struct StopIn(Phase, &'static str, Stop);
        #[async_trait]
        impl Observer for StopIn {
            async fn start(&self, _: &RunHandle) -> Result<(), BoxError> {
                Ok(())
            }
            fn on(&self, event: &Event) {
                if matches!(event, Event::PhaseStarted { phase, .. } if *phase == self.0) {
                    self.2
                        .request(StopReason::Interrupted { by: self.1.into() });
                }
            }
            fn steady(&self) -> Verdict {
                Verdict::Held
            }
            async fn finish(&self) {}
        }
        let mut experiment = experiment(&world)
            .hold(Duration::from_secs(60))
            .baseline(ms(50));
        experiment = if phase == Phase::Recovery {
            experiment.hold(ms(50))
        } else {
            experiment
        };
        let experiment = experiment.observer(Arc::new(StopIn(phase, by, stop.clone())));
        let run = world
            .engine()
            .await
            .run_until(&experiment, &stop)
            .await
            .unwrap();
        assert_eq!(
            run.outcome,
            Outcome::Interrupted { by: by.into() },
            "{phase}"
        );
        assert_eq!(run.stopped, Some(StopReason::Interrupted { by: by.into() }));
        assert_eq!(
            run.injected().is_some(),
            phase != Phase::Baseline,
            "{phase}"
        );
        assert_eq!(world.left(), (0, 0), "{phase}");
        assert!(run.took < Duration::from_secs(5));
    }
}

#[tokio::test]
async fn an_observer_ends_the_run_and_is_named() {
    let world = World::new();
    #[derive(Debug, Default)]
    struct TooManyErrors(Mutex<Option<RunHandle>>);
    #[async_trait]
    impl Observer for TooManyErrors {
        async fn start(&self, run: &RunHandle) -> Result<(), BoxError> {
            *self.0.lock().unwrap() = Some(run.clone());
            Ok(())
        }
        fn on(&self, event: &Event) {
            if matches!(event, Event::Edge(edge) if edge.kind == EdgeKind::Injected) {
                self.0
                    .lock()
                    .unwrap()
                    .as_ref()
                    .unwrap()
                    .stop("error_rate > 50%");
            }
        }
        fn steady(&self) -> Verdict {
            Verdict::Held
        }
        async fn finish(&self) {}
    }
    let experiment = experiment(&world)
        .hold(Duration::from_secs(60))
        .observer(Arc::new(TooManyErrors::default()));
    let run = world.engine().await.run(&experiment).await.unwrap();
    assert_eq!(
        run.outcome,
        Outcome::Aborted {
            by: "error_rate > 50%".into()
        }
    );
    assert_eq!(world.left(), (0, 0));
}

#[tokio::test]
async fn an_observer_that_panics_stops_nothing_and_is_told() {
    let world = World::new();
    #[derive(Debug)]
    struct Clumsy;
    #[async_trait]
    impl Observer for Clumsy {
        async fn start(&self, _: &RunHandle) -> Result<(), BoxError> {
            Ok(())
        }
        fn on(&self, _: &Event) {
            panic!("clumsy")
        }
        fn steady(&self) -> Verdict {
            Verdict::Held
        }
        async fn finish(&self) {
            panic!("clumsy to the end")
        }
    }
    let run = world
        .engine()
        .await
        .run(&experiment(&world).observer(Arc::new(Clumsy)))
        .await
        .unwrap();
    assert_eq!(run.outcome, Outcome::Held);
    assert_eq!(run.warnings.len(), 2, "{:?}", run.warnings);
    assert_eq!(world.left(), (0, 0));
}

#[tokio::test]
async fn an_observer_that_cannot_start_keeps_the_fault_away() {
    let world = World::new();
    #[derive(Debug)]
    struct NoConnection;
    #[async_trait]
    impl Observer for NoConnection {
        async fn start(&self, _: &RunHandle) -> Result<(), BoxError> {
            Err("connection refused".into())
        }
        fn on(&self, _: &Event) {}
        fn steady(&self) -> Verdict {
            Verdict::Held
        }
        async fn finish(&self) {}
    }
    let run = world
        .engine()
        .await
        .run(&experiment(&world).observer(Arc::new(NoConnection)))
        .await
        .unwrap();
    assert!(
        matches!(&run.outcome, Outcome::NotSteady { why } if why.contains("connection refused"))
    );
    assert!(run.edges.is_empty());
}

#[tokio::test]
async fn an_observer_that_cannot_tell_is_inconclusive_and_nothing_is_injected() {
    #[derive(Debug)]
    struct Blind;
    #[async_trait]
    impl Observer for Blind {
        async fn start(&self, _: &RunHandle) -> Result<(), BoxError> {
            Ok(())
        }
        fn on(&self, _: &Event) {}
        fn steady(&self) -> Verdict {
            Verdict::unknown("too busy to look")
        }
        async fn finish(&self) {}
    }
    let world = World::new();
    let blind = experiment(&world).observer(Arc::new(Blind));
    let run = world.engine().await.run(&blind).await.unwrap();
    assert!(
        matches!(&run.outcome, Outcome::Inconclusive { why } if why.contains("nothing was injected: too busy")),
        "{}",
        run.outcome
    );
    assert!(run.edges.is_empty() && run.phase(Phase::Fault).is_none());
    // What did not hold is told before what cannot be.
    std::fs::write(world.host().join("dirt"), "").unwrap();
    let blind = blind.hypothesis(clean_before_and_after());
    let run = world.engine().await.run(&blind).await.unwrap();
    assert!(matches!(run.outcome, Outcome::NotSteady { .. }));
}

/// A probe that does something bad when told.
#[derive(Debug, Clone)]
struct Nasty {
    world: Clean,
    during: Phase,
    panic: bool,
    recovered: Arc<AtomicBool>,
}

#[async_trait]
impl Probe for Nasty {
    async fn sample(&self) -> Result<Value, BoxError> {
        let clean = self.world.sample().await? == Value::Flag(true);
        let phase = match (clean, self.recovered.load(Ordering::SeqCst)) {
            (false, _) => Phase::Fault,
            (true, false) => Phase::Baseline,
            (true, true) => Phase::Recovery,
        };
        if !clean {
            self.recovered.store(true, Ordering::SeqCst);
        }
        if phase == self.during {
            assert!(!self.panic, "the probe panics in the {phase}");
            std::future::pending::<()>().await;
        }
        Ok(Value::Flag(true))
    }
}

#[tokio::test]
async fn a_probe_that_panics_or_hangs_in_any_phase_leaves_nothing_and_is_told() {
    for during in Phase::ALL {
        for panic in [true, false] {
            let world = World::new();
            let probe = Nasty {
                world: Clean(world.host()),
                during,
                panic,
                recovered: Arc::new(AtomicBool::new(false)),
            };
            let experiment = Experiment::named("nasty")
                .baseline(ms(200))
                .hold(ms(1200))
                .recovery_limit(ms(1500))
                .fault(world.litter())
                .probe("nasty", ms(20), probe)
                .hypothesis(
                    Steady::new("nasty", Tolerance::Is(Value::Flag(true))).also_during_the_fault(),
                );
            let run = world.engine().await.run(&experiment).await.unwrap();
            match during {
                Phase::Baseline => {
                    assert!(
                        matches!(run.outcome, Outcome::NotSteady { .. }),
                        "{during} {panic}: {}",
                        run.outcome
                    );
                }
                _ => assert!(
                    matches!(run.outcome, Outcome::Deviated { .. }),
                    "{during} {panic}: {}",
                    run.outcome
                ),
            }
            if panic {
                let said = run.outcome.to_string();
                assert!(said.contains("the probe panicked"), "{said}");
            }
            assert_eq!(world.left(), (0, 0), "{during} {panic}");
        }
    }
}

#[test]
fn a_run_whose_future_or_runtime_is_dropped_in_any_phase_is_recovered() {
    for phase in Phase::ALL {
        for drop_runtime in [true, false] {
            let world = World::new();
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()
                .unwrap();
            let diary = Arc::new(Diary::default());
            diary
                .steady
                .store(phase != Phase::Recovery, Ordering::SeqCst);
            let observer: Arc<dyn Observer> = diary.clone();
            let hold = if phase == Phase::Fault {
                Duration::from_secs(60)
            } else {
                ms(100)
            };
            let baseline = if phase == Phase::Baseline {
                Duration::from_secs(60)
            } else {
                ms(50)
            };
            let engine = runtime.block_on(world.engine());
            // The observer holds still at the end of the baseline, and is never steady again after the fault.
            let experiment = experiment(&world)
                .baseline(baseline)
                .hold(hold)
                .recovery_limit(Duration::from_secs(60));
            let experiment = experiment.observer(observer);
            if phase == Phase::Recovery {
                diary.steady.store(true, Ordering::SeqCst);
            }
            let task = runtime.spawn(async move { engine.run(&experiment).await });
            let wanted = format!("{phase} starts");
            let start = std::time::Instant::now();
            while !diary.events.lock().unwrap().contains(&wanted) {
                if diary
                    .events
                    .lock()
                    .unwrap()
                    .iter()
                    .any(|e| e == "fault starts")
                    && phase == Phase::Recovery
                {
                    diary.steady.store(false, Ordering::SeqCst);
                }
                assert!(
                    start.elapsed() < Duration::from_secs(10),
                    "{phase} never started"
                );
                std::thread::sleep(ms(2));
            }
            while phase == Phase::Fault && world.pieces() < 3 {
                assert!(start.elapsed() < Duration::from_secs(10), "never in place");
                std::thread::sleep(ms(2));
            }
            if drop_runtime {
                drop(runtime);
            } else {
                task.abort();
                runtime.block_on(async { task.await.unwrap_err() });
            }
            assert_eq!(world.left(), (0, 0), "{phase} {drop_runtime}");
        }
    }
}

#[tokio::test]
async fn a_target_that_hangs_is_refused() {
    use chaos_core::{Context, Engine, FaultError, FaultExt, Site, Target, testing::Litter};
    #[derive(Debug, Clone)]
    struct Hangs;
    #[async_trait]
    impl Target for Hangs {
        fn describe(&self) -> String {
            "a target that hangs".into()
        }
        async fn sites(&self, _: &Context) -> Result<Vec<Site>, FaultError> {
            std::future::pending().await
        }
    }
    let world = World::new();
    let engine = Engine::builder()
        .registry(World::registry())
        .state_dir(world.state())
        .step_limit(ms(100))
        .open()
        .await
        .unwrap();
    let experiment = Experiment::named("hangs").fault(Litter::pieces(1).on(&Hangs));
    let error = engine.run(&experiment).await.unwrap_err();
    assert!(error.to_string().contains("a target that hangs"), "{error}");
    assert_eq!(world.left(), (0, 0));
}

#[tokio::test]
async fn a_fault_that_was_lost_half_way_makes_the_run_inconclusive() {
    let world = World::new();
    #[derive(Debug)]
    struct Thief(PathBuf);
    #[async_trait]
    impl Observer for Thief {
        async fn start(&self, _: &RunHandle) -> Result<(), BoxError> {
            Ok(())
        }
        fn on(&self, event: &Event) {
            if matches!(event, Event::Edge(edge) if edge.kind == EdgeKind::Injected) {
                for piece in std::fs::read_dir(&self.0).unwrap().flatten() {
                    std::fs::remove_file(piece.path()).unwrap();
                }
            }
        }
        fn steady(&self) -> Verdict {
            Verdict::Held
        }
        async fn finish(&self) {}
    }
    let thief = Arc::new(Thief(world.host()));
    let run = world
        .engine()
        .await
        .run(&experiment(&world).observer(thief))
        .await
        .unwrap();
    assert!(
        matches!(run.outcome, Outcome::Inconclusive { .. }),
        "{}",
        run.outcome
    );
    assert!(run.edges.iter().any(|edge| edge.kind == EdgeKind::Lost));
}

/// A fault whose target answers again some time after its recovery, or never.
#[derive(Debug, Clone)]
struct SlowToAnswer(Option<Duration>);

#[derive(Debug)]
struct Answers {
    after: Option<Duration>,
    asked: Mutex<Option<std::time::Instant>>,
}

#[async_trait]
impl chaos_core::Ready for Answers {
    fn describe(&self) -> String {
        "the server answers".into()
    }
    async fn ready(&self) -> Result<(), BoxError> {
        let first = *self
            .asked
            .lock()
            .unwrap()
            .get_or_insert_with(std::time::Instant::now);
        match self.after {
            Some(after) if first.elapsed() >= after => Ok(()),
            _ => Err("not yet".into()),
        }
    }
}

#[async_trait]
impl chaos_core::Fault for SlowToAnswer {
    fn kind(&self) -> &'static str {
        "test.slow_to_answer"
    }
    fn needs(&self, _: &chaos_core::Site) -> chaos_core::Needs {
        chaos_core::Needs::none()
    }
    async fn plan(
        &self,
        _: &[chaos_core::Site],
        _: &chaos_core::Context,
    ) -> Result<chaos_core::Plan, chaos_core::FaultError> {
        let answers = Answers {
            after: self.0,
            asked: Mutex::default(),
        };
        Ok(chaos_core::Plan::new()
            .then_in_process(self.clone())
            .ready_when(answers))
    }
}

impl chaos_core::InProcess for SlowToAnswer {
    type Held = Self;
    fn change(&self) -> chaos_core::Change {
        chaos_core::Change::new("be slow", "server", chaos_core::Reach::Process)
    }
    fn apply(&self) -> Result<Self, chaos_core::FaultError> {
        Ok(self.clone())
    }
}

impl chaos_core::Held for SlowToAnswer {
    fn in_place(&self) -> bool {
        true
    }
    fn hits(&self) -> Option<u64> {
        Some(1)
    }
    fn release(self) -> Result<(), chaos_core::FaultError> {
        Ok(())
    }
}

#[tokio::test]
async fn the_end_of_the_fault_and_the_answer_of_the_target_have_stamps_of_their_own() {
    use chaos_core::{FaultExt, Host};
    let engine = World::new().engine().await;
    let experiment = |after| {
        Experiment::named("slow to answer")
            .baseline(ms(10))
            .hold(ms(50))
            .recovery_limit(ms(800))
            .fault(SlowToAnswer(after).on(&Host))
    };
    let run = engine.run(&experiment(Some(ms(300)))).await.unwrap();
    assert_eq!(run.outcome, Outcome::Held);
    let answered = run
        .edges
        .iter()
        .find(|edge| edge.kind == EdgeKind::Answered)
        .unwrap();
    let took = answered.confirmed - run.recovered().unwrap();
    assert!(took >= ms(300) && took < ms(800), "{took:?}");

    let run = engine.run(&experiment(None)).await.unwrap();
    assert!(
        matches!(&run.outcome, Outcome::Deviated { why } if why.contains("the server answers")),
        "{}",
        run.outcome
    );
}

#[tokio::test]
async fn a_fault_that_would_start_after_the_end_is_refused() {
    let world = World::new();
    let late = experiment(&world).fault(world.litter().after(ms(200)));
    let error = world.engine().await.run(&late).await.unwrap_err();
    assert!(
        chaos_core::Chain(&error)
            .to_string()
            .contains("faults[1].after"),
        "{error}"
    );
    let error = world
        .engine()
        .await
        .run(&experiment(&world).hold(ms(0)))
        .await
        .unwrap_err();
    assert!(
        chaos_core::Chain(&error)
            .to_string()
            .contains("no time at all"),
        "{error}"
    );
    assert_eq!(world.left(), (0, 0));
}

#[tokio::test]
async fn a_round_that_is_cut_short_by_the_next_one_is_told() {
    let world = World::new();
    for (slow, told) in [(0, false), (500, true)] {
        let litter = world.litter_with(|litter| (litter.pieces, litter.slow_ms) = (1, slow));
        let experiment = Experiment::named("slow to start")
            .baseline(ms(10))
            .hold(ms(1500))
            .recovery_limit(ms(2000))
            .fault(litter.hold(ms(600)).every(ms(800)));
        let run = world.engine().await.run(&experiment).await.unwrap();
        let cut = |warning: &String| warning.contains("was in place for");
        assert_eq!(run.warnings.iter().any(cut), told, "{:?}", run.warnings);
        assert_eq!(world.left(), (0, 0));
    }
}

#[tokio::test]
async fn a_probe_that_never_sees_anything_is_told_and_holds_nothing() {
    #[derive(Debug)]
    struct Blind;
    #[async_trait]
    impl Probe for Blind {
        async fn sample(&self) -> Result<Value, BoxError> {
            Err("it is dark".into())
        }
    }
    let world = World::new();
    let experiment = experiment(&world).probe("blind", ms(20), Blind);
    let run = world.engine().await.run(&experiment).await.unwrap();
    assert!(
        matches!(&run.outcome, Outcome::Inconclusive { why } if why.contains("`blind`") && why.contains("it is dark")),
        "{}",
        run.outcome
    );
    assert!(
        run.warnings.iter().any(|w| w.contains("`blind`")),
        "{:?}",
        run.warnings
    );
    assert_eq!(world.left(), (0, 0));
}

#[tokio::test]
async fn what_cannot_be_undone_is_over_and_not_recovered() {
    #[derive(Debug, Clone)]
    struct Bang;
    #[async_trait]
    impl chaos_core::OneWay for Bang {
        fn change(&self) -> chaos_core::Change {
            chaos_core::Change::new("bang", "bang", chaos_core::Reach::Process)
        }
        async fn apply(&self, _: &chaos_core::Context) -> Result<(), chaos_core::FaultError> {
            Ok(())
        }
    }
    #[async_trait]
    impl chaos_core::Fault for Bang {
        fn kind(&self) -> &'static str {
            "test.bang"
        }
        fn needs(&self, _: &chaos_core::Site) -> chaos_core::Needs {
            chaos_core::Needs::none()
        }
        async fn plan(
            &self,
            _: &[chaos_core::Site],
            _: &chaos_core::Context,
        ) -> Result<chaos_core::Plan, chaos_core::FaultError> {
            Ok(chaos_core::Plan::new().then_one_way(Bang, "what is gone is gone"))
        }
    }
    let world = World::new();
    let bang = chaos_core::FaultExt::on(Bang, &chaos_core::Host).allow_irreversible();
    let experiment = Experiment::named("bang")
        .baseline(ms(20))
        .hold(ms(50))
        .recovery_limit(ms(500))
        .fault(bang);
    let run = world.engine().await.run(&experiment).await.unwrap();
    let kinds: Vec<EdgeKind> = run.edges.iter().map(|edge| edge.kind).collect();
    assert_eq!(kinds, [EdgeKind::Injected, EdgeKind::Over]);
    assert!(run.recovered() > run.injected());
}
