//! `net.latency`: data arrives late.
//!
//! The [`fault`] delays by what a [`delay`] draws.

mod delay;
mod fault;

pub use fault::{Latency, LatencyConfig};
