//! Upstreams whose names come to lead elsewhere (tier 2): `/etc/hosts` of a mount namespace made for the test says where.
//!
//! Runs when `CHAOS_TEST_KERNEL=1`, as root on Linux, and then must succeed.

#[cfg(target_os = "linux")]
#[path = "names/mod.rs"]
mod names;

use libtest_mimic::{Arguments, Trial};
use std::process::ExitCode;

fn main() -> ExitCode {
    let asked = std::env::var_os("CHAOS_TEST_KERNEL").is_some_and(|value| value == "1");
    #[cfg(target_os = "linux")]
    if asked && !names::is_inside() {
        return names::run_inside();
    }
    let trials = trials().into_iter();
    let trials = trials
        .map(|trial| trial.with_ignored_flag(!asked))
        .collect();
    let mut arguments = Arguments::from_args();
    // There is one file of names.
    arguments.test_threads = Some(1);
    libtest_mimic::run(&arguments, trials).exit_code()
}

#[cfg(target_os = "linux")]
fn trials() -> Vec<Trial> {
    names::trials()
}

#[cfg(not(target_os = "linux"))]
fn trials() -> Vec<Trial> {
    vec![Trial::test("names", || Err("needs Linux".into()))]
}
