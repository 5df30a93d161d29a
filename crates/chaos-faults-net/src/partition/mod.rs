//! `net.partition`: a namespace is cut off.

mod config;
mod fault;
mod network;
#[cfg(target_os = "linux")]
mod table;

pub use config::{PartitionConfig, Traffic};
pub use fault::Partition;
pub(crate) use network::Network;
#[cfg(target_os = "linux")]
pub(crate) use table::{AddTable, DelTable};
