//! Everything of this crate, by name.

use crate::DownConfig;
use chaos_core::Registry;

/// Registers `db.down`. It plans through `net.refuse`, `container.stop` and `process.pause`, which their own crates
/// register.
pub fn register(registry: &mut Registry) {
    registry.add_fault::<DownConfig>();
}
