//! How many requests per second.

use chaos_core::{
    ConfigError,
    schemars::{JsonSchema, Schema, SchemaGenerator, json_schema},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{borrow::Cow, fmt, str::FromStr};

/// The most requests per second that one generator is asked for.
const MOST: f64 = 100_000.0;

/// How many requests per second are meant to be sent: `"200/s"`, `"30/min"`.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct RequestRate(f64);

impl RequestRate {
    /// So many per second.
    ///
    /// # Errors
    /// Not a number above 0 and up to 100,000.
    pub fn per_second(rate: f64) -> Result<Self, ConfigError> {
        if rate > 0.0 && rate <= MOST {
            Ok(Self(rate))
        } else {
            Err(ConfigError::field(
                "rate",
                format!("{rate} requests per second is not above 0 and up to {MOST}"),
            ))
        }
    }

    /// Requests per second.
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl FromStr for RequestRate {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let wrong = || {
            ConfigError::new(format!("`{}` is not a rate of requests", text.trim()))
                .help("write `200/s` or `30/min`")
        };
        let (number, unit) = text.split_once('/').ok_or_else(wrong)?;
        let number: f64 = number.trim().parse().map_err(|_| wrong())?;
        let seconds = match unit.trim() {
            "s" => 1.0,
            "m" | "min" => 60.0,
            "h" => 3600.0,
            _ => return Err(wrong()),
        };
        Self::per_second(number / seconds)
    }
}

impl fmt::Display for RequestRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", self.0)
    }
}

impl Serialize for RequestRate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RequestRate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = RequestRate;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a rate of requests, such as \"200/s\"")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<RequestRate, E> {
                text.parse().map_err(|e: ConfigError| {
                    E::custom(match e.help_text() {
                        Some(help) => format!("{} ({help})", e.problem()),
                        None => e.problem().to_owned(),
                    })
                })
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

impl JsonSchema for RequestRate {
    fn schema_name() -> Cow<'static, str> {
        "request rate".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": r"^\s*[0-9.]+\s*/\s*(s|m|min|h)\s*$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_read_as_people_write_them() {
        for (text, rate) in [("200/s", 200.0), ("30/min", 0.5), (" 2.5 / s ", 2.5)] {
            assert_eq!(text.parse::<RequestRate>().unwrap().get(), rate, "{text}");
        }
        for text in ["200", "0/s", "-1/s", "NaN/s", "1e9/s", "x/s", "5/day"] {
            assert!(text.parse::<RequestRate>().is_err(), "{text}");
        }
        let error = serde_json::from_str::<RequestRate>("200").unwrap_err();
        assert!(error.to_string().contains("200/s"), "{error}");
    }
}
