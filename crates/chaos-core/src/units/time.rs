//! Times.

use super::{UnitError, quantity::Quantity, text::text_with_unit};
use std::{fmt, str::FromStr, time::Duration};

/// Longer times are mistakes, and clocks cannot count them.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

const LIKE: &str = "a time like `250ms` or `1m 30s`";

/// A time with a unit: `"250ms"`, `"1m 30s"`. Units: ns, us, ms, s, m, h, d.
///
/// A bare number is an error: nobody can tell seconds from milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(Duration);

impl Time {
    /// A time of so long.
    pub const fn new(duration: Duration) -> Self {
        Self(duration)
    }

    /// How long it is.
    pub const fn get(self) -> Duration {
        self.0
    }
}

impl From<Duration> for Time {
    fn from(duration: Duration) -> Self {
        Self(duration)
    }
}

impl FromStr for Time {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let time = Self::parse(text.trim())?;
        if time.0 > LONGEST {
            return Err(UnitError::new(format!(
                "`{}` is too long; a time is at most 366 days",
                text.trim()
            )));
        }
        Ok(time)
    }
}

impl Time {
    fn parse(text: &str) -> Result<Self, UnitError> {
        if text.starts_with('-') {
            return Err(UnitError::new(format!(
                "`{text}` is negative; a time is 0 or more"
            )));
        }
        if text != "0" && text.parse::<f64>().is_ok() {
            return Err(UnitError::new(format!(
                "`{text}` has no unit; write `{text}s` or `{text}ms`"
            )));
        }
        // humantime reads whole numbers only; people write 1.5s.
        if text.contains('.') {
            let quantity = Quantity::read(text, LIKE)?;
            let seconds = match quantity.unit {
                "ns" => 1e-9,
                "us" | "µs" => 1e-6,
                "ms" => 1e-3,
                "s" => 1.0,
                "m" | "min" => 60.0,
                "h" => 3600.0,
                "d" => 86400.0,
                _ => return Err(quantity.wrong()),
            };
            return Duration::try_from_secs_f64(quantity.number * seconds)
                .map(Self)
                .map_err(|e| UnitError::new(format!("`{text}`: {e}")));
        }
        humantime::parse_duration(text)
            .map(Self)
            .map_err(|e| UnitError::new(format!("`{text}` is not {LIKE}: {e}")))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        humantime::format_duration(self.0).fmt(f)
    }
}

text_with_unit!(
    Time,
    "time",
    r"^\s*([0-9]+(\.[0-9]+)?\s*(ns|nsec|us|µs|usec|ms|millis|msec|s|sec|secs|second|seconds|m|min|mins|minute|minutes|h|hr|hrs|hour|hours|d|day|days|w|week|weeks|M|month|months|y|year|years)\s*)+$|^\s*0\s*$",
    "a time with a unit, such as \"250ms\""
);
