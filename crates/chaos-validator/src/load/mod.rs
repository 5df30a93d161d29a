//! Traffic, so that there is something to measure.

mod alarm;
mod closure;
mod config;
mod drive;
mod exchange;
mod generator;
mod http;
mod limits;
mod minifloat;
mod mix;
mod open_loop;
mod pacer;
mod rate;
mod recorder;
mod recording;
mod schedule;
mod steady;
mod traffic;

pub use closure::{Calls, ClosureLoad};
pub use config::{Auth, HttpLoadConfig, HttpRequestConfig, LoadConfig, Ramp, Statuses, Step};
pub use exchange::{Class, Exchange};
pub use http::{HttpLoad, HttpRequest, HttpSlot, HttpTraffic, HttpWork};
pub use open_loop::OpenLoop;
pub use rate::RequestRate;
pub use recorder::{Recorder, Ticket};
pub use recording::{Counts, Recording};
pub use schedule::Schedule;
pub use traffic::{Answer, Traffic, Work};

use chaos_core::Observer;
use std::time::Duration;

/// An observer that makes traffic and records what became of it.
pub trait Load: Observer {
    /// What was seen so far; complete once the run is over.
    fn recording(&self) -> Recording;

    /// What was over at `from` or later: a cheap look at the newest part, while the load runs.
    fn recent(&self, from: Duration) -> Recording;

    /// How many requests there are of each sort so far; cheaper than any recording.
    fn counts(&self) -> Counts;
}
