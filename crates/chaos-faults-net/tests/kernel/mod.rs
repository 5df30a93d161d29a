//! The trials, and how they are kept away from the host.

mod bursts;
mod echoed;
mod effect;
mod matrix;
mod netem;
mod one_way;
mod ownership;
mod port;
mod queues;
mod recovery;
mod shapes;
mod table;
mod world;

use libtest_mimic::Trial;
use std::{
    env,
    process::{Command, ExitCode},
};

const INSIDE: &str = "CHAOS_TEST_INSIDE";

/// Does what this process was started for, if that is to be killed.
pub(crate) fn victim() -> Option<ExitCode> {
    if recovery::is_victim() {
        Some(recovery::victim())
    } else if matrix::is_victim() {
        Some(matrix::victim())
    } else {
        None
    }
}

/// Whether this process is in a namespace of its own.
pub(crate) fn is_inside() -> bool {
    env::var_os(INSIDE).is_some()
}

/// Runs this test in a network namespace of its own.
pub(crate) fn run_inside() -> ExitCode {
    let status = Command::new("unshare")
        .arg("--net")
        .arg(env::current_exe().unwrap())
        .args(env::args_os().skip(1))
        .env(INSIDE, "1")
        .status();
    match status {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => panic!("unshare, of util-linux, cannot be run: {error}"),
    }
}

/// Everything that is tried.
pub(crate) fn trials() -> Vec<Trial> {
    let trial = |(name, test): (&str, fn())| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    };
    let all = [
        effect::ALL,
        ownership::ALL,
        recovery::ALL,
        table::ALL,
        queues::ALL,
        netem::ALL,
        shapes::ALL,
        bursts::ALL,
        matrix::ALL,
        port::ALL,
    ];
    // In the virtual machine, where everything takes long, only what needs its kernel.
    let few = [
        // The longest first, so that nothing waits for it in the end.
        matrix::ALL,
        queues::ALL,
        netem::ALL,
        shapes::ALL,
        bursts::ALL,
    ];
    let all = match env::var_os("CHAOS_TEST_VM") {
        Some(_) => &few[..],
        None => &all,
    };
    all.iter().copied().flatten().copied().map(trial).collect()
}

/// Runs a future to its end.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().unwrap().block_on(future)
}
