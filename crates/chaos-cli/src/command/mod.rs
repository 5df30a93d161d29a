//! The commands, one a file. Each returns its exit code.

pub(crate) mod doctor;
pub(crate) mod faults;
mod fields;
mod files;
pub(crate) mod output;
pub(crate) mod plan;
pub(crate) mod probes;
pub(crate) mod proxy;
pub(crate) mod recover;
pub(crate) mod report;
pub(crate) mod run;
pub(crate) mod schema;
mod source;
pub(crate) mod targets;
pub(crate) mod validate;

use chaos_core::{Chain, EngineError};
use chaos_validator::printable;
use output::say;
use std::{
    io::{self, Write},
    process::ExitCode,
};

pub(crate) const HELD: u8 = 0;
pub(crate) const USAGE: u8 = 2;
pub(crate) const REFUSED: u8 = 4;
pub(crate) const LEFT: u8 = 5;
pub(crate) const INTERNAL: u8 = 70;

/// `1 change`, `2 changes`.
fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// Writes a line to standard error, without what would steer a terminal or its reader.
fn complain(text: &str) {
    writeln!(io::stderr(), "{}", printable(text)).ok();
}

/// Tells an error of the engine, and what exit code it is.
fn failed(error: &EngineError) -> u8 {
    complain(&format!("error: {}", Chain(error)));
    match error {
        EngineError::Config(_) => USAGE,
        EngineError::Refused(_) | EngineError::UndoLog(_) | EngineError::Watchdog(_) => REFUSED,
        EngineError::Left { .. } => LEFT,
        _ => INTERNAL,
    }
}

/// Something that should not happen.
pub(crate) fn internal(error: &dyn std::error::Error) -> ExitCode {
    ExitCode::from(internal_code(error))
}

/// Tells something that should not happen.
fn internal_code(error: &dyn std::error::Error) -> u8 {
    complain(&format!("error: {error}"));
    INTERNAL
}
