#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod asked;
mod delay;
mod effect;
mod names;
mod nxdomain;
mod proxy;
mod queries;
mod refuse;
mod register;
mod reply;
mod servfail;
mod simple;
mod spoof;
mod timeout;
mod truncate;

pub use delay::{Delay, DelayConfig};
pub use nxdomain::{Nxdomain, NxdomainConfig};
pub use proxy::{DnsProxy, DnsProxyBuilder, DnsProxyConfig};
pub use queries::Queries;
pub use refuse::{Refuse, RefuseConfig};
pub use register::register;
pub use servfail::{Servfail, ServfailConfig};
pub use spoof::{Spoof, SpoofConfig};
pub use timeout::{Timeout, TimeoutConfig};
pub use truncate::{Truncate, TruncateConfig};
