#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod docker;
mod in_flight;
mod kill;
mod pause;
mod probe;
mod register;
mod restart;
mod start;
mod stop;
mod target;

pub use kill::{Kill, KillConfig};
pub use pause::{Pause, PauseConfig, Unpause};
pub use probe::{ContainerLook, ContainerProbe, ContainerProbeConfig};
pub use register::register;
pub use restart::{Restart, RestartConfig};
pub use start::Start;
pub use stop::{Stop, StopConfig};
pub use target::{Container, ContainerConfig};
