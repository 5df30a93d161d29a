//! The promises that every fault keeps, on real containers.

use super::{
    client::{Box, docker},
    registry, trial,
};
use chaos_core::{FaultExt, Placed, testing::Conformance};
use chaos_faults_container::{Kill, Pause, Stop};
use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("pause_keeps_the_promises", pause),
        trial("stop_keeps_the_promises", stop),
        trial("kill_keeps_the_promises", kill),
    ]
}

async fn keeps(
    made: &Box,
    make: impl Fn() -> Placed + Send + Sync + 'static,
    break_it: &'static str,
    mend: &'static str,
) {
    let [seen, put] = [(); 2].map(|()| made.id.clone());
    Conformance::new(registry(), make)
        .world(move || docker(["inspect", "--format", "{{.State.Status}}", &seen]))
        .foreign(move || {
            docker([break_it, &put]);
            let put = put.clone();
            move || drop(docker([mend, &put]))
        })
        .record(
            "container.unpause",
            1,
            include_str!("../fixtures/container.unpause-1.json"),
        )
        .record(
            "container.start",
            1,
            include_str!("../fixtures/container.start-1.json"),
        )
        .record(
            "container.start",
            2,
            include_str!("../fixtures/container.start-2.json"),
        )
        .run()
        .await;
    made.works();
}

async fn pause() {
    let made = Box::start();
    let target = made.target();
    keeps(&made, move || Pause::new().on(&target), "pause", "unpause").await;
}

async fn stop() {
    let made = Box::start();
    let target = made.target();
    keeps(&made, move || Stop::new().on(&target), "stop", "start").await;
}

async fn kill() {
    let made = Box::start();
    let target = made.target();
    keeps(&made, move || Kill::new().on(&target), "kill", "start").await;
}
