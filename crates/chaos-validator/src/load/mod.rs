//! Traffic, so that there is something to measure.

mod closure;
mod config;
mod exchange;
mod generator;
mod http;
mod limits;
mod open_loop;
mod pacer;
mod plan;
mod recorder;
mod recording;
mod steady;

pub use closure::ClosureLoad;
pub use config::{HttpLoadConfig, LoadConfig};
pub use exchange::{Class, Exchange};
pub use http::HttpLoad;
pub use plan::RequestRate;
pub use recording::{Counts, Recording};

use chaos_core::Observer;
use std::time::Duration;

/// An observer that makes traffic and records what became of it.
pub trait Load: Observer {
    /// What was seen so far; complete once the run is over.
    fn recording(&self) -> Recording;

    /// What was over at `from` or later: a cheap look at the newest part, while the load runs.
    fn recent(&self, from: Duration) -> Recording;
}
