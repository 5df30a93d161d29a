//! Looking at one thing without changing it.

mod closure;
mod http;
mod tcp;

pub use closure::ClosureProbe;
pub use http::{HttpProbe, HttpProbeConfig};
pub use tcp::{TcpProbe, TcpProbeConfig};

use chaos_core::Registry;

/// Adds the probes of this crate: `http` and `tcp`.
///
/// ```
/// let mut registry = chaos_core::Registry::new();
/// chaos_validator::register(&mut registry);
/// assert_eq!(registry.probe_kinds().collect::<Vec<_>>(), ["http", "tcp"]);
/// ```
pub fn register(registry: &mut Registry) {
    registry
        .add_probe::<HttpProbeConfig>()
        .add_probe::<TcpProbeConfig>();
}
