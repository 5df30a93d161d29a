//! Everything of this crate, by name.

use crate::{
    ContainerConfig, ContainerProbeConfig, KillConfig, PauseConfig, RestartConfig, Start,
    StopConfig, Unpause, start::Start1,
};
use chaos_core::Registry;

/// Registers `container.pause`, `container.stop`, `container.kill`, `container.restart`, their undos, the target
/// `container`, and the probe `container`.
pub fn register(registry: &mut Registry) {
    registry
        .add_target::<ContainerConfig>()
        .add_probe::<ContainerProbeConfig>()
        .add_fault::<PauseConfig>()
        .add_fault::<StopConfig>()
        .add_fault::<KillConfig>()
        .add_fault::<RestartConfig>()
        .add_undo::<Unpause>()
        .add_undo::<Start>()
        .add_undo::<Start1>();
}
