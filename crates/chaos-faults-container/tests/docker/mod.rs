//! The trials, and what they share.

mod client;
mod crash;
mod door;
mod effects;
mod lost;
mod probe;
mod promises;
mod targets;
mod tells;
mod unreachable;
mod victim;

pub(crate) use client::remove_everything;
use libtest_mimic::Trial;
pub(crate) use victim::{is_victim, run as victim};

pub(crate) fn trials() -> Vec<Trial> {
    let trials = [
        targets::trials(),
        effects::trials(),
        promises::trials(),
        lost::trials(),
        probe::trials(),
        crash::trials(),
        unreachable::trials(),
    ];
    trials.into_iter().flatten().collect()
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
