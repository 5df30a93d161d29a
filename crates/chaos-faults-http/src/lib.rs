#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod abort;
mod answer;
mod delay;
mod direction;
mod effect;
mod fields;
mod patch;
mod proxy;
mod register;
mod replace;
mod requests;
mod rewrite;

pub use abort::{Abort, AbortConfig};
pub use delay::{Delay, DelayConfig};
pub use direction::Direction;
pub use patch::{Patch, PatchConfig};
pub use proxy::{HttpProxy, HttpProxyBuilder, HttpProxyConfig};
pub use register::register;
pub use replace::{Replace, ReplaceConfig};
pub use requests::Requests;
