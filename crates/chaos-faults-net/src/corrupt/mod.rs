//! `net.corrupt`: data arrives with a wrong bit.
//!
//! The [`fault`] [`flips`] bits of a stream, or of [`datagrams`].

mod datagrams;
mod fault;
mod flips;

pub use fault::{Corrupt, CorruptConfig};
