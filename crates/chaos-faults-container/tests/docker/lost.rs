//! Somebody else acts on the container while the fault is in place.

use super::{
    client::{Box, docker},
    engine,
    tells::Tells,
    trial,
};
use chaos_core::{Edge, EdgeKind, Experiment, FaultExt, OnLost, Outcome, Placed, Run};
use chaos_faults_container::{Pause, Stop};
use libtest_mimic::Trial;
use std::{
    sync::{Arc, mpsc},
    time::Duration,
};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("a_pause_that_is_lost_is_reported", pause_lost),
        trial(
            "a_pause_follows_its_container_to_its_next_run",
            pause_follows,
        ),
        trial("a_stop_that_is_lost_is_reported", stop_lost),
        trial("a_stop_follows_its_container_to_its_next_run", stop_follows),
        trial("a_container_that_was_removed_is_lost", removed),
        trial(
            "a_later_pause_of_somebody_else_is_left_alone",
            foreign_later,
        ),
    ]
}

/// Six seconds of a fault; somebody else does something once it is in place.
async fn run(fault: Placed, other: impl FnOnce() + Send + 'static) -> Run {
    let (engine, _state) = engine().await;
    let (tells, injected) = mpsc::channel();
    let experiment = Experiment::named("somebody else")
        .baseline(Duration::from_millis(10))
        .hold(Duration::from_secs(6))
        .recovery_limit(Duration::from_secs(5))
        .fault(fault)
        .observer(Arc::new(Tells::to(tells)));
    let somebody = tokio::task::spawn_blocking(move || {
        injected.recv_timeout(Duration::from_secs(60)).unwrap();
        other();
    });
    let run = engine.run(&experiment).await.unwrap();
    somebody.await.unwrap();
    run
}

/// What happened, and in which repetition.
fn edges(run: &Run) -> Vec<(EdgeKind, u64)> {
    let told = |edge: &&Edge| edge.kind != EdgeKind::Answered;
    let edge = |edge: &Edge| (edge.kind, edge.repetition);
    run.edges.iter().filter(told).map(edge).collect()
}

/// Another run of a container, as after a crash.
fn another_run(made: &Box) -> impl FnOnce() + Send + use<> {
    let id = made.id.clone();
    move || {
        docker(["kill", &id]);
        docker(["start", &id]);
    }
}

const LOST: [(EdgeKind, u64); 3] = [
    (EdgeKind::Injected, 0),
    (EdgeKind::Lost, 0),
    (EdgeKind::Recovered, 0),
];
const FOLLOWED: [(EdgeKind, u64); 5] = [
    (EdgeKind::Injected, 0),
    (EdgeKind::Lost, 0),
    (EdgeKind::Recovered, 0),
    (EdgeKind::Injected, 1),
    (EdgeKind::Recovered, 1),
];

async fn pause_lost() {
    let made = Box::start();
    let run = run(Pause::new().on(&made.target()), another_run(&made)).await;
    assert_eq!(edges(&run), LOST, "{run:#?}");
    assert!(
        matches!(run.outcome, Outcome::Inconclusive { .. }),
        "{run:#?}"
    );
    made.works();
}

async fn pause_follows() {
    let made = Box::start();
    let before = made.started_at();
    let fault = Pause::new().on(&made.target()).on_lost(OnLost::Follow);
    let run = run(fault, another_run(&made)).await;
    assert_eq!(edges(&run), FOLLOWED, "{run:#?}");
    made.works();
    assert_ne!(made.started_at(), before);
}

async fn stop_lost() {
    let made = Box::start();
    let id = made.id.clone();
    let start = move || drop(docker(["start", &id]));
    let run = run(Stop::new().on(&made.target()), start).await;
    assert_eq!(edges(&run), LOST, "{run:#?}");
    made.works();
}

async fn stop_follows() {
    let made = Box::start();
    let id = made.id.clone();
    let start = move || drop(docker(["start", &id]));
    let fault = Stop::new().on(&made.target()).on_lost(OnLost::Follow);
    let run = run(fault, start).await;
    assert_eq!(edges(&run), FOLLOWED, "{run:#?}");
    made.works();
}

async fn removed() {
    let made = Box::start();
    let id = made.id.clone();
    let remove = move || drop(docker(["rm", "-f", &id]));
    let run = run(Stop::new().on(&made.target()), remove).await;
    assert_eq!(edges(&run), LOST, "{run:#?}");
    assert!(run.left.is_empty(), "{run:#?}");
}

/// The next run was paused by somebody else: that is not ours to take back.
async fn foreign_later() {
    let made = Box::start();
    let (id, again) = (made.id.clone(), another_run(&made));
    let run = run(Pause::new().on(&made.target()), move || {
        again();
        docker(["pause", &id]);
    });
    let run = run.await;
    assert_eq!(edges(&run), LOST, "{run:#?}");
    assert_eq!(made.status(), "paused");
    docker(["unpause", &made.id]);
    made.works();
}
