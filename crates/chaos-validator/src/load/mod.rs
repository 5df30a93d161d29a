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

/// An observer that makes traffic and records what became of it.
pub trait Load: Observer {
    /// What was seen so far; complete once the run is over.
    fn recording(&self) -> Recording;
}
