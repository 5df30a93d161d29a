//! Network namespaces: as a target, and how they are entered and found again.

mod config;
#[cfg(target_os = "linux")]
mod file;
#[cfg(target_os = "linux")]
mod id;
mod target;
#[cfg(target_os = "linux")]
mod work;

pub use config::NetnsConfig;
#[cfg(target_os = "linux")]
pub(crate) use file::{Inside, NetnsFile, Opened};
#[cfg(target_os = "linux")]
pub(crate) use id::NetnsId;
pub use target::Netns;
