#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod beside;
mod cpu;
mod crew;
mod disk;
#[cfg(not(target_os = "linux"))]
mod elsewhere;
mod memory;
mod process;
mod register;
#[cfg(test)]
#[cfg(target_os = "linux")]
mod testing;

pub use cpu::{CpuBurn, CpuBurnConfig};
pub use disk::{DiskBurn, DiskBurnConfig, DiskFill, DiskFillConfig, DiskMode};
pub use memory::{MemFill, MemFillConfig};
pub use process::{Kill, KillConfig, Pause, PauseConfig, Process, ProcessConfig, Signal};
pub use register::register;
