//! Traffic, so that there is something to measure.

mod alarm;
mod ceiling;
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
#[cfg(feature = "postgres")]
mod postgres;
mod rate;
mod recorder;
mod recording;
#[cfg(feature = "redis")]
mod redis;
mod schedule;
mod steady;
mod tcp;
mod traffic;

pub use ceiling::Ceiling;
pub use closure::{Calls, ClosureLoad};
#[cfg(feature = "postgres")]
pub use config::PostgresLoadConfig;
#[cfg(feature = "redis")]
pub use config::RedisLoadConfig;
pub use config::{
    Auth, HttpLoadConfig, HttpRequestConfig, LoadConfig, Ramp, Statuses, Step, TcpLoadConfig,
};
pub(crate) use exchange::MOST_ENDPOINTS;
pub use exchange::{Class, Exchange};
pub use http::{HttpLoad, HttpRequest, HttpSlot, HttpTraffic, HttpWork};
pub use open_loop::OpenLoop;
#[cfg(feature = "postgres")]
pub use postgres::{PostgresConnection, PostgresLoad, PostgresTraffic, PostgresWork};
pub use rate::RequestRate;
pub use recorder::{Recorder, Ticket};
pub use recording::{Counts, Recording};
#[cfg(feature = "redis")]
pub use redis::{RedisLoad, RedisTraffic, RedisWork};
pub use schedule::Schedule;
pub use tcp::{TcpLoad, TcpTraffic, TcpWork};
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
