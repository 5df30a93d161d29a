//! Scenario files.
mod diagnose;
mod tree;
mod variables;
pub use diagnose::*;
