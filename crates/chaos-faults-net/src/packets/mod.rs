//! Which packets a fault of the kernel hits.

mod config;
mod host;
mod ports;
mod traffic;

pub(crate) use config::Packets;
pub use config::{PacketsConfig, Protocol};
pub(crate) use host::Host;
pub(crate) use ports::{PortText, Ports, texts};
pub use traffic::Traffic;
