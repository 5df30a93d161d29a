#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used)]

mod base_url;
mod check;
mod diagnose;
mod environment;
mod expect;
mod file;
mod fraction;
mod hide;
mod limits;
mod names;
mod options;
mod path;
mod probe;
mod read;
mod remaining;
mod scenario;
mod scenarios;
mod schema;
mod span;
mod stage;
mod tree;
mod variables;

pub use diagnose::{Diagnostic, Diagnostics, Position};
pub use options::Options;
pub use scenario::Scenario;
pub use scenarios::Scenarios;
pub use schema::schema;
pub use stage::{Stage, Trial, Unopened};
