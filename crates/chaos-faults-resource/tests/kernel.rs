//! Disks that are really full, on file systems mounted for the test (tier 2).
//!
//! Runs when `CHAOS_TEST_KERNEL=1`, as root on Linux, and then must succeed. It starts itself again in a mount namespace
//! of its own first, so that its mounts are gone with it.

#[cfg(target_os = "linux")]
#[path = "kernel/mod.rs"]
mod kernel;

#[cfg(target_os = "linux")]
#[expect(dead_code, reason = "not all of it is used here")]
mod world;

use libtest_mimic::{Arguments, Trial};
use std::process::ExitCode;

fn main() -> ExitCode {
    let asked = std::env::var_os("CHAOS_TEST_KERNEL").is_some_and(|value| value == "1");
    #[cfg(target_os = "linux")]
    {
        if kernel::is_victim() {
            return kernel::victim();
        }
        if asked && !kernel::is_inside() {
            return kernel::run_inside();
        }
    }
    let trials = trials().into_iter();
    let trials = trials
        .map(|trial| trial.with_ignored_flag(!asked))
        .collect();
    let mut arguments = Arguments::from_args();
    // One after the other: a process that another trial starts shares open files, and so keeps room, until it execs.
    arguments.test_threads = Some(1);
    libtest_mimic::run(&arguments, trials).exit_code()
}

#[cfg(target_os = "linux")]
fn trials() -> Vec<Trial> {
    kernel::trials()
}

#[cfg(not(target_os = "linux"))]
fn trials() -> Vec<Trial> {
    vec![Trial::test("full_disks", || Err("needs Linux".into()))]
}
