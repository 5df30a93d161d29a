//! Faults on containers of a real Docker Engine (tier 3).
//!
//! Runs when `CHAOS_TEST_DOCKER=1`, and then must succeed. The engine is that of `DOCKER_HOST`, else the local one;
//! `tests/docker-engine.sh` of the repository starts one. The image is made of the static `busybox` of this machine,
//! so nothing is pulled. Containers use the host's network and listen on loopback only. All of them, and the image,
//! carry the pid of this test in their names, and are removed at the end.

#[cfg(unix)]
#[path = "docker/mod.rs"]
mod docker;

use libtest_mimic::{Arguments, Trial};
use std::process::ExitCode;

fn main() -> ExitCode {
    #[cfg(unix)]
    if docker::is_victim() {
        return docker::victim();
    }
    let asked = std::env::var_os("CHAOS_TEST_DOCKER").is_some_and(|value| value == "1");
    let trials = trials().into_iter();
    let trials = trials.map(|trial| trial.with_ignored_flag(!asked));
    let conclusion = libtest_mimic::run(&Arguments::from_args(), trials.collect());
    #[cfg(unix)]
    if asked {
        docker::remove_everything();
    }
    conclusion.exit_code()
}

#[cfg(unix)]
fn trials() -> Vec<Trial> {
    docker::trials()
}

#[cfg(not(unix))]
fn trials() -> Vec<Trial> {
    vec![Trial::test("containers", || Err("needs Unix".into()))]
}
