//! A DNS proxy inside this process, on whose queries faults are put.
//!
//! [`handle`] is what a user holds, [`builder`] what makes it; [`shared`] is what it has in common with its faults. [`udp`] and [`tcp`] are
//! the loops behind the port, [`link`] a TCP client's way to the upstream; [`fate`] is what becomes of one query.
//! [`hitting`] is a fault and what it hits; [`place`] puts it there.

mod builder;
mod config;
mod fate;
mod handle;
mod hitting;
mod link;
mod place;
mod ports;
mod shared;
mod tcp;
mod threads;
mod udp;

pub use builder::DnsProxyBuilder;
pub use config::DnsProxyConfig;
pub use handle::DnsProxy;
pub(crate) use place::plan_on_proxies;
