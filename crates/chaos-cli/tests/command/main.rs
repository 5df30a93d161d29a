//! The command as a person and a pipeline use it: exit codes, messages, signals, and a kill -9.

mod look;
#[cfg(target_os = "linux")]
mod process;
mod proxy;
mod report;
mod run;
mod scene;
