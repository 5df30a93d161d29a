//! What people read when something goes wrong. Every message says what happened to the host.

use chaos_core::{
    Chain, Change, ConfigError, EngineError, ExperimentSpec, FaultError, Leftover, Missing,
    Parameters, Reach, Targets, UndoLogError,
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
    let targets = Targets::from([(
        "yard".to_owned(),
        Arc::new(world.yard()) as Arc<dyn chaos_core::Target>,
    )]);
    let text = r#"{ "name": "litter", "baseline": "50ms", "hold": "100ms", "seed": 7, "faults": [
        { "type": "test.litter", "target": "yard", "intensity": "medium" },
        { "type": "test.litter", "target": "yard", "parameters": { "pieces": 2 }, "after": "20ms", "radius": "one" } ] }"#;
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
