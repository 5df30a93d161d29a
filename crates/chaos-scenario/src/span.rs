//! Times that were always meant in seconds.

use chaos_core::{
    schemars::{JsonSchema, Schema, SchemaGenerator, json_schema},
    units::Time,
};
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::Value as Json;
use std::{borrow::Cow, time::Duration};

/// The longest, in seconds: 366 days.
const LONGEST: f64 = 366.0 * 86400.0;

/// A time with a unit, or a bare number of seconds where the field has always meant seconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span(pub(crate) Duration);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Json::deserialize(deserializer)? {
            Json::Number(seconds) => seconds
                .as_f64()
                .filter(|seconds| *seconds <= LONGEST)
                .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
                .map(Self)
                .ok_or_else(|| {
                    D::Error::custom(format!(
                        "{seconds} is not a number of seconds from 0 to 366 days"
                    ))
                }),
            other => serde_json::from_value(other)
                .map(|time: Time| Self(time.get()))
                .map_err(D::Error::custom),
        }
    }
}

impl JsonSchema for Span {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "span".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let seconds = json_schema!({ "type": "number", "minimum": 0, "maximum": LONGEST });
        json_schema!({ "anyOf": [Time::json_schema(generator), seconds] })
    }
}
