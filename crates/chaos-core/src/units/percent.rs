//! Shares from 0 to 100.

use super::{UnitError, quantity::Quantity};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{borrow::Cow, fmt};

/// A share from 0 to 100, as a plain number, or with a sign: `10`, `"10%"`.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default)]
pub struct Percent(f64);

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
        match Quantity::read(text, "a share") {
            Ok(Quantity {
                number, unit: "%", ..
            }) => self.visit_f64(number),
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
