//! Upstreams whose names come to lead elsewhere (tier 2): `/etc/hosts` of a mount namespace made for the test says where.
//!
//! Runs when `CHAOS_TEST_KERNEL=1`, as root on Linux, and then must succeed.

#[cfg(target_os = "linux")]
#[path = "names/mod.rs"]
mod names;

#[cfg(target_os = "linux")]
#[path = "world/inside.rs"]
mod inside;

use libtest_mimic::{Arguments, Trial};
use std::process::ExitCode;

fn main() -> ExitCode {
    let asked = std::env::var_os("CHAOS_TEST_KERNEL").is_some_and(|value| value == "1");
    #[cfg(target_os = "linux")]
    {
        let inside = inside::Inside {
            namespace: "--mount",
            variable: "CHAOS_TEST_NAMES_INSIDE",
        };
        if asked && !inside.is() {
            return inside.run();
        }
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
