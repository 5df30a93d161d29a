#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod accept_delay;
mod bandwidth;
mod blackhole;
mod check;
mod connections;
mod corrupt;
mod cutoff;
mod direction;
mod down;
mod draws;
mod duplicate;
mod emulate;
mod latency;
mod limit;
mod loss;
mod max_connections;
mod netem;
#[cfg(target_os = "linux")]
mod netlink;
mod netns;
#[cfg(target_os = "linux")]
mod nft;
mod packets;
mod partition;
mod port;
mod proxy;
mod refuse;
mod register;
mod reorder;
mod reset;
#[cfg(target_os = "linux")]
mod route;
mod scope;
mod slice;
mod slow_close;
#[cfg(target_os = "linux")]
mod tc;
#[cfg(feature = "toxiproxy")]
pub mod toxiproxy;

pub use accept_delay::{AcceptDelay, AcceptDelayConfig};
pub use bandwidth::{Bandwidth, BandwidthConfig};
pub use blackhole::{Blackhole, BlackholeConfig};
pub use corrupt::{Corrupt, CorruptConfig};
pub use direction::Direction;
pub use down::{Down, DownConfig};
pub use duplicate::{Duplicate, DuplicateConfig};
pub use latency::{Latency, LatencyConfig};
pub use limit::{Limit, LimitConfig};
pub use loss::{Loss, LossConfig};
pub use max_connections::{MaxConnections, MaxConnectionsConfig};
pub use netem::{Distribution, NetemConfig, NetemFault, SlotConfig};
pub use netns::{Netns, NetnsConfig};
pub use packets::{PacketsConfig, Protocol, Traffic};
pub use partition::{Partition, PartitionConfig};
pub use port::{PortProtocol, TakenPort, TakenPortConfig};
pub use proxy::{Address, Proxy, ProxyConfig, Transport};
pub use refuse::{Refuse, RefuseConfig};
pub use register::register;
pub use reorder::{Reorder, ReorderConfig};
pub use reset::{Reset, ResetConfig};
pub use slice::{Slice, SliceConfig};
pub use slow_close::{SlowClose, SlowCloseConfig};
