//! Faults on containers of a real Docker Engine (tier 3).
//!
//! Runs when `CHAOS_TEST_DOCKER=1`, and then must succeed. The engine is that of `DOCKER_HOST`, else the local one;
//! `tests/docker-engine.sh` of the repository starts one. The image is made of the static `busybox` of this machine,
//! so nothing is pulled. Containers use the host's network and listen on loopback only. All of them, and the image,
//! carry the pid of this test in their names, and are removed at the end.

#[path = "docker/client.rs"]
mod client;
#[path = "docker/crash.rs"]
mod crash;
#[path = "docker/effects.rs"]
mod effects;
#[path = "docker/lost.rs"]
mod lost;
#[path = "docker/promises.rs"]
mod promises;
#[path = "docker/targets.rs"]
mod targets;
#[path = "docker/unreachable.rs"]
mod unreachable;
#[path = "docker/victim.rs"]
mod victim;

use libtest_mimic::{Arguments, Trial};
use std::process::ExitCode;

fn main() -> ExitCode {
    if victim::is_victim() {
        return victim::run();
    }
    let arguments = Arguments::from_args();
    let asked = std::env::var_os("CHAOS_TEST_DOCKER").is_some_and(|value| value == "1");
    let trials = [
        targets::trials(),
        effects::trials(),
        promises::trials(),
        lost::trials(),
        crash::trials(),
        unreachable::trials(),
    ];
    let trials = trials.into_iter().flatten();
    let trials = trials.map(|trial| trial.with_ignored_flag(!asked));
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    client::remove_everything();
    conclusion.exit_code()
}

/// A trial that is a future.
fn trial<F: Future<Output = ()> + 'static>(name: &'static str, test: fn() -> F) -> Trial {
    Trial::test(name, move || {
        victim::block_on(test());
        Ok(())
    })
}

/// Everything of the crate.
fn registry() -> chaos_core::Registry {
    let mut registry = chaos_core::Registry::new();
    chaos_faults_container::register(&mut registry);
    registry
}

/// An engine with a directory of its own, which lives as long as the second value.
async fn engine() -> (chaos_core::Engine, tempfile::TempDir) {
    let state = tempfile::tempdir().unwrap();
    (engine_in(&state).await, state)
}

async fn engine_in(state: &tempfile::TempDir) -> chaos_core::Engine {
    chaos_core::Engine::builder()
        .registry(registry())
        .state_dir(state.path().join("chaos"))
        .open()
        .await
        .unwrap()
}
