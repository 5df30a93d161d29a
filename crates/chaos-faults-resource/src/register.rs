//! Everything of this crate, by name.

use crate::{
    CpuBurnConfig, DiskBurnConfig, DiskFillConfig, KillConfig, MemFillConfig, PauseConfig,
    ProcessConfig,
};
use chaos_core::Registry;

/// Registers the faults, targets and undos of this crate.
pub fn register(registry: &mut Registry) {
    registry
        .add_target::<ProcessConfig>()
        .add_fault::<CpuBurnConfig>()
        .add_fault::<MemFillConfig>()
        .add_fault::<DiskFillConfig>()
        .add_fault::<DiskBurnConfig>()
        .add_fault::<PauseConfig>()
        .add_fault::<KillConfig>();
    #[cfg(target_os = "linux")]
    registry
        .add_undo::<crate::process::ContinueProcess>()
        .add_undo::<crate::disk::RemoveFile>();
}
