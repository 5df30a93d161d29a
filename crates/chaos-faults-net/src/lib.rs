#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod bandwidth;
mod blackhole;
mod check;
mod direction;
mod latency;
mod loss;
#[cfg(target_os = "linux")]
mod netlink;
mod netns;
#[cfg(target_os = "linux")]
mod nft;
mod partition;
mod proxy;
mod refuse;
mod register;
mod reset;

pub use bandwidth::{Bandwidth, BandwidthConfig};
pub use blackhole::{Blackhole, BlackholeConfig};
pub use direction::Direction;
pub use latency::{Latency, LatencyConfig};
pub use loss::{Loss, LossConfig};
pub use netns::{Netns, NetnsConfig};
pub use partition::{Partition, PartitionConfig, Traffic};
pub use proxy::{Proxy, ProxyConfig};
pub use refuse::{Refuse, RefuseConfig};
pub use register::register;
pub use reset::{Reset, ResetConfig};
