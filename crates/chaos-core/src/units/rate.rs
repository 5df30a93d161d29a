//! Rates of bytes.

use super::{Bytes, UnitError, quantity::Quantity, text::text_with_unit};
use std::{fmt, str::FromStr};

/// A rate of bytes with a unit: `"8mbit"` (bits per second) or `"1MB/s"` (bytes per second).
///
/// `mbps` is refused: it means megabytes in `tc` and megabits elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Rate(u64);

impl Rate {
    /// So many bytes per second.
    pub const fn bytes_per_second(bytes: u64) -> Self {
        Self(bytes)
    }

    /// Bytes per second.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl FromStr for Rate {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let quantity = Quantity::read(text, "a rate like `8mbit` or `1MB/s`")?;
        let unit = quantity.unit.to_ascii_lowercase();
        if unit.is_empty() {
            return Err(quantity.without_unit("kbit", "kB/s"));
        }
        if unit.ends_with("bps") {
            return Err(UnitError::new(format!(
                "`{}` is ambiguous: `bps` means bytes in tc and bits elsewhere; write `mbit` or `MB/s`",
                text.trim()
            )));
        }
        let bits = match unit.as_str() {
            "bit" => 1.0,
            "kbit" => 1e3,
            "mbit" => 1e6,
            "gbit" => 1e9,
            _ => {
                let unit = quantity.unit.strip_suffix("/s");
                let bytes = quantity.bytes(unit.ok_or_else(|| quantity.wrong())?);
                return bytes.map(Self);
            }
        };
        quantity.times(bits / 8.0).map(Self)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", Bytes(self.0))
    }
}

text_with_unit!(
    Rate,
    "rate",
    r"^\s*[0-9.]+\s*([kmgKMG]?bit|[kKMGT]?i?B/s)\s*$",
    "a rate with a unit, such as \"8mbit\" or \"1MB/s\""
);
