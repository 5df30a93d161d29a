//! Everything of this crate, by name.

use crate::{
    AcceptDelayConfig, BandwidthConfig, BlackholeConfig, CorruptConfig, DownConfig,
    DuplicateConfig, LatencyConfig, LimitConfig, LossConfig, MaxConnectionsConfig, NetemConfig,
    NetnsConfig, PartitionConfig, ProxyConfig, RefuseConfig, ReorderConfig, ResetConfig,
    SliceConfig, SlowCloseConfig, TakenPortConfig,
};
use chaos_core::Registry;

/// Registers the faults, targets and undos of this crate.
pub fn register(registry: &mut Registry) {
    registry
        .add_target::<ProxyConfig>()
        .add_fault::<LatencyConfig>()
        .add_fault::<LossConfig>()
        .add_fault::<BandwidthConfig>()
        .add_fault::<BlackholeConfig>()
        .add_fault::<ResetConfig>()
        .add_fault::<RefuseConfig>()
        .add_fault::<LimitConfig>()
        .add_fault::<SlowCloseConfig>()
        .add_fault::<SliceConfig>()
        .add_fault::<AcceptDelayConfig>()
        .add_fault::<MaxConnectionsConfig>()
        .add_target::<NetnsConfig>()
        .add_fault::<PartitionConfig>()
        .add_fault::<NetemConfig>()
        .add_fault::<DownConfig>()
        .add_fault::<TakenPortConfig>()
        .add_fault::<DuplicateConfig>()
        .add_fault::<CorruptConfig>()
        .add_fault::<ReorderConfig>();
    #[cfg(target_os = "linux")]
    registry
        .add_undo::<crate::partition::DelTable>()
        .add_undo::<crate::down::SetUp>()
        .add_undo::<crate::tc::DelIfb>()
        .add_undo::<crate::tc::DelIngress>()
        .add_undo::<crate::tc::DelTree>();
}
