//! What every load has: a rate, a timeout, a number of slots.

use super::{RequestRate, open_loop::Pace};
use chaos_core::ConfigError;
use std::{fmt, time::Duration};

/// The longest timeout.
const LONGEST: Duration = Duration::from_secs(3600);
/// The most slots: each may be a connection.
const MOST_SLOTS: usize = 10_000;

/// A rate, a timeout, a number of slots; not checked yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) rate: f64,
    pub(super) timeout: Duration,
    pub(super) slots: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            rate: 50.0,
            timeout: Duration::from_secs(2),
            slots: 64,
        }
    }
}

impl Limits {
    pub(super) fn pace(&self) -> Result<Pace, ConfigError> {
        let rate = RequestRate::per_second(self.rate)?;
        if self.timeout < Duration::from_millis(1) || self.timeout > LONGEST {
            return Err(ConfigError::field(
                "timeout",
                format!("{:?} is not between 1ms and 1h", self.timeout),
            ));
        }
        if !(1..=MOST_SLOTS).contains(&self.slots) {
            return Err(ConfigError::field(
                "slots",
                format!("{} is not between 1 and {MOST_SLOTS}", self.slots),
            ));
        }
        Ok(Pace {
            rate,
            timeout: self.timeout,
            slots: self.slots,
        })
    }
}

impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at {}/s, timeout {:?}", self.rate, self.timeout)
    }
}
