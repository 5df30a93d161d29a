//! Amounts, or shares of what there is.

use super::{Bytes, Percent, UnitError, quantity::Quantity, text::text_with_unit};
use std::{fmt, str::FromStr};

/// An amount of bytes, or a share of what there is: `"256MiB"`, `"75%"`.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Size {
    /// This many bytes.
    Bytes(u64),
    /// This share, 0 to 100.
    Percent(f64),
}

impl Size {
    /// The bytes this is of `whole`.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a share of a size needs no more than 52 bits"
    )]
    pub fn of(self, whole: u64) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Percent(share) => (whole as f64 * share / 100.0) as u64,
        }
    }
}

impl FromStr for Size {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let quantity = Quantity::read(text, "a size like `256MiB` or `75%`")?;
        match quantity.unit {
            "%" => {
                let share = Percent::try_from(quantity.number).map_err(|e| {
                    UnitError::new(format!(
                        "{e}, expected a share from 0% to 100%, or a size such as 256MiB"
                    ))
                })?;
                Ok(Self::Percent(share.get()))
            }
            "" if quantity.number != 0.0 => Err(quantity.without_unit("MiB", "%")),
            unit => quantity.bytes(unit).map(Self::Bytes),
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => Bytes(*bytes).fmt(f),
            Self::Percent(share) => write!(f, "{share}%"),
        }
    }
}

text_with_unit!(
    Size,
    "size",
    r"^\s*[0-9.]+\s*(%|[kKMGT]?i?B?)\s*$",
    "a size with a unit, such as \"256MiB\" or \"75%\""
);
