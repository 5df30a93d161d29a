//! What is said where a fault cannot work. It is refused by its needs before; this is for who plans by hand.

use chaos_core::{FaultError, Plan, Site};

pub(crate) fn refuse(sites: &[Site], why: &str) -> Result<Plan, FaultError> {
    let target = sites.first().map(ToString::to_string).unwrap_or_default();
    Err(FaultError::unsupported(target, why))
}
