#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used)]

mod diagnose;
mod file;
mod scenario;
mod scenarios;
mod tree;
mod variables;

pub use diagnose::{Diagnostic, Position};
pub use scenario::Scenario;
pub use scenarios::{Options, Scenarios, Stage, Trial, Unopened};
