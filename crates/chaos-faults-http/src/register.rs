//! Everything of this crate, by name.

use crate::{AbortConfig, DelayConfig, HttpProxyConfig, PatchConfig, ReplaceConfig};
use chaos_core::Registry;

/// Registers the faults and the target of this crate.
pub fn register(registry: &mut Registry) {
    registry
        .add_target::<HttpProxyConfig>()
        .add_fault::<DelayConfig>()
        .add_fault::<AbortConfig>()
        .add_fault::<ReplaceConfig>()
        .add_fault::<PatchConfig>();
}
