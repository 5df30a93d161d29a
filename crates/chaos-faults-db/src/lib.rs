//! Faults to come.

use chaos_core::Registry;

/// Registers nothing yet.
pub fn register(_: &mut Registry) {}
