//! `net.down`: an interface is down.

mod fault;
#[cfg(target_os = "linux")]
mod set_down;

pub use fault::{Down, DownConfig};
#[cfg(target_os = "linux")]
pub(crate) use set_down::SetUp;
