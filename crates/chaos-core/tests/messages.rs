//! What people read when something goes wrong. Every message says what happened to the host.

use chaos_core::{
    BlastRadius, Chain, Change, ConfigError, Context, EngineError, ExperimentSpec, Fault,
    FaultError, Held, InProcess, Leftover, Missing, Needs, Parameters, Placed, Plan, Reach, Site,
    Target, Targets, UndoLogError,
    testing::{LitterConfig, World},
};
use std::{io, sync::Arc, time::Duration};

fn read_only() -> io::Error {
    io::Error::other("No space left on device (os error 28)")
}

#[test]
fn errors_say_what_happened_to_the_host() {
    let log = || UndoLogError::Io {
        operation: "write",
        path: "/var/lib/chaos/x.jsonl".into(),
        source: read_only(),
    };
    let errors = [
        EngineError::Config(
            ConfigError::field("load", "130 % is over 100 %")
                .help("1 to 100")
                .of("cpu.burn"),
        ),
        EngineError::UndoLog(log()),
        EngineError::UndoLogLost {
            done: 2,
            source: log(),
        },
        EngineError::UndoLog(UndoLogError::TakenOver {
            path: "/var/lib/chaos/x.jsonl".into(),
        }),
        EngineError::UndoLog(UndoLogError::Untrusted {
            path: "/var/lib/chaos".into(),
            why: "it belongs to user 1000, not to user 0".into(),
        }),
        EngineError::Apply {
            change: "docker pause redis".into(),
            source: FaultError::host("pause container redis", read_only()),
        },
        EngineError::Apply {
            change: "kill -STOP 4711".into(),
            source: FaultError::TimedOut {
                operation: "kill -STOP 4711".into(),
                limit: Duration::from_secs(10),
            },
        },
        EngineError::Left {
            injection: "19a0-411-0".into(),
            total: 3,
            left: vec![Leftover::new(
                "tc qdisc add dev eth0 root handle c4a0: netem delay 100ms",
                "Operation not permitted",
            )],
        },
        EngineError::NotInPlace {
            why: "net.latency on proxy redis was lost: it was closed".into(),
        },
        EngineError::WardenGone,
    ];
    let said: Vec<String> = errors
        .iter()
        .map(|error| Chain(error).to_string())
        .collect();
    insta::assert_snapshot!(said.join("\n\n"));
}

/// `#[tokio::test] async fn … -> Result<(), EngineError>` prints its error with `Debug`.
#[test]
fn a_test_that_fails_with_an_error_can_be_read() {
    let error = EngineError::Apply {
        change: "docker pause redis".into(),
        source: FaultError::host("pause container redis", read_only()),
    };
    insta::assert_snapshot!(format!("Error: {error:?}"), @r"
    Error: `docker pause redis` failed; everything was undone
      caused by: could not pause container redis
      caused by: No space left on device (os error 28)
    ");
    let left = EngineError::Left {
        injection: "19a0-411-0".into(),
        total: 3,
        left: vec![Leftover::new("docker pause redis", "no answer")],
    };
    insta::assert_snapshot!(format!("{left:?}"), @r"
    the host may still be changed: 1 of 3 changes of injection 19a0-411-0 could not be undone
      left in place: docker pause redis (no answer)
      to retry: Engine::recover_orphans(), or `chaos recover`
    ");
}

/// Several processes that happen to have one name.
#[derive(Debug)]
struct Namesakes(usize);

#[chaos_core::async_trait]
impl Target for Namesakes {
    fn describe(&self) -> String {
        "process sleep".into()
    }

    async fn sites(&self, _: &Context) -> Result<Vec<Site>, FaultError> {
        let site = |i| Site::named("process", format!("sleep (pid {i})"));
        Ok((1..=self.0).map(site).collect())
    }

    fn one_by(&self) -> Option<&'static str> {
        Some("`pid` or `port`")
    }
}

#[tokio::test]
async fn what_matches_several_by_chance_is_refused_until_somebody_says_how_many() {
    let engine = World::new().engine().await;
    let on = |n, radius: Option<BlastRadius>| {
        let placed = Placed::new(Arc::new(Nothing), Arc::new(Namesakes(n)));
        radius.map_or(placed.clone(), |radius| placed.radius(radius))
    };
    let said = |preview: chaos_core::Preview| preview.refusals[0].to_string();
    insta::assert_snapshot!(said(engine.dry_run(on(2, None)).await.unwrap()), @"test.nothing on process sleep: the target matches 2 sites: process sleep (pid 1), process sleep (pid 2); say which by `pid` or `port`, or how many with `radius`: all, one, { count: 2 }");
    let many = said(engine.dry_run(on(12, None)).await.unwrap());
    assert!(many.contains("(pid 10) and 2 more;"), "{many}");
    for (n, radius, hit) in [
        (1, None, 1),
        (3, Some(BlastRadius::All), 3),
        (3, Some(BlastRadius::One), 1),
        (3, Some(BlastRadius::Count(2)), 2),
    ] {
        let preview = engine.dry_run(on(n, radius)).await.unwrap();
        assert_eq!(preview.faults[0].sites.len(), hit, "{preview:?}");
    }
}

/// Says what it would do, and does nothing.
#[derive(Debug, Clone)]
struct Nothing;

#[chaos_core::async_trait]
impl Fault for Nothing {
    fn kind(&self) -> &'static str {
        "test.nothing"
    }

    fn needs(&self, _: &Site) -> Needs {
        Needs::none()
    }

    async fn plan(&self, _: &[Site], _: &Context) -> Result<Plan, FaultError> {
        Ok(Plan::new().then_in_process(Self))
    }
}

impl InProcess for Nothing {
    type Held = Self;

    fn change(&self) -> Change {
        Change::new("nothing", "nothing", Reach::Process)
    }

    fn apply(&self) -> Result<Self, FaultError> {
        Ok(Self)
    }
}

impl Held for Nothing {
    fn in_place(&self) -> bool {
        true
    }

    fn hits(&self) -> Option<u64> {
        Some(0)
    }

    fn release(self) -> Result<(), FaultError> {
        Ok(())
    }
}

#[tokio::test]
async fn a_refusal_lists_every_reason() {
    let world = World::new();
    let engine = world.engine().await;
    let litter = |change: &dyn Fn(&mut LitterConfig)| world.litter_with(change);
    let error = engine
        .inject([
            litter(&|c| c.pieces = 0),
            litter(&|c| c.pieces = 1),
            chaos_core::Placed::new(
                Arc::new(chaos_core::testing::Litter::pieces(1)),
                Arc::new(chaos_core::testing::Yard::new("/nonexistent/yard")),
            ),
        ])
        .await
        .unwrap_err();
    let said = Chain(&error)
        .to_string()
        .replace(&world.host().display().to_string(), "HOST");
    insta::assert_snapshot!(said, @r"
    refused; the host was not touched
      test.litter on yard HOST: cannot be put on yard HOST: the fault plans no change there
      test.litter on yard /nonexistent/yard: yard /nonexistent/yard is not there: no such directory
    ");
}

#[test]
fn words_of_their_own() {
    let missing = Missing::new("CAP_NET_ADMIN", "run as root");
    assert_eq!(missing.to_string(), "needs CAP_NET_ADMIN (run as root)");
    assert_eq!(
        Change::new("create /x", "x", Reach::Host).to_string(),
        "create /x"
    );
}

#[tokio::test]
async fn an_experiment_is_read_from_its_serde_form_and_errors_name_the_field() {
    let world = World::new();
    let other = World::new();
    let target = |world: &World| Arc::new(world.yard()) as Arc<dyn chaos_core::Target>;
    let targets = Targets::from([
        ("yard".to_owned(), target(&world)),
        ("other".to_owned(), target(&other)),
    ]);
    let text = r#"{ "name": "litter", "baseline": "50ms", "hold": "100ms", "seed": 7, "faults": [
        { "type": "test.litter", "target": "yard", "intensity": "medium" },
        { "type": "test.litter", "target": "other", "parameters": { "pieces": 2 }, "after": "20ms", "radius": "one" } ] }"#;
    let spec: ExperimentSpec = serde_json::from_str(text).unwrap();
    let experiment = spec.build(&World::registry(), &targets).unwrap();
    let run = world.engine().await.run(&experiment).await.unwrap();
    assert_eq!(
        run.edges
            .iter()
            .filter(|e| e.kind == chaos_core::EdgeKind::Injected)
            .count(),
        2
    );
    assert_eq!(run.seed.get(), 7);
    let again: ExperimentSpec =
        serde_json::from_str(&serde_json::to_string(&spec).unwrap()).unwrap();
    assert_eq!(again, spec);

    let mut wrong = spec.clone();
    wrong.faults[1].target = "yrad".into();
    let error = wrong.build(&World::registry(), &targets).unwrap_err();
    assert_eq!(error.field_path(), Some("faults[1].target"));
    let mut wrong = spec;
    wrong.faults[0].parameters = Parameters::new().with("pieces", "many");
    let error = wrong.build(&World::registry(), &targets).unwrap_err();
    assert_eq!(error.field_path(), Some("faults[0].parameters.pieces"));
    assert_eq!(world.left(), (0, 0));
}
