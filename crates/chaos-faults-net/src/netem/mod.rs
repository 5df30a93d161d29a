//! `net.netem`: everything that the kernel's network emulator can do to packets.

mod chance;
mod config;
mod distribution;
mod fault;
mod model;
mod slot;

pub(crate) use chance::Chance;
pub use config::NetemConfig;
pub use distribution::Distribution;
pub(crate) use distribution::varies;
pub use fault::NetemFault;
pub(crate) use model::{LossModel, Netem, Pace};
#[cfg(target_os = "linux")]
pub(crate) use slot::Between;
pub(crate) use slot::Slot;
pub use slot::SlotConfig;
