//! Processes: as a target, stopped, and killed.

mod config;
#[cfg(target_os = "linux")]
mod end;
#[cfg(target_os = "linux")]
mod find;
#[cfg(target_os = "linux")]
mod handle;
mod kill;
mod pause;
#[cfg(target_os = "linux")]
mod resume;
mod signal;
#[cfg(target_os = "linux")]
mod stop;
mod target;
#[cfg(target_os = "linux")]
mod victim;

pub use config::ProcessConfig;
pub use kill::{Kill, KillConfig};
pub use pause::{Pause, PauseConfig};
#[cfg(target_os = "linux")]
pub(crate) use resume::ContinueProcess;
pub use signal::Signal;
pub use target::Process;
