//! Killed with SIGKILL at every point, and a second process puts the host back: a full disk and a stopped process.
//!
//! Its own `main`, because the one that is killed is this very program started again.

#[cfg(target_os = "linux")]
#[path = "crash/mod.rs"]
mod crash;

#[cfg(target_os = "linux")]
#[expect(dead_code, reason = "not all of it is used here")]
mod world;

use std::process::ExitCode;

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    crash::main()
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    ExitCode::SUCCESS
}
