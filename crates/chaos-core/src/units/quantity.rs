//! A number with a unit behind it.

use super::UnitError;

/// A number and the unit behind it, as somebody wrote them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Quantity<'a> {
    text: &'a str,
    /// What it should have been: `a rate like ...`.
    expected: &'static str,
    pub(super) number: f64,
    pub(super) unit: &'a str,
}

impl<'a> Quantity<'a> {
    /// Reads digits with at most one point, and what stands behind them.
    pub(super) fn read(text: &'a str, expected: &'static str) -> Result<Self, UnitError> {
        let text = text.trim();
        let end = text
            .find(|c: char| !(c.is_ascii_digit() || c == '.'))
            .unwrap_or(text.len());
        let number = text[..end].parse().map_err(|_| Self::not(text, expected))?;
        Ok(Self {
            text,
            expected,
            number,
            unit: text[end..].trim(),
        })
    }

    fn not(text: &str, expected: &str) -> UnitError {
        UnitError::new(format!("`{text}` is not {expected}"))
    }

    /// It is not what was expected.
    pub(super) fn wrong(&self) -> UnitError {
        Self::not(self.text, self.expected)
    }

    /// What somebody may have meant who wrote no unit.
    pub(super) fn without_unit(&self, one: &str, other: &str) -> UnitError {
        let text = self.text;
        UnitError::new(format!(
            "`{text}` has no unit; write `{text}{one}` or `{text}{other}`"
        ))
    }

    /// So many bytes, if they are that in this unit.
    pub(super) fn bytes(&self, unit: &str) -> Result<u64, UnitError> {
        self.times(bytes_of(unit).ok_or_else(|| self.wrong())?)
    }

    /// So many times the number, without a fraction.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the range is checked"
    )]
    pub(super) fn times(&self, unit: f64) -> Result<u64, UnitError> {
        let product = self.number * unit;
        match product.round() {
            whole if whole == 0.0 && product > 0.0 => Err(UnitError::new(format!(
                "`{}` comes to less than one byte",
                self.text
            ))),
            whole if (0.0..9e18).contains(&whole) => Ok(whole as u64),
            _ => Err(UnitError::new(format!("`{}` is too large", self.text))),
        }
    }
}

fn bytes_of(unit: &str) -> Option<f64> {
    const KI: f64 = 1024.0;
    Some(match unit {
        "" | "B" => 1.0,
        "k" | "kB" | "KB" => 1e3,
        "M" | "MB" => 1e6,
        "G" | "GB" => 1e9,
        "T" | "TB" => 1e12,
        "Ki" | "KiB" => KI,
        "Mi" | "MiB" => KI * KI,
        "Gi" | "GiB" => KI * KI * KI,
        "Ti" | "TiB" => KI * KI * KI * KI,
        _ => return None,
    })
}
