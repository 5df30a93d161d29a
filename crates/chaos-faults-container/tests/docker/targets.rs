//! Containers by name, id and label, and none.

use super::{
    client::{Box, docker},
    engine, registry, trial,
};
use chaos_core::{BlastRadius, Chain, EngineError, FaultExt, Parameters, Preview, Target};
use chaos_faults_container::{Container, Pause};
use libtest_mimic::Trial;
use std::sync::Arc;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("a_container_is_found_by_name_and_id", by_name_and_id),
        trial("containers_are_found_by_label", by_label),
        trial("a_container_is_found_from_a_file", from_a_file),
        trial("an_unknown_container_is_named", unknown),
        trial("a_label_that_nothing_carries_is_refused", no_label),
    ]
}

async fn preview(target: &Container) -> Preview {
    let (engine, _state) = engine().await;
    engine.dry_run(Pause::new().on(target)).await.unwrap()
}

async fn by_name_and_id() {
    let made = Box::start();
    for name in [&made.name, &made.id, &made.id[..12]] {
        let preview = preview(&Container::named(name)).await;
        assert!(preview.refusals.is_empty(), "{preview:?}");
        let expected = format!("container {} ({})", made.name, &made.id[..12]);
        assert_eq!(preview.faults[0].sites, [expected]);
        let change = preview.faults[0].changes[0].to_string();
        assert_eq!(change, format!("docker pause {}", made.name));
    }
    made.works();
}

async fn by_label() {
    let label = |tier: &str| format!("chaos-tier-{}={tier}", std::process::id());
    let [web, db] = ["web", "db"].map(label);
    let two = [
        Box::start_with(["--label", &web]),
        Box::start_with(["--label", &web]),
    ];
    let other = Box::start_with(["--label", &db]);
    let stopped = Box::start_with(["--label", &web]);
    docker(["stop", &stopped.id]);

    let (engine, _state) = engine().await;
    let statuses = || [&two[0], &two[1], &other].map(Box::status);
    let all = engine
        .inject(Pause::new().on(&Container::labelled(&web)))
        .await
        .unwrap();
    assert_eq!(statuses(), ["paused", "paused", "running"]);
    all.recover().await.unwrap();
    assert_eq!(statuses(), ["running", "running", "running"]);

    // With any value, and one of the three.
    let key = web.split_once('=').unwrap().0;
    let one = Pause::new().on(&Container::labelled(key));
    let one = engine.inject(one.radius(BlastRadius::One)).await.unwrap();
    let paused = statuses().iter().filter(|s| *s == "paused").count();
    assert_eq!(paused, 1);
    one.recover().await.unwrap();
    assert_eq!(stopped.status(), "exited");
}

async fn from_a_file() {
    let made = Box::start();
    for (field, value) in [("name", &made.name), ("id", &made.id)] {
        let parameters = Parameters::new().with(field, value);
        let target = registry().target("container", parameters, "db").await;
        let target: Arc<dyn Target> = target.unwrap();
        let fault = registry()
            .fault("container.pause", None, &Parameters::new())
            .unwrap();
        let (engine, _state) = engine().await;
        let paused = chaos_core::Placed::new(fault, target);
        let status = engine.during(paused, async { made.status() }).await;
        assert_eq!(status.unwrap(), "paused");
    }
    let both = Parameters::new().with("name", "a").with("label", "b");
    for wrong in [Parameters::new(), both] {
        let error = registry()
            .target("container", wrong, "db")
            .await
            .unwrap_err();
        let error = Chain(&error).to_string();
        assert!(error.contains("exactly one of"), "{error}");
    }
}

async fn unknown() {
    let (engine, state) = engine().await;
    let error = engine
        .inject(Pause::new().on(&Container::named("chaos-test-nobody")))
        .await
        .unwrap_err();
    assert!(matches!(error, EngineError::Refused(_)), "{error}");
    let error = Chain(&error).to_string();
    assert!(error.contains("host was not touched"), "{error}");
    assert!(error.contains("chaos-test-nobody is not there"), "{error}");
    assert!(!state.path().join("chaos").exists());
}

async fn no_label() {
    let preview = preview(&Container::labelled("chaos-test-nobody")).await;
    let why = preview.refusals[0].to_string();
    assert!(why.contains("matches nothing"), "{why}");
}
