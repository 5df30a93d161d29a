//! Network namespaces: as a target, and how they are entered and found again.

mod config;
#[cfg(target_os = "linux")]
mod file;
#[cfg(target_os = "linux")]
mod id;
#[cfg(target_os = "linux")]
mod now;
#[cfg(target_os = "linux")]
mod spaces;
mod target;
#[cfg(target_os = "linux")]
mod work;

pub use config::NetnsConfig;
#[cfg(target_os = "linux")]
pub(crate) use file::{Inside, NetnsFile, Opened};
#[cfg(target_os = "linux")]
pub(crate) use id::NetnsId;
#[cfg(target_os = "linux")]
pub(crate) use now::Now;
#[cfg(target_os = "linux")]
pub(crate) use spaces::{Space, spaces};
pub use target::Netns;
