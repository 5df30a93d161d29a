//! `net.netem`: everything that the kernel's network emulator can do to packets.

mod chance;
mod config;
mod distribution;
mod fault;
mod model;

pub(crate) use chance::Chance;
pub use config::{NetemConfig, SlotConfig};
pub use distribution::Distribution;
pub use fault::NetemFault;
pub(crate) use model::{LossModel, Netem, Pace, Slot};
