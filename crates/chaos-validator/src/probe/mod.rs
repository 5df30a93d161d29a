//! Looking at one thing without changing it.

mod asker;
mod closure;
mod command;
mod dns;
mod file;
mod http;
#[cfg(feature = "postgres")]
mod postgres;
mod process;
mod prometheus;
#[cfg(feature = "redis")]
mod redis;
mod tcp;
mod value;

pub use closure::ClosureProbe;
pub use command::{CommandProbe, CommandProbeConfig};
pub use dns::{DnsProbe, DnsProbeConfig};
pub use file::{FileLook, FileProbe, FileProbeConfig};
pub use http::{HttpProbe, HttpProbeConfig};
#[cfg(feature = "postgres")]
pub use postgres::{PostgresProbe, PostgresProbeConfig};
pub use process::{ProcessProbe, ProcessProbeConfig};
pub use prometheus::{PrometheusProbe, PrometheusProbeConfig};
#[cfg(feature = "redis")]
pub use redis::{RedisProbe, RedisProbeConfig};
pub use tcp::{TcpProbe, TcpProbeConfig};
pub use value::ReadAs;

use chaos_core::Registry;

/// Adds the probes of this crate: `command`, `dns`, `file`, `http`, `process`, `prometheus` and `tcp`, and with the features
/// of those names `postgres` and `redis`.
///
/// ```
/// let mut registry = chaos_core::Registry::new();
/// chaos_validator::register(&mut registry);
/// let kinds: Vec<_> = registry.probe_kinds().collect();
/// for kind in ["command", "dns", "file", "http", "process", "prometheus", "tcp"] {
///     assert!(kinds.contains(&kind));
/// }
/// ```
pub fn register(registry: &mut Registry) {
    registry
        .add_probe::<CommandProbeConfig>()
        .add_probe::<DnsProbeConfig>()
        .add_probe::<FileProbeConfig>()
        .add_probe::<HttpProbeConfig>()
        .add_probe::<ProcessProbeConfig>()
        .add_probe::<PrometheusProbeConfig>()
        .add_probe::<TcpProbeConfig>();
    #[cfg(feature = "postgres")]
    registry.add_probe::<PostgresProbeConfig>();
    #[cfg(feature = "redis")]
    registry.add_probe::<RedisProbeConfig>();
}
