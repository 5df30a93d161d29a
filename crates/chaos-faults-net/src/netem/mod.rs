//! `net.netem`: everything that the kernel's network emulator can do to packets.

mod config;
mod distribution;
mod fault;
mod model;

pub use config::{NetemConfig, SlotConfig};
pub use distribution::Distribution;
pub use fault::NetemFault;
pub(crate) use model::{Chance, LossModel, Netem, Pace, Slot};
