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

/// A delay without which nothing happens.
pub(crate) fn delays(field: &str, delay: Duration) -> Result<(), ConfigError> {
    at_most_an_hour(field, delay)?;
    if delay.is_zero() {
        return Err(ConfigError::field(field, "0 delays nothing")
            .help("a time above 0 and up to 1h, such as 5s"));
    }
    Ok(())
}
