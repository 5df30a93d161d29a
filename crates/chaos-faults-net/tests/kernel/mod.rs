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
use std::{env, process::ExitCode};

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
