//! Values with units, as they stand in files: `"250ms"`, `"8mbit"`, `"256MiB"`, `75`.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{borrow::Cow, fmt, str::FromStr, time::Duration};

/// A time with a unit: `"250ms"`, `"1m 30s"`. Units: ns, us, ms, s, m, h, d.
///
/// A bare number is an error: nobody can tell seconds from milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(Duration);

/// A rate of bytes with a unit: `"8mbit"` (bits per second) or `"1MB/s"` (bytes per second).
///
/// `mbps` is refused: it means megabytes in `tc` and megabits elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Rate(u64);

/// An amount of bytes, or a share of what there is: `"256MiB"`, `"75%"`.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Size {
    /// This many bytes.
    Bytes(u64),
    /// This share, 0 to 100.
    Percent(f64),
}

/// A share from 0 to 100, as a plain number, or with a sign: `10`, `"10%"`.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default)]
pub struct Percent(f64);

/// Text that is not a value with the right unit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct UnitError {
    problem: String,
}

impl UnitError {
    fn new(problem: impl Into<String>) -> Self {
        Self {
            problem: problem.into(),
        }
    }
}

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
        if time.0 > MAX_TIME {
            return Err(UnitError::new(format!(
                "`{}` is too long; a time is at most 366 days",
                text.trim()
            )));
        }
        Ok(time)
    }
}

/// Longer times are mistakes, and clocks cannot count them.
const MAX_TIME: Duration = Duration::from_secs(366 * 24 * 3600);

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
        if let Some((number, unit)) = split_number(text)
            && text.contains('.')
        {
            let seconds = match unit {
                "ns" => 1e-9,
                "us" | "µs" => 1e-6,
                "ms" => 1e-3,
                "s" => 1.0,
                "m" | "min" => 60.0,
                "h" => 3600.0,
                "d" => 86400.0,
                _ => {
                    return Err(UnitError::new(format!(
                        "`{text}` is not a time like `250ms` or `1m 30s`"
                    )));
                }
            };
            return Duration::try_from_secs_f64(number * seconds)
                .map(Self)
                .map_err(|e| UnitError::new(format!("`{text}`: {e}")));
        }
        humantime::parse_duration(text).map(Self).map_err(|e| {
            UnitError::new(format!(
                "`{text}` is not a time like `250ms` or `1m 30s`: {e}"
            ))
        })
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        humantime::format_duration(self.0).fmt(f)
    }
}

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
        let text = text.trim();
        let wrong = || UnitError::new(format!("`{text}` is not a rate like `8mbit` or `1MB/s`"));
        let (number, unit) = split_number(text).ok_or_else(wrong)?;
        if unit.is_empty() {
            return Err(UnitError::new(format!(
                "`{text}` has no unit; write `{text}kbit` or `{text}kB/s`"
            )));
        }
        if unit.to_ascii_lowercase().ends_with("bps") {
            return Err(UnitError::new(format!(
                "`{text}` is ambiguous: `bps` means bytes in tc and bits elsewhere; write `mbit` or `MB/s`"
            )));
        }
        let bytes = match unit.to_ascii_lowercase().as_str() {
            "bit" => number / 8.0,
            "kbit" => number * 1e3 / 8.0,
            "mbit" => number * 1e6 / 8.0,
            "gbit" => number * 1e9 / 8.0,
            _ => {
                let unit = unit.strip_suffix("/s").ok_or_else(wrong)?;
                number * size_unit(unit).ok_or_else(wrong)?
            }
        };
        whole(bytes, text).map(Self)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", Bytes(self.0))
    }
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
        let text = text.trim();
        let wrong = || UnitError::new(format!("`{text}` is not a size like `256MiB` or `75%`"));
        let (number, unit) = split_number(text).ok_or_else(wrong)?;
        if unit == "%" {
            let share = Percent::try_from(number).map_err(|e| {
                UnitError::new(format!(
                    "{e}, expected a share from 0% to 100%, or a size such as 256MiB"
                ))
            })?;
            return Ok(Self::Percent(share.get()));
        }
        if unit.is_empty() && number != 0.0 {
            return Err(UnitError::new(format!(
                "`{text}` has no unit; write `{text}MiB` or `{text}%`"
            )));
        }
        whole(number * size_unit(unit).ok_or_else(wrong)?, text).map(Self::Bytes)
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
        let text = text.trim();
        let wrong = || UnitError::new(format!("`{text}` is not an amount of bytes like `64KiB`"));
        let (number, unit) = split_number(text).ok_or_else(wrong)?;
        if unit.is_empty() && number != 0.0 {
            return Err(UnitError::new(format!(
                "`{text}` has no unit; write `{text}B` or `{text}KiB`"
            )));
        }
        whole(number * size_unit(unit).ok_or_else(wrong)?, text).map(Self)
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

impl Percent {
    /// The number, 0 to 100.
    pub const fn get(self) -> f64 {
        self.0
    }

    /// The share, 0 to 1.
    pub fn share(self) -> f64 {
        self.0 / 100.0
    }
}

impl TryFrom<f64> for Percent {
    type Error = UnitError;

    fn try_from(number: f64) -> Result<Self, UnitError> {
        if (0.0..=100.0).contains(&number) {
            Ok(Self(number))
        } else {
            Err(UnitError::new(format!(
                "{number} % is not between 0 and 100"
            )))
        }
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0)
    }
}

fn split_number(text: &str) -> Option<(f64, &str)> {
    let end = text
        .find(|c: char| !(c.is_ascii_digit() || c == '.'))
        .unwrap_or(text.len());
    Some((text[..end].parse().ok()?, text[end..].trim()))
}

fn size_unit(unit: &str) -> Option<f64> {
    Some(match unit {
        "" | "B" => 1.0,
        "k" | "kB" | "KB" => 1e3,
        "M" | "MB" => 1e6,
        "G" | "GB" => 1e9,
        "T" | "TB" => 1e12,
        "Ki" | "KiB" => 1024.0,
        "Mi" | "MiB" => 1024.0 * 1024.0,
        "Gi" | "GiB" => 1024.0 * 1024.0 * 1024.0,
        "Ti" | "TiB" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the range is checked"
)]
fn whole(number: f64, text: &str) -> Result<u64, UnitError> {
    if (0.0..9e18).contains(&number) {
        Ok(number.round() as u64)
    } else {
        Err(UnitError::new(format!("`{text}` is too large")))
    }
}

/// Serialises as text and reads text, so that a number without a unit gets a clear error.
macro_rules! text_with_unit {
    ($type:ty, $name:literal, $pattern:literal, $expecting:literal) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Visitor;
                impl de::Visitor<'_> for Visitor {
                    type Value = $type;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($expecting)
                    }
                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$type, E> {
                        text.parse().map_err(E::custom)
                    }
                    fn visit_u64<E: de::Error>(self, number: u64) -> Result<$type, E> {
                        number.to_string().parse().map_err(E::custom)
                    }
                    fn visit_i64<E: de::Error>(self, number: i64) -> Result<$type, E> {
                        number.to_string().parse().map_err(E::custom)
                    }
                    fn visit_f64<E: de::Error>(self, number: f64) -> Result<$type, E> {
                        number.to_string().parse().map_err(E::custom)
                    }
                }
                deserializer.deserialize_any(Visitor)
            }
        }

        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }
            fn inline_schema() -> bool {
                true
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "format": $name, "pattern": $pattern })
            }
        }
    };
}

text_with_unit!(
    Time,
    "time",
    r"^\s*([0-9]+(\.[0-9]+)?\s*(ns|nsec|us|µs|usec|ms|millis|msec|s|sec|secs|second|seconds|m|min|mins|minute|minutes|h|hr|hrs|hour|hours|d|day|days|w|week|weeks|M|month|months|y|year|years)\s*)+$|^\s*0\s*$",
    "a time with a unit, such as \"250ms\""
);
text_with_unit!(
    Rate,
    "rate",
    r"^\s*[0-9.]+\s*([kmgKMG]?bit|[kKMGT]?i?B/s)\s*$",
    "a rate with a unit, such as \"8mbit\" or \"1MB/s\""
);
text_with_unit!(
    Size,
    "size",
    r"^\s*[0-9.]+\s*(%|[kKMGT]?i?B?)\s*$",
    "a size with a unit, such as \"256MiB\" or \"75%\""
);
text_with_unit!(
    Bytes,
    "bytes",
    r"^\s*[0-9.]+\s*[kKMGT]?i?B?\s*$",
    "an amount of bytes with a unit, such as \"64B\" or \"256KiB\""
);

impl Serialize for Percent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0)
    }
}

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PercentVisitor)
    }
}

/// Reads `10`, `0.5` and `"10%"`.
struct PercentVisitor;

impl de::Visitor<'_> for PercentVisitor {
    type Value = Percent;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number from 0 to 100")
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Percent, E> {
        let wrong = |e| E::custom(format!("{e}, expected a number from 0 to 100"));
        Percent::try_from(number).map_err(wrong)
    }

    #[expect(clippy::cast_precision_loss, reason = "far out of range then")]
    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Percent, E> {
        self.visit_f64(number as f64)
    }

    #[expect(clippy::cast_precision_loss, reason = "far out of range then")]
    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Percent, E> {
        self.visit_f64(number as f64)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Percent, E> {
        let number = text.strip_suffix('%').and_then(split_number);
        match number {
            Some((number, "")) => self.visit_f64(number),
            _ => Err(E::invalid_type(de::Unexpected::Str(text), &self)),
        }
    }
}

impl JsonSchema for Percent {
    fn schema_name() -> Cow<'static, str> {
        "percent".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["number", "string"],
            "format": "percent",
            "minimum": 0,
            "maximum": 100,
            "pattern": r"^(100(\.0+)?|[0-9]{1,2}(\.[0-9]+)?)%$",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_read_as_people_write_them() {
        let time = |text: &str| text.parse::<Time>().unwrap().get();
        assert_eq!(time("250ms"), Duration::from_millis(250));
        assert_eq!(time("1m 30s"), Duration::from_secs(90));
        assert_eq!(time("1.5s"), Duration::from_millis(1500));
        assert_eq!(time("0"), Duration::ZERO);
        let rate = |text: &str| text.parse::<Rate>().unwrap().get();
        assert_eq!(rate("8mbit"), 1_000_000);
        assert_eq!(rate("1MB/s"), 1_000_000);
        assert_eq!(rate("1MiB/s"), 1 << 20);
        let size = |text: &str| text.parse::<Size>().unwrap();
        assert_eq!(size("256MiB"), Size::Bytes(256 << 20));
        assert_eq!(size("1GB"), Size::Bytes(1_000_000_000));
        assert_eq!(size("75%"), Size::Percent(75.0));
        let bytes = |text: &str| text.parse::<Bytes>().unwrap().get();
        assert_eq!(bytes("64B"), 64);
        assert_eq!(bytes("64 KiB"), 64 << 10);
        assert_eq!(bytes("0"), 0);
        for (text, percent) in [
            ("10", 10.0),
            ("0.5", 0.5),
            (r#""10%""#, 10.0),
            (r#""0.5%""#, 0.5),
        ] {
            let read: Percent = serde_json::from_str(text).unwrap();
            assert_eq!(read.get(), percent, "{text}");
        }
    }

    #[test]
    fn wrong_units_are_refused_with_what_is_allowed() {
        for (text, says) in [
            ("5", "no unit"),
            ("-5s", "negative"),
            ("5 parsecs", "not a time"),
            ("1.5 moons", "not a time"),
            ("18446744073709551615s", "at most 366 days"),
            ("99999.5d", "at most 366 days"),
        ] {
            let error = text.parse::<Time>().unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
        for (text, says) in [
            ("8mbps", "ambiguous"),
            ("8", "no unit"),
            ("8MB", "not a rate"),
            ("x", "not a rate"),
        ] {
            let error = text.parse::<Rate>().unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
        for (text, says) in [
            ("130%", "between 0 and 100"),
            ("5", "no unit"),
            ("5 furlongs", "not a size"),
        ] {
            let error = text.parse::<Size>().unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
        for text in [
            "130",
            "-1",
            r#""130%""#,
            r#""10""#,
            r#""%""#,
            r#""ten%""#,
            "true",
        ] {
            let error = serde_json::from_str::<Percent>(text)
                .unwrap_err()
                .to_string();
            assert!(error.contains("0 to 100"), "{text}: {error}");
        }
        assert!(
            serde_json::from_str::<Time>("300")
                .unwrap_err()
                .to_string()
                .contains("300s")
        );
    }

    #[test]
    fn what_is_printed_is_read_back() {
        for bytes in [0, 1, 1000, 1024, 1_500_000, 256 << 20, 3 << 40] {
            let size = Size::Bytes(bytes);
            assert_eq!(size.to_string().parse::<Size>().unwrap(), size, "{size}");
        }
        for ms in [0, 1, 1500, 90_000] {
            let time = Time::new(Duration::from_millis(ms));
            assert_eq!(time.to_string().parse::<Time>().unwrap(), time);
        }
    }
}
