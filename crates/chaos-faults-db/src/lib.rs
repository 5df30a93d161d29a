#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod address;
mod answers;
mod down;
mod protocol;
mod register;
mod way;

pub use down::{Down, DownConfig};
pub use protocol::Protocol;
pub use register::register;
