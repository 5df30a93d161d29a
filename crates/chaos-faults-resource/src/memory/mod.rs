//! Memory pressure.

mod fill;
#[cfg(target_os = "linux")]
mod filler;
#[cfg(target_os = "linux")]
mod room;
#[cfg(target_os = "linux")]
mod work;

pub use fill::{MemFill, MemFillConfig};
