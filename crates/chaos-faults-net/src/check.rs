//! Ranges that several faults share.

use chaos_core::{ConfigError, units::Time};
use std::time::Duration;

/// A longer delay is a mistake or an outage.
pub(crate) fn at_most_an_hour(field: &str, time: Duration) -> Result<(), ConfigError> {
    if time <= Duration::from_secs(3600) {
        return Ok(());
    }
    Err(
        ConfigError::field(field, format!("{} is more than an hour", Time::new(time)))
            .help("0 to 1h; for an outage use net.blackhole"),
    )
}
