#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod beside;
mod cpu;
mod crew;
mod process;
mod register;

pub use cpu::{CpuBurn, CpuBurnConfig};
pub use process::{Kill, KillConfig, Pause, PauseConfig, Process, ProcessConfig, Signal};
pub use register::register;
