//! `net.loss`: packets get lost.
//!
//! The [`fault`] makes a stream wait for its [`retransmission`]s, and [`datagrams`] disappear.

mod datagrams;
mod fault;
mod retransmission;

pub use fault::{Loss, LossConfig};
