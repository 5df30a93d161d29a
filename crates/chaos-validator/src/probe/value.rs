//! Values from texts and JSON. What cannot be read is an error, never a zero.

use chaos_core::{
    BoxError, ConfigError, Value,
    schemars::{self, JsonSchema},
    units::Time,
};
use serde::Deserialize;
use serde_json::Value as Json;
use std::time::Duration;

/// How much of a text an error repeats.
const SHOWN: usize = 60;

/// What a text is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(crate = "schemars")]
#[non_exhaustive]
pub enum ReadAs {
    /// A text, without the white space around it.
    #[default]
    Text,
    /// A number; anything else is an error.
    Number,
}

impl ReadAs {
    pub(super) fn value(self, text: &str) -> Result<Value, BoxError> {
        match self {
            Self::Text => Ok(Value::Text(text.trim().to_owned())),
            Self::Number => number(text).map(Value::Number),
        }
    }
}

/// A finite number.
pub(super) fn number(text: &str) -> Result<f64, BoxError> {
    let text = text.trim();
    text.parse()
        .ok()
        .filter(|number: &f64| number.is_finite())
        .ok_or_else(|| format!("`{}` is not a number", short(text)).into())
}

/// The bytes as a text.
pub(super) fn text(bytes: Vec<u8>) -> Result<String, BoxError> {
    String::from_utf8(bytes).map_err(|_| "is not text: not UTF-8".into())
}

fn short(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// A JSONPath (RFC 9535) that leads to one value.
#[derive(Debug, Clone)]
pub(super) struct JsonPath {
    text: String,
    #[cfg(feature = "jsonpath")]
    path: serde_json_path::JsonPath,
}

impl JsonPath {
    pub(super) fn parse(text: &str) -> Result<Self, ConfigError> {
        #[cfg(feature = "jsonpath")]
        return Ok(Self {
            text: text.to_owned(),
            path: serde_json_path::JsonPath::parse(text).map_err(|e| {
                ConfigError::field("json", format!("`{text}` is not a JSONPath: {e}"))
                    .help("write `$.status` or `$.checks[0].up`")
            })?,
        });
        #[cfg(not(feature = "jsonpath"))]
        Err(ConfigError::field(
            "json",
            format!("`{text}` needs the feature `jsonpath` of chaos-validator"),
        ))
    }

    #[cfg(feature = "jsonpath")]
    fn find<'a>(&self, json: &'a Json) -> Vec<&'a Json> {
        self.path.query(json).all()
    }

    #[cfg(not(feature = "jsonpath"))]
    fn find<'a>(&self, _: &'a Json) -> Vec<&'a Json> {
        Vec::new()
    }

    /// The one value that it leads to.
    pub(super) fn value(&self, bytes: &[u8]) -> Result<Value, BoxError> {
        let json: Json = serde_json::from_slice(bytes).map_err(|e| format!("is not JSON: {e}"))?;
        let path = &self.text;
        match self.find(&json).as_slice() {
            [] => Err(format!("there is no `{path}`").into()),
            [Json::Bool(flag)] => Ok(Value::Flag(*flag)),
            [Json::Number(number)] => number
                .as_f64()
                .map(Value::Number)
                .ok_or_else(|| format!("`{path}` is {number}, which is too large").into()),
            [Json::String(text)] => Ok(Value::Text(text.clone())),
            [Json::Null] => Err(format!("`{path}` is null").into()),
            [Json::Array(_)] => Err(format!("`{path}` is a list").into()),
            [Json::Object(_)] => Err(format!("`{path}` is an object").into()),
            several => Err(format!("`{path}` leads to {} values", several.len()).into()),
        }
    }
}

/// A timeout that leaves time for an answer.
pub(super) fn positive(timeout: Time) -> Result<Duration, ConfigError> {
    if timeout.get().is_zero() {
        Err(ConfigError::field(
            "timeout",
            "is 0; nothing can be seen in no time",
        ))
    } else {
        Ok(timeout.get())
    }
}

/// The timeout that was given, or the usual one.
pub(super) fn within(timeout: Option<Time>, usual: Duration) -> Result<Duration, ConfigError> {
    timeout.map_or(Ok(usual), positive)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_is_an_error_and_never_zero() {
        assert_eq!(number(" 42.5\n").unwrap(), 42.5);
        for text in ["", "x", "NaN", "inf", "1,5", "0x10", "1e999"] {
            assert!(number(text).is_err(), "{text}");
        }
        let long = number(&"ü".repeat(1000)).unwrap_err().to_string();
        assert!(long.len() < 200, "{long}");
    }

    #[cfg(feature = "jsonpath")]
    #[test]
    fn a_path_leads_to_one_value_or_is_an_error() {
        let json = br#"{ "up": true, "n": [1, 2.5], "name": "nut", "none": null, "in": {} }"#;
        for (path, value) in [
            ("$.up", Value::Flag(true)),
            ("$.n[1]", Value::Number(2.5)),
            ("$.name", Value::Text("nut".into())),
            ("$.n[?@ > 2]", Value::Number(2.5)),
        ] {
            assert_eq!(JsonPath::parse(path).unwrap().value(json).unwrap(), value);
        }
        for (path, says) in [
            ("$.nope", "no `$.nope`"),
            ("$.n", "is a list"),
            ("$.n[*]", "2 values"),
            ("$.none", "is null"),
            ("$.in", "is an object"),
        ] {
            let error = JsonPath::parse(path).unwrap().value(json).unwrap_err();
            assert!(error.to_string().contains(says), "{path}: {error}");
        }
        assert!(JsonPath::parse("up").is_err());
        let garbage = JsonPath::parse("$").unwrap().value(b"<html>").unwrap_err();
        assert!(garbage.to_string().contains("not JSON"), "{garbage}");
    }
}
