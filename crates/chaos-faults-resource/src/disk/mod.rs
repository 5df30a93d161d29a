//! Full disks and busy disks.

mod burn;
#[cfg(target_os = "linux")]
mod burner;
#[cfg(target_os = "linux")]
mod cancel;
#[cfg(target_os = "linux")]
mod create;
mod fill;
#[cfg(target_os = "linux")]
mod grow;
#[cfg(target_os = "linux")]
mod pace;
#[cfg(target_os = "linux")]
mod place;
#[cfg(target_os = "linux")]
mod remove;
#[cfg(target_os = "linux")]
mod space;

pub use burn::{DiskBurn, DiskBurnConfig, DiskMode};
pub use fill::{DiskFill, DiskFillConfig};
#[cfg(target_os = "linux")]
pub(crate) use remove::RemoveFile;
