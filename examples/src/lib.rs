//! A small shop to break: an HTTP service, a TCP server that it depends on, and a worker process.
//!
//! - [`Stock`] is the dependency: a TCP server with a line protocol.
//! - [`Worker`] is a process of its own that computes prices.
//! - [`Orders`] is the service: `/orders` asks both, with a timeout, a retry and a fallback, or without.

mod orders;
mod scenario;
mod stock;
mod worker;

pub use orders::{Care, Orders};
pub use scenario::{System, scenario};
pub use stock::Stock;
pub use worker::Worker;
