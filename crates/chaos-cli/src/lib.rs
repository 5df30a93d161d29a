#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used)]

mod live;
mod progress;
mod registry;
mod signals;

pub use live::Live;
pub use progress::Progress;
pub use registry::registry;
pub use signals::stop_on_signals;
