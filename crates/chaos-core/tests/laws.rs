//! The laws of the engine, each with a test that fails when it is broken.

use chaos_core::{
    Action, Chain, Change, Context, Engine, EngineError, Experiment, Fault, FaultError, FaultExt,
    Host, Lifetime, Needs, OneWay, Parameters, Placed, Plan, Presence, Reach, RefusalReason,
    Registry, Secret, Site, Undo, Undone, async_trait,
    testing::{Litter, World, Yard},
};
use serde::{Deserialize, Serialize};
use std::{
    fs,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

fn refusals(error: EngineError) -> Vec<RefusalReason> {
    match error {
        EngineError::Refused(refusals) => refusals.into_iter().map(|r| r.why).collect(),
        other => panic!("it should have been refused: {}", Chain(&other)),
    }
}

/// A fault of one step, made of functions.
#[derive(Clone)]
struct Custom {
    change: Change,
    record: Note,
    apply: Arc<dyn Fn() -> Result<(), FaultError> + Send + Sync>,
}

impl std::fmt::Debug for Custom {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Custom")
    }
}

/// An undo that does what its file says: a note is in place while the file `path` exists.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Note {
    path: PathBuf,
    /// Appends its name to this file when it is undone.
    diary: Option<PathBuf>,
    name: String,
    fails: bool,
    unreadable: bool,
    /// Fails until it was tried so often; each try leaves a byte in this file.
    fails_until: Option<(PathBuf, usize)>,
    /// How often it has acted; `u64::MAX`: it never says.
    hits: Option<u64>,
}

impl Note {
    fn at(path: PathBuf) -> Self {
        Self {
            path,
            diary: None,
            name: String::new(),
            fails: false,
            unreadable: false,
            fails_until: None,
            hits: None,
        }
    }
}

#[async_trait]
impl Undo for Note {
    const KIND: &'static str = "test.note";
    const VERSION: u32 = 1;
    const LIFETIME: Lifetime = Lifetime::Boot;

    async fn undo(&self, _: &Context) -> Result<Undone, FaultError> {
        if self.fails {
            return Err(FaultError::host("remove the note", "it is stuck"));
        }
        if let Some((path, often)) = &self.fails_until {
            let mut tries = fs::read(path).unwrap_or_default();
            tries.push(b'.');
            fs::write(path, &tries).unwrap();
            if tries.len() < *often {
                return Err(FaultError::host("remove the note", "it is stuck for now"));
            }
        }
        if let Some(diary) = &self.diary {
            let so_far = fs::read_to_string(diary).unwrap_or_default();
            fs::write(diary, format!("{so_far}{} ", self.name)).unwrap();
        }
        match fs::read_to_string(&self.path) {
            Ok(text) if text == "ours" => {
                fs::remove_file(&self.path).unwrap();
                Ok(Undone::Reverted)
            }
            Ok(found) => Ok(Undone::LeftAlone { found }),
            Err(_) => Ok(Undone::AlreadyGone),
        }
    }

    async fn presence(&self, _: &Context) -> Result<Presence, FaultError> {
        if self.unreadable && self.path.exists() {
            return Err(FaultError::host("read the note", "the disk is asleep"));
        }
        Ok(match fs::read_to_string(&self.path) {
            Ok(text) if text == "ours" => Presence::InPlace,
            Ok(found) => Presence::Foreign { found },
            Err(_) => Presence::Gone,
        })
    }

    async fn hits(&self, _: &Context) -> Result<Option<u64>, FaultError> {
        match self.hits {
            Some(u64::MAX) => std::future::pending().await,
            hits => Ok(hits.filter(|_| self.path.exists())),
        }
    }
}

#[async_trait]
impl Fault for Custom {
    fn kind(&self) -> &'static str {
        "test.custom"
    }
    fn needs(&self, _: &Site) -> Needs {
        Needs::none()
    }
    async fn plan(&self, _: &[Site], _: &Context) -> Result<Plan, FaultError> {
        Ok(Plan::new().then(self.clone()))
    }
}

#[async_trait]
impl Action for Custom {
    type Undo = Note;
    fn change(&self) -> Change {
        self.change.clone()
    }
    fn undo(&self) -> Note {
        self.record.clone()
    }
    async fn apply(&self, _: &Context) -> Result<(), FaultError> {
        (self.apply)()
    }
}

fn writes_note(world: &World, name: &str) -> Custom {
    note_in(&world.host(), name)
}

fn note_in(dir: &std::path::Path, name: &str) -> Custom {
    let path = dir.join(name);
    let record = Note {
        name: name.into(),
        ..Note::at(path.clone())
    };
    Custom {
        change: Change::new(format!("write {name}"), name, Reach::Namespace),
        record,
        apply: Arc::new(move || fs::write(&path, "ours").map_err(|e| FaultError::host("write", e))),
    }
}

async fn engine_with_notes(world: &World) -> Engine {
    let mut registry = World::registry();
    registry.add_undo::<Note>();
    Engine::builder()
        .registry(registry)
        .state_dir(world.state())
        .open()
        .await
        .unwrap()
}

#[tokio::test]
async fn a_change_tells_how_often_it_acted_and_recovery_does_not_wait_for_it() {
    let world = World::new();
    let engine = engine_with_notes(&world).await;
    for (says, told) in [(None, 0), (Some(7), 7), (Some(u64::MAX), 0)] {
        let mut fault = writes_note(&world, "note");
        fault.record.hits = says;
        let injection = engine.inject(fault.on(&Host)).await.unwrap();
        let recovered = injection.recover().await.unwrap();
        assert_eq!((recovered.hits, recovered.reverted), (told, 1), "{says:?}");
    }
    assert_eq!(world.left(), (0, 0));
    // All of them together have one second.
    let never = |name: &str| {
        let mut fault = writes_note(&world, name);
        fault.record.hits = Some(u64::MAX);
        fault.on(&Host)
    };
    let injection = engine
        .inject(["a", "b", "c", "d"].map(never))
        .await
        .unwrap();
    let start = std::time::Instant::now();
    let recovered = injection.recover().await.unwrap();
    let took = start.elapsed();
    assert!(
        took >= Duration::from_secs(1) && took < Duration::from_secs(3),
        "{took:?}"
    );
    assert_eq!((recovered.hits, recovered.reverted), (0, 4));
}

#[tokio::test]
async fn faults_of_one_run_that_change_the_same_thing_at_the_same_time_are_refused() {
    let world = World::new();
    let engine = engine_with_notes(&world).await;
    let s = Duration::from_secs;
    let note = |name: &str| writes_note(&world, name).on(&Host);
    let again = |after: u64| note("a").after(s(after)).hold(s(1)).every(s(5));
    let cases: [(Vec<Placed>, usize); 8] = [
        (vec![again(0), again(2)], 0),
        (vec![again(0), note("a").after(s(6)).hold(s(4))], 0),
        (vec![again(0), note("a").after(s(6)).hold(s(5))], 1),
        (vec![note("a"), note("a")], 1),
        (vec![note("a"), note("b"), note("a"), note("a")], 3),
        (vec![note("a").hold(s(2)), note("a").after(s(2))], 0),
        (vec![note("a").hold(s(3)), note("a").after(s(2))], 1),
        (
            vec![note("a").hold(s(1)).every(s(5)), note("a").after(s(2))],
            1,
        ),
    ];
    for (faults, refused) in cases {
        let preview = engine.dry_run(faults.clone()).await.unwrap();
        let told: Vec<String> = preview.refusals.iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), refused, "{told:?}");
        assert!(
            told.iter().all(|why| why.contains("at the same time")),
            "{told:?}"
        );
        match engine.inject(faults).await {
            Ok(injection) => drop(injection.recover().await.unwrap()),
            Err(error) => assert_eq!(refusals(error).len(), refused),
        }
    }
    assert_eq!(world.left(), (0, 0));
}

#[tokio::test]
async fn a_fault_that_begins_when_another_ends_takes_its_place() {
    let (world, other) = (World::new(), World::new());
    let engine = engine_with_notes(&world).await;
    let (ms, diary) = (Duration::from_millis, other.host().join("diary"));
    let note = |name: &str| {
        let mut fault = writes_note(&world, "a");
        (fault.record.diary, fault.record.name) = (Some(diary.clone()), name.into());
        fault.on(&Host)
    };
    let injection = engine.inject([
        note("first").hold(ms(200)),
        note("second").after(ms(200)).hold(ms(200)),
        note("third").after(ms(400)),
    ]);
    let injection = injection.await.unwrap();
    let undone = || fs::read_to_string(&diary).unwrap_or_default();
    wait_until(|| undone() == "first second " && world.host().join("a").exists()).await;
    let recovered = injection.recover().await.unwrap();
    assert_eq!(undone(), "first second third ");
    assert_eq!((recovered.reverted, recovered.lost), (3, vec![]));
    assert_eq!(world.left(), (0, 0));

    // Round after round, without a gap.
    fs::remove_file(&diary).unwrap();
    let injection = engine.inject([
        note("tick").hold(ms(500)).every(ms(1000)),
        note("tock").after(ms(500)).hold(ms(500)).every(ms(1000)),
    ]);
    let injection = injection.await.unwrap();
    wait_until(|| {
        ["tick", "tock"]
            .iter()
            .all(|name| undone().matches(name).count() > 2)
    })
    .await;
    injection.recover().await.unwrap();
    assert_eq!(world.left(), (0, 0));
}

/// Has something else to change when its target has moved.
#[derive(Debug, Clone)]
struct Moving(Arc<Mutex<Custom>>);

#[async_trait]
impl Fault for Moving {
    fn kind(&self) -> &'static str {
        "test.moving"
    }
    fn needs(&self, _: &Site) -> Needs {
        Needs::none()
    }
    async fn plan(&self, sites: &[Site], cx: &Context) -> Result<Plan, FaultError> {
        let now = self.0.lock().unwrap().clone();
        now.plan(sites, cx).await
    }
}

#[tokio::test]
async fn a_fault_whose_target_moved_takes_the_place_of_the_one_that_is_over_there() {
    let (world, other) = (World::new(), World::new());
    let engine = engine_with_notes(&world).await;
    let (ms, diary) = (Duration::from_millis, other.host().join("diary"));
    let note = |path: &str, name: &str| {
        let mut fault = writes_note(&world, path);
        (fault.record.diary, fault.record.name) = (Some(diary.clone()), name.into());
        fault
    };
    let mut slow = note("a", "first");
    let apply = Arc::clone(&slow.apply);
    slow.apply = Arc::new(move || {
        std::thread::sleep(ms(300));
        apply()
    });
    let moving = Moving(Arc::new(Mutex::new(note("b", "second"))));
    let injection = engine.inject([
        slow.on(&Host).hold(ms(500)),
        moving.clone().on(&Host).after(ms(500)).hold(ms(200)),
    ]);
    let injection = injection.await.unwrap();
    // The first is in place until 800 ms, and the second is where it is at 500 ms.
    *moving.0.lock().unwrap() = note("a", "second");
    let undone = || fs::read_to_string(&diary).unwrap_or_default();
    wait_until(|| undone() == "first second ").await;
    let recovered = injection.recover().await.unwrap();
    assert_eq!((recovered.reverted, recovered.lost), (2, vec![]));
    assert_eq!(world.left(), (0, 0));
}

// 1. Write ahead.

#[tokio::test]
async fn the_record_is_on_disk_before_the_change_is_made() {
    let world = World::new();
    let logs = world.logs();
    let seen = Arc::new(Mutex::new(String::new()));
    let mut fault = writes_note(&world, "note");
    let (apply, see) = (fault.apply, Arc::clone(&seen));
    fault.apply = Arc::new(move || {
        let log = fs::read_dir(&logs)
            .unwrap()
            .map(|e| e.unwrap().path())
            .find(|p| p.is_file())
            .unwrap();
        *see.lock().unwrap() = fs::read_to_string(log).unwrap();
        apply()
    });
    let engine = engine_with_notes(&world).await;
    engine
        .inject(fault.on(&Host))
        .await
        .unwrap()
        .recover()
        .await
        .unwrap();
    let log = seen.lock().unwrap().clone();
    assert!(
        log.ends_with('\n') && log.contains(r#""entry":"intent""#) && log.contains("test.note"),
        "{log}"
    );
}

#[tokio::test]
async fn a_change_inside_this_process_writes_nothing() {
    // Shown for every in-process fault by the conformance suite; here: not even the directory is made.
    let world = World::new();
    world.engine().await.dry_run(world.litter()).await.unwrap();
    assert!(!world.state().exists());
}

// 2. Refuse early.

#[tokio::test]
async fn everything_that_speaks_against_it_is_told_at_once() {
    let world = World::new();
    let engine = Engine::builder()
        .state_dir(world.state())
        .protect("secret")
        .open()
        .await
        .unwrap();
    let error = engine
        .inject([
            world.litter(),
            Litter::pieces(1).on(&Yard::new(world.host().join("missing"))),
            Litter::pieces(1).on(&Yard::new("/secret")),
            Litter::pieces(0).on(&world.yard()),
        ])
        .await
        .unwrap_err();
    let reasons = refusals(error);
    assert!(
        matches!(&reasons[0], RefusalReason::NoUndo { kind, .. } if kind == "test.pick_up"),
        "{reasons:?}"
    );
    assert!(
        reasons
            .iter()
            .any(|r| matches!(r, RefusalReason::Plan(FaultError::NoTarget { .. }))),
        "{reasons:?}"
    );
    assert!(
        reasons
            .iter()
            .any(|r| matches!(r, RefusalReason::Protected(_))),
        "{reasons:?}"
    );
    assert!(
        reasons
            .iter()
            .any(|r| matches!(r, RefusalReason::Plan(FaultError::Unsupported { .. }))),
        "{reasons:?}"
    );
    assert_eq!(world.left(), (0, 0));
}

#[tokio::test]
async fn an_unmet_need_is_told_with_what_would_change_it() {
    #[derive(Debug)]
    struct Needy;
    #[async_trait]
    impl Fault for Needy {
        fn kind(&self) -> &'static str {
            "test.needy"
        }
        fn needs(&self, _: &Site) -> Needs {
            Needs::none().program("chaos-no-such-program", "apt install it")
        }
        async fn plan(&self, _: &[Site], _: &Context) -> Result<Plan, FaultError> {
            panic!("a fault whose needs are not met must not be planned")
        }
    }
    let world = World::new();
    let error = world
        .engine()
        .await
        .inject(Needy.on(&Host))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("apt install it"), "{error}");
}

#[tokio::test]
async fn too_much_reach_is_refused_unless_allowed() {
    let world = World::new();
    let mut fault = writes_note(&world, "note");
    fault.change.reach = Reach::Host;
    let engine = engine_with_notes(&world).await;
    let reasons = refusals(engine.inject(fault.clone().on(&Host)).await.unwrap_err());
    assert!(matches!(reasons[0], RefusalReason::Reach { .. }));
    assert_eq!(world.left(), (0, 0));
    engine
        .inject(fault.on(&Host).allow_host())
        .await
        .unwrap()
        .recover()
        .await
        .unwrap();
}

#[tokio::test]
async fn what_cannot_be_reversed_is_refused_unless_allowed() {
    #[derive(Debug, Clone)]
    struct Burn(PathBuf);
    #[async_trait]
    impl OneWay for Burn {
        fn change(&self) -> Change {
            Change::new("burn", "paper", Reach::Process)
        }
        async fn apply(&self, _: &Context) -> Result<(), FaultError> {
            fs::write(&self.0, "ashes").map_err(|e| FaultError::host("burn", e))
        }
    }
    #[async_trait]
    impl Fault for Burn {
        fn kind(&self) -> &'static str {
            "test.burn"
        }
        fn needs(&self, _: &Site) -> Needs {
            Needs::none()
        }
        async fn plan(&self, _: &[Site], _: &Context) -> Result<Plan, FaultError> {
            Ok(Plan::new().then_one_way(self.clone(), "ashes stay ashes"))
        }
    }
    let world = World::new();
    let burn = Burn(world.host().join("paper"));
    let engine = world.engine().await;
    let reasons = refusals(engine.inject(burn.clone().on(&Host)).await.unwrap_err());
    assert!(matches!(
        reasons[0],
        RefusalReason::Irreversible {
            why: "ashes stay ashes",
            ..
        }
    ));
    assert_eq!(world.pieces(), 0);
    engine
        .inject(burn.on(&Host).allow_irreversible())
        .await
        .unwrap()
        .recover()
        .await
        .unwrap();
    assert_eq!(world.pieces(), 1);
}

#[test]
fn an_unknown_name_lists_the_known_ones_and_the_nearest() {
    let registry = World::registry();
    let error = registry
        .fault("test.liter", None, &Parameters::new())
        .unwrap_err()
        .to_string();
    assert!(error.contains("did you mean `test.litter`?"), "{error}");
    let parameters = Parameters::new().with("peices", 3);
    let error = registry
        .fault("test.litter", None, &parameters)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("did you mean `pieces`?") && error.contains("slow_ms"),
        "{error}"
    );
    let error = registry
        .fault("test.litter", None, &Parameters::new().with("pieces", -1))
        .unwrap_err();
    assert_eq!(error.field_path(), Some("parameters.pieces"));
}

// 3. Own by kernel: exclusive creation, shown per fault by the conformance suite's foreign state.

#[tokio::test]
async fn a_change_that_is_already_there_is_refused() {
    let world = World::new();
    fs::write(world.host().join("note"), "theirs").unwrap();
    let engine = engine_with_notes(&world).await;
    let reasons = refusals(
        engine
            .inject(writes_note(&world, "note").on(&Host))
            .await
            .unwrap_err(),
    );
    assert!(
        matches!(&reasons[0], RefusalReason::AlreadyThere { found, .. } if found == "theirs"),
        "{reasons:?}"
    );
    assert_eq!(
        fs::read_to_string(world.host().join("note")).unwrap(),
        "theirs"
    );
    assert_eq!(world.logs_left(), 0);
}

// 4. Undo in reverse, all of it, even after a failure.

fn diary_of(world: &World, names: &[&str]) -> Vec<Placed> {
    let diary = world.host().join("diary");
    let placed = |name: &&str| {
        let mut fault = writes_note(world, name);
        fault.record.diary = Some(diary.clone());
        fault.on(&Host)
    };
    names.iter().map(placed).collect()
}

#[tokio::test]
async fn several_faults_are_undone_in_the_reverse_of_their_real_start() {
    let world = World::new();
    let engine = engine_with_notes(&world).await;
    let mut faults = diary_of(&world, &["late", "first", "second"]);
    faults[0] = faults[0].clone().after(Duration::from_millis(100));
    let injection = engine.inject(faults).await.unwrap();
    wait_until(|| world.host().join("late").exists()).await;
    injection.recover().await.unwrap();
    assert_eq!(
        fs::read_to_string(world.host().join("diary")).unwrap(),
        "late second first "
    );
}

#[tokio::test]
async fn one_failing_undo_does_not_stop_the_others_and_stays_in_the_log() {
    let world = World::new();
    let engine = engine_with_notes(&world).await;
    let mut stuck = writes_note(&world, "stuck");
    stuck.record.fails = true;
    let faults = vec![
        writes_note(&world, "a").on(&Host),
        stuck.on(&Host),
        writes_note(&world, "b").on(&Host),
    ];
    let error = engine
        .inject(faults)
        .await
        .unwrap()
        .recover()
        .await
        .unwrap_err();
    let EngineError::Left { total: 3, left, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(left.len(), 1);
    assert!(
        left[0].change.contains("stuck") && left[0].why.contains("it is stuck"),
        "{error}"
    );
    assert_eq!(world.pieces(), 1);
    // Another try finds it again, and its resource is taken until then.
    let retry = engine.recover_orphans().await.unwrap();
    assert_eq!((retry.left.len(), retry.reverted), (1, 0));
    let reasons = refusals(
        engine
            .inject(writes_note(&world, "stuck").on(&Host))
            .await
            .unwrap_err(),
    );
    assert!(
        matches!(&reasons[0], RefusalReason::Taken { .. }),
        "{reasons:?}"
    );
}

#[tokio::test]
async fn a_failing_step_undoes_the_earlier_ones_and_itself() {
    for break_it in [
        |c: &mut chaos_core::testing::LitterConfig| c.fail_at = Some(1),
        |c: &mut chaos_core::testing::LitterConfig| c.panic_at = Some(1),
        |c: &mut chaos_core::testing::LitterConfig| c.lie_at = Some(1),
    ] {
        let world = World::new();
        let error = world
            .engine()
            .await
            .inject(world.litter_with(break_it))
            .await
            .unwrap_err();
        assert!(matches!(error, EngineError::Apply { .. }), "{error}");
        assert!(
            error.to_string().contains("everything was undone"),
            "{error}"
        );
        assert_eq!(world.left(), (0, 0));
    }
}

#[tokio::test]
async fn a_step_that_takes_too_long_is_given_up_and_undone() {
    let world = World::new();
    let engine = Engine::builder()
        .registry(World::registry())
        .state_dir(world.state())
        .step_limit(Duration::from_millis(50))
        .open()
        .await
        .unwrap();
    let error = engine
        .inject(world.litter_with(|c| c.slow_ms = 60_000))
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            EngineError::Apply {
                source: FaultError::TimedOut { .. },
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(world.left(), (0, 0));
}

// 5. Foreign state is left alone.

#[tokio::test]
async fn what_somebody_put_in_our_place_is_left_alone_and_told() {
    let world = World::new();
    let engine = engine_with_notes(&world).await;
    let injection = engine
        .inject(writes_note(&world, "note").on(&Host))
        .await
        .unwrap();
    fs::write(world.host().join("note"), "theirs").unwrap();
    let recovered = injection.recover().await.unwrap();
    assert_eq!(recovered.left_alone.len(), 1);
    assert!(
        !recovered.lost.is_empty(),
        "a fault that was replaced was not in place"
    );
    assert_eq!(
        fs::read_to_string(world.host().join("note")).unwrap(),
        "theirs"
    );
    assert_eq!(world.logs_left(), 0);
}

#[tokio::test]
async fn a_look_that_failed_is_not_taken_for_gone() {
    let world = World::new();
    let engine = engine_with_notes(&world).await;
    let mut fault = writes_note(&world, "note");
    fault.record.unreadable = true;
    // It cannot be seen in place, so the injection fails; and its undo is seen through.
    let error = engine.inject(fault.on(&Host)).await.unwrap_err();
    assert!(
        matches!(
            &error,
            EngineError::Apply {
                source: FaultError::Host { .. },
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(world.left(), (0, 0));
}

// 6. Recovery has its own clock.

#[tokio::test]
async fn giving_up_an_injection_does_not_give_up_its_recovery() {
    let world = World::new();
    let engine = world.engine().await;
    let slow = world.litter_with(|c| c.slow_ms = 100);
    assert!(
        tokio::time::timeout(Duration::from_millis(150), engine.inject(slow))
            .await
            .is_err()
    );
    assert_eq!(world.left(), (0, 0));
}

// 7. Live owners are left alone.

#[tokio::test]
async fn a_live_owner_is_left_alone() {
    let world = World::new();
    let injection = world.engine().await.inject(world.litter()).await.unwrap();
    let other = world.engine().await;
    assert_eq!(other.recover_orphans().await.unwrap().changes(), 0);
    assert_eq!(world.pieces(), 3);
    injection.recover().await.unwrap();
    assert_eq!(world.left(), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_concurrent_scanner_never_costs_an_injection_its_log() {
    let world = World::new();
    let scanner = world.engine().await;
    let scanning = tokio::spawn(async move {
        loop {
            let recovered = scanner.recover_orphans().await.unwrap();
            assert_eq!(recovered.changes(), 0, "a living owner's log was taken");
            assert!(
                recovered.unreadable.is_empty(),
                "{:?}",
                recovered.unreadable
            );
        }
    });
    let engine = world.engine().await;
    for _ in 0..300 {
        let injection = engine
            .inject(world.litter_with(|c| c.pieces = 1))
            .await
            .unwrap();
        assert!(!scanning.is_finished(), "{:?}", scanning.await);
        let recovered = injection.recover().await.unwrap();
        assert_eq!(recovered.reverted, 1);
    }
    scanning.abort();
    assert_eq!(world.pieces(), 0);
}

// 8. One resource, one injection.

#[tokio::test]
async fn one_resource_one_injection_and_several_steps_on_it() {
    let world = World::new();
    let (one, two) = (world.engine().await, world.engine().await);
    let all_on_one = || world.litter_with(|c| c.one_resource = true);
    let injection = one.inject(all_on_one()).await.unwrap();
    let reasons = refusals(two.inject(all_on_one()).await.unwrap_err());
    assert!(
        matches!(reasons[0], RefusalReason::Taken { .. }),
        "{reasons:?}"
    );
    assert_eq!(world.pieces(), 3);
    injection.recover().await.unwrap();
    two.inject(all_on_one())
        .await
        .unwrap()
        .recover()
        .await
        .unwrap();
    assert_eq!(world.left(), (0, 0));
}

#[tokio::test]
async fn a_host_that_changes_between_two_plans_is_refused() {
    #[derive(Debug)]
    struct Fickle(Mutex<u32>, Custom);
    #[async_trait]
    impl Fault for Fickle {
        fn kind(&self) -> &'static str {
            "test.fickle"
        }
        fn needs(&self, _: &Site) -> Needs {
            Needs::none()
        }
        async fn plan(&self, _: &[Site], _: &Context) -> Result<Plan, FaultError> {
            let mut n = self.0.lock().unwrap();
            *n += 1;
            let mut step = self.1.clone();
            step.change.summary = format!("plan number {n}");
            Ok(Plan::new().then(step))
        }
    }
    let world = World::new();
    let fickle = Fickle(Mutex::new(0), writes_note(&world, "note"));
    let error = engine_with_notes(&world)
        .await
        .inject(Placed::new(Arc::new(fickle), Arc::new(Host)))
        .await;
    let reasons = refusals(error.unwrap_err());
    assert!(matches!(reasons[0], RefusalReason::Changed), "{reasons:?}");
    assert_eq!(world.left(), (0, 0));
}

// 9. Nothing outlives its welcome. The watchdog has tests of its own.

#[tokio::test]
async fn past_the_time_limit_the_faults_are_taken_back() {
    let world = World::new();
    let engine = Engine::builder()
        .registry(World::registry())
        .state_dir(world.state())
        .max_duration(Duration::from_millis(100))
        .open()
        .await
        .unwrap();
    let result = engine
        .during(world.litter(), async {
            wait_until(|| world.pieces() == 0).await;
            7
        })
        .await;
    assert!(
        matches!(&result, Err(EngineError::NotInPlace { why }) if why.contains("time limit")),
        "{result:?}"
    );
    assert_eq!(world.left(), (0, 0));
}

#[tokio::test]
async fn the_deadline_stands_in_the_first_entry() {
    let world = World::new();
    let injection = world.engine().await.inject(world.litter()).await.unwrap();
    let log = fs::read_dir(world.logs())
        .unwrap()
        .map(|e| e.unwrap().path())
        .find(|p| p.is_file())
        .unwrap();
    let text = fs::read_to_string(log).unwrap();
    let first: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    let deadline = first["deadline"]["secs"].as_u64().unwrap();
    let now = chaos_core::since_boot().as_secs();
    assert!((now + 590..now + 610).contains(&deadline), "{first}");
    injection.recover().await.unwrap();
}

// 10. The log is orders for root: tests/undo_log.rs.

// 11. Names survive.

#[cfg(target_os = "linux")]
#[test]
fn a_pid_that_was_used_again_is_another_process() {
    let me = chaos_core::ProcessId::of(std::process::id()).unwrap();
    let mut other = me.clone();
    other.started += 1;
    assert!(me.is_alive().unwrap() && !other.is_alive().unwrap());
    other.started = me.started;
    other.boot = "before".into();
    assert!(!other.is_alive().unwrap());
    assert_eq!(me.boot, chaos_core::boot_id().unwrap());
}

// 12. Look, don't trust.

#[tokio::test]
async fn an_undo_without_effect_is_an_error() {
    #[derive(Debug, Clone, Serialize, Deserialize)]
    struct Liar(PathBuf);
    #[async_trait]
    impl Undo for Liar {
        const KIND: &'static str = "test.liar";
        const VERSION: u32 = 1;
        const LIFETIME: Lifetime = Lifetime::Disk;
        async fn undo(&self, _: &Context) -> Result<Undone, FaultError> {
            Ok(Undone::Reverted)
        }
        async fn presence(&self, _: &Context) -> Result<Presence, FaultError> {
            Ok(if self.0.exists() {
                Presence::InPlace
            } else {
                Presence::Gone
            })
        }
    }
    #[async_trait]
    impl Action for Liar {
        type Undo = Self;
        fn change(&self) -> Change {
            Change::new("lie", "truth", Reach::Process)
        }
        fn undo(&self) -> Self {
            self.clone()
        }
        async fn apply(&self, _: &Context) -> Result<(), FaultError> {
            fs::write(&self.0, "").map_err(|e| FaultError::host("lie", e))
        }
    }
    #[async_trait]
    impl Fault for Liar {
        fn kind(&self) -> &'static str {
            "test.liar"
        }
        fn needs(&self, _: &Site) -> Needs {
            Needs::none()
        }
        async fn plan(&self, _: &[Site], _: &Context) -> Result<Plan, FaultError> {
            Ok(Plan::new().then(self.clone()))
        }
    }
    let world = World::new();
    let mut registry = Registry::new();
    registry.add_undo::<Liar>();
    let engine = Engine::builder()
        .registry(registry)
        .state_dir(world.state())
        .open()
        .await
        .unwrap();
    let injection = engine
        .inject(Liar(world.host().join("x")).on(&Host))
        .await
        .unwrap();
    let error = injection.recover().await.unwrap_err();
    assert!(error.to_string().contains("still in place"), "{error}");
}

#[tokio::test]
async fn a_fault_that_was_gone_early_fails_the_test_that_relied_on_it() {
    let world = World::new();
    let engine = engine_with_notes(&world).await;
    let note = world.host().join("note");
    let result = engine
        .during(writes_note(&world, "note").on(&Host), async {
            fs::remove_file(&note).unwrap()
        })
        .await;
    assert!(
        matches!(result, Err(EngineError::NotInPlace { .. })),
        "{result:?}"
    );
}

// 13. No secret in a record.

#[tokio::test]
async fn a_secret_stays_out_of_messages() {
    let secret = Secret::new("hunter2");
    let error = FaultError::host(
        format!("log in as {secret}"),
        format!("{secret:?} was wrong"),
    );
    assert_eq!(
        Chain(&error).to_string(),
        "could not log in as ***: *** was wrong"
    );
}

// Around the laws.

#[tokio::test]
async fn a_dry_run_prints_what_an_injection_would_do() {
    let world = World::new();
    let preview = world.engine().await.dry_run(world.litter()).await.unwrap();
    assert_eq!(preview.faults[0].changes.len(), 3);
    assert!(preview.refusals.is_empty());
    assert_eq!(world.left(), (0, 0));
}

#[tokio::test]
async fn the_body_is_never_polled_when_the_fault_is_not_in_place() {
    let world = World::new();
    let mut polled = false;
    let body = async { polled = true };
    assert!(
        world
            .engine()
            .await
            .during(world.litter_with(|c| c.fail_at = Some(0)), body)
            .await
            .is_err()
    );
    assert!(!polled);
}

#[tokio::test]
async fn a_fault_ends_after_its_hold_and_comes_again() {
    let world = World::new();
    let engine = world.engine().await;
    let short = |c: &mut chaos_core::testing::LitterConfig| c.pieces = 1;
    let placed = world
        .litter_with(short)
        .hold(Duration::from_millis(50))
        .every(Duration::from_millis(200));
    let seen = Arc::new(Mutex::new(std::collections::BTreeSet::new()));
    let injection = engine.inject(placed).await.unwrap();
    wait_until(|| {
        let mut seen = seen.lock().unwrap();
        seen.extend(
            fs::read_dir(world.host())
                .unwrap()
                .map(|e| e.unwrap().file_name()),
        );
        seen.len() >= 3
    })
    .await;
    let recovered = injection.recover().await.unwrap();
    assert!(recovered.reverted >= 3, "{recovered:?}");
    assert_eq!(world.left(), (0, 0));
}

/// Seed, fault and repetition: what is drawn for a repetition is drawn again by the same seed, and not twice in a run.
#[tokio::test]
async fn each_repetition_draws_for_itself_and_again_by_the_same_seed() {
    #[derive(Debug, Clone)]
    struct Draws(PathBuf, Arc<std::sync::Mutex<Vec<u64>>>);
    #[async_trait]
    impl Fault for Draws {
        fn kind(&self) -> &'static str {
            "test.draws"
        }
        fn needs(&self, _: &Site) -> Needs {
            Needs::none()
        }
        async fn plan(&self, _: &[Site], cx: &Context) -> Result<Plan, FaultError> {
            self.1.lock().unwrap().push(cx.seed().get());
            Ok(Plan::new().then(note_in(&self.0, &cx.mark())))
        }
    }
    let world = World::new();
    let mut runs = Vec::new();
    for seed in [7, 7, 8] {
        let draws = Draws(world.host(), Arc::default());
        let placed = draws
            .clone()
            .on(&Host)
            .hold(Duration::from_millis(50))
            .every(Duration::from_millis(100));
        let experiment = Experiment::named("draws")
            .baseline(Duration::ZERO)
            .hold(Duration::from_millis(1500))
            .seed(chaos_core::Seed::new(seed))
            .fault(placed);
        let engine = engine_with_notes(&world).await;
        engine.run(&experiment).await.unwrap();
        let mut drawn = draws.1.lock().unwrap().clone();
        drawn.dedup();
        drawn.truncate(3);
        runs.push(drawn);
    }
    assert_eq!(runs[0].len(), 3, "{runs:?}");
    assert_eq!(runs[0], runs[1]);
    assert!(
        runs[0][0] != runs[0][1] && runs[0][1] != runs[0][2],
        "{runs:?}"
    );
    assert!(
        runs[0].iter().all(|drawn| !runs[2].contains(drawn)),
        "{runs:?}"
    );
}

/// A failed undo is tried three times.
#[tokio::test]
async fn an_undo_that_fails_twice_is_tried_a_third_time() {
    let world = World::new();
    let engine = engine_with_notes(&world).await;
    let mut fault = writes_note(&world, "note");
    let tries = world.state().join("tries");
    fault.record.fails_until = Some((tries.clone(), 3));
    let injection = engine.inject(fault.on(&Host)).await.unwrap();
    let recovered = injection.recover().await.unwrap();
    assert_eq!(recovered.reverted, 1);
    assert_eq!(fs::read(tries).unwrap().len(), 3);
    assert_eq!(world.left(), (0, 0));
}

#[tokio::test]
async fn a_lost_fault_is_followed_when_asked() {
    let world = World::new();
    let engine = world.engine().await;
    let placed = world
        .litter_with(|c| c.pieces = 1)
        .on_lost(chaos_core::OnLost::Follow);
    let injection = engine.inject(placed).await.unwrap();
    let first = fs::read_dir(world.host())
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    fs::remove_file(&first).unwrap();
    wait_until(|| world.pieces() == 1).await;
    assert!(!first.exists());
    injection.recover().await.unwrap();
    assert_eq!(world.left(), (0, 0));
}

#[tokio::test]
async fn a_lost_fault_that_cannot_be_followed_fails_what_relied_on_it() {
    let world = World::new();
    let engine = world.engine().await;
    let placed = world
        .litter_with(|c| c.pieces = 1)
        .on_lost(chaos_core::OnLost::Follow);
    let host = world.host();
    let result = engine
        .during(placed, async {
            fs::remove_dir_all(&host).unwrap();
            // Longer than it takes to notice and to try to follow once.
            tokio::time::sleep(Duration::from_millis(2500)).await;
            fs::create_dir(&host).unwrap();
        })
        .await;
    assert!(
        matches!(&result, Err(EngineError::NotInPlace { why }) if why.contains("could not be followed")),
        "{result:?}"
    );
    assert_eq!(world.left(), (0, 0));
}

#[tokio::test]
async fn an_end_that_comes_late_ends_nothing_else() {
    let world = World::new();
    let engine = world.engine().await;
    // Its hold is longer than its repetition: each is ended by the next one, and its own end comes later.
    let short = |c: &mut chaos_core::testing::LitterConfig| c.pieces = 1;
    let placed = world
        .litter_with(short)
        .hold(Duration::from_millis(400))
        .every(Duration::from_millis(300));
    let experiment = Experiment::named("stale ends")
        .baseline(Duration::ZERO)
        .hold(Duration::from_millis(1500))
        .fault(placed);
    let run = engine.run(&experiment).await.unwrap();
    let mut in_place = 0;
    for edge in &run.edges {
        match edge.kind {
            chaos_core::EdgeKind::Injected => in_place += 1,
            chaos_core::EdgeKind::Recovered => in_place -= 1,
            _ => {}
        }
        assert!((0..=1).contains(&in_place), "{:#?}", run.edges);
    }
    assert!(run.edges.len() >= 8, "{:#?}", run.edges);
    assert_eq!(world.left(), (0, 0));
}

#[tokio::test]
async fn times_that_no_clock_can_count_break_nothing() {
    let world = World::new();
    let engine = Engine::builder()
        .registry(World::registry())
        .state_dir(world.state())
        .max_duration(Duration::MAX)
        .open()
        .await
        .unwrap();
    let placed = world.litter().hold(Duration::MAX).every(Duration::MAX);
    let later = world.litter().after(Duration::MAX);
    let injection = engine.inject([placed, later]).await.unwrap();
    assert_eq!(world.pieces(), 3);
    injection.recover().await.unwrap();
    assert_eq!(world.left(), (0, 0));
}

/// A fault inside this process that panics when it is asked how often it has hit.
#[derive(Debug, Clone)]
struct Rude;

#[async_trait]
impl Fault for Rude {
    fn kind(&self) -> &'static str {
        "test.rude"
    }
    fn needs(&self, _: &Site) -> Needs {
        panic!("rude when asked for its needs")
    }
    async fn plan(&self, _: &[Site], _: &Context) -> Result<Plan, FaultError> {
        Ok(Plan::new())
    }
}

#[tokio::test]
async fn a_panic_of_a_plugin_in_the_session_is_no_way_out_of_the_recovery() {
    let world = World::new();
    let engine = world.engine().await;
    // Planned again when it is due, in the middle of the session, and panics there: `needs` is not a future.
    #[derive(Debug, Clone)]
    struct RudeLater(Arc<Mutex<u32>>, PathBuf);
    #[async_trait]
    impl Fault for RudeLater {
        fn kind(&self) -> &'static str {
            "test.rude_later"
        }
        fn needs(&self, site: &Site) -> Needs {
            let mut asked = self
                .0
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            *asked += 1;
            if *asked > 2 {
                Rude.needs(site)
            } else {
                Needs::none()
            }
        }
        async fn plan(&self, _: &[Site], cx: &Context) -> Result<Plan, FaultError> {
            let yard = Yard::new(&self.1);
            let sites = chaos_core::Target::sites(&yard, cx).await?;
            Litter::pieces(1).plan(&sites, cx).await
        }
    }
    let other = World::new();
    let rude = RudeLater(Arc::default(), other.host())
        .on(&Host)
        .after(Duration::from_secs(1));
    let injection = engine.inject([world.litter(), rude]).await.unwrap();
    assert_eq!(world.pieces(), 3);
    wait_until(|| world.pieces() == 0).await;
    let error = injection.recover().await.unwrap_err();
    assert!(
        Chain(&error)
            .to_string()
            .contains("rude when asked for its needs"),
        "{error}"
    );
    assert_eq!(world.left(), (0, 0));
}

#[tokio::test]
async fn a_log_that_somebody_removes_ends_the_injection() {
    let world = World::new();
    let engine = world.engine().await;
    let injection = engine.inject(world.litter()).await.unwrap();
    fs::remove_dir_all(world.state()).unwrap();
    wait_until(|| world.pieces() == 0).await;
    let error = injection.recover().await.unwrap_err();
    assert!(
        Chain(&error)
            .to_string()
            .contains("somebody has removed it"),
        "{}",
        Chain(&error)
    );
}

#[tokio::test]
async fn a_later_fault_that_fails_takes_everything_back() {
    let world = World::new();
    let engine = world.engine().await;
    let other = World::new();
    let failing = other
        .litter_with(|c| c.fail_at = Some(0))
        .after(Duration::from_secs(1));
    let injection = engine.inject([world.litter(), failing]).await.unwrap();
    assert_eq!(world.pieces(), 3);
    wait_until(|| world.pieces() == 0).await;
    assert!(matches!(
        injection.recover().await,
        Err(EngineError::Apply { .. })
    ));
    assert_eq!((world.left(), other.pieces()), ((0, 0), 0));
}

#[tokio::test]
async fn an_experiment_that_holds_longer_than_its_limit_is_refused() {
    let world = World::new();
    let experiment = Experiment::named("x").hold(Duration::from_secs(600));
    let error = world.engine().await.run(&experiment).await.unwrap_err();
    assert!(
        Chain(&error)
            .to_string()
            .contains("longer than max_duration"),
        "{error}"
    );
}

async fn wait_until(mut done: impl FnMut() -> bool) {
    for _ in 0..1500 {
        if done() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("not within 30 s");
}
