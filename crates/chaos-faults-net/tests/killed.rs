//! What the next proxy makes of the Unix socket that a killed process has left behind. What needs root runs when
//! `CHAOS_TEST_KERNEL=1`.

#[cfg(target_os = "linux")]
#[path = "killed/mod.rs"]
mod killed;

use libtest_mimic::{Arguments, Trial};
use std::process::ExitCode;

fn main() -> ExitCode {
    #[cfg(target_os = "linux")]
    if let Some(code) = killed::victim() {
        return code;
    }
    libtest_mimic::run(&Arguments::from_args(), trials()).exit_code()
}

#[cfg(target_os = "linux")]
fn trials() -> Vec<Trial> {
    killed::trials()
}

/// Elsewhere it is refused, as `tests/unix.rs` shows of every socket that is there.
#[cfg(not(target_os = "linux"))]
fn trials() -> Vec<Trial> {
    Vec::new()
}
