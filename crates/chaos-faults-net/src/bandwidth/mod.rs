//! `net.bandwidth`: a narrow link.
//!
//! The [`fault`] puts it on a proxy as a [`narrow`] link, in whose [`slots`] the data goes.

mod fault;
mod narrow;
mod slots;

pub use fault::{Bandwidth, BandwidthConfig};
