//! Amounts of bytes.

use super::{UnitError, quantity::Quantity, text::text_with_unit};
use std::{fmt, str::FromStr};

/// An amount of bytes: `"64B"`, `"256KiB"`. Displays with the largest unit that keeps it exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[expect(clippy::exhaustive_structs, reason = "a wrapper for display")]
pub struct Bytes(pub u64);

impl Bytes {
    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl FromStr for Bytes {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let quantity = Quantity::read(text, "an amount of bytes like `64KiB`")?;
        match quantity.unit {
            "" if quantity.number != 0.0 => Err(quantity.without_unit("B", "KiB")),
            unit => quantity.bytes(unit).map(Self),
        }
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u64, &str); 8] = [
            (1 << 40, "TiB"),
            (1 << 30, "GiB"),
            (1 << 20, "MiB"),
            (1_000_000_000, "GB"),
            (1_000_000, "MB"),
            (1 << 10, "KiB"),
            (1_000, "kB"),
            (1, "B"),
        ];
        let fits = UNITS
            .iter()
            .find(|(bytes, _)| self.0 > 0 && self.0.is_multiple_of(*bytes));
        let (bytes, unit) = fits.unwrap_or(&(1, "B"));
        write!(f, "{}{unit}", self.0 / bytes)
    }
}

text_with_unit!(
    Bytes,
    "bytes",
    r"^\s*[0-9.]+\s*[kKMGT]?i?B?\s*$",
    "an amount of bytes with a unit, such as \"64B\" or \"256KiB\""
);
