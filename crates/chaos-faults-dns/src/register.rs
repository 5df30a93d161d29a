//! Everything of this crate, by name.

use crate::{
    DelayConfig, DnsProxyConfig, NxdomainConfig, RefuseConfig, ServfailConfig, SpoofConfig,
    TimeoutConfig, TruncateConfig,
};
use chaos_core::Registry;

/// Registers the faults and the target of this crate.
pub fn register(registry: &mut Registry) {
    registry
        .add_target::<DnsProxyConfig>()
        .add_fault::<NxdomainConfig>()
        .add_fault::<ServfailConfig>()
        .add_fault::<RefuseConfig>()
        .add_fault::<DelayConfig>()
        .add_fault::<TimeoutConfig>()
        .add_fault::<TruncateConfig>()
        .add_fault::<SpoofConfig>();
}
