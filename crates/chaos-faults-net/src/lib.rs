#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod bandwidth;
mod blackhole;
mod check;
mod direction;
mod emulate;
mod latency;
mod loss;
mod netem;
#[cfg(target_os = "linux")]
mod netlink;
mod netns;
#[cfg(target_os = "linux")]
mod nft;
mod packets;
mod partition;
mod proxy;
mod refuse;
mod register;
mod reset;
#[cfg(target_os = "linux")]
mod route;
#[cfg(target_os = "linux")]
mod tc;

pub use bandwidth::{Bandwidth, BandwidthConfig};
pub use blackhole::{Blackhole, BlackholeConfig};
pub use direction::Direction;
pub use latency::{Latency, LatencyConfig};
pub use loss::{Loss, LossConfig};
pub use netem::{Distribution, NetemConfig, NetemFault, SlotConfig};
pub use netns::{Netns, NetnsConfig};
pub use packets::{PacketsConfig, Protocol};
pub use partition::{Partition, PartitionConfig, Traffic};
pub use proxy::{Proxy, ProxyConfig};
pub use refuse::{Refuse, RefuseConfig};
pub use register::register;
pub use reset::{Reset, ResetConfig};
