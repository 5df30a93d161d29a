//! Parts of a message, as they stand in files.

use chaos_core::ConfigError;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};
use std::{borrow::Cow, collections::BTreeMap, fmt};

/// Headers by name, as they stand in files.
pub(crate) type Headers = BTreeMap<String, String>;

/// Headers that belong to a connection and not to a message, or that follow from the body.
const NOT_OURS: [HeaderName; 7] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::TRANSFER_ENCODING,
    header::TRAILER,
    header::UPGRADE,
];

/// The value of a header as people write it: a text, or a number.
#[derive(Debug)]
pub(crate) struct HeaderText(String);

impl<'de> Deserialize<'de> for HeaderText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(HeaderVisitor)
    }
}

struct HeaderVisitor;

impl de::Visitor<'_> for HeaderVisitor {
    type Value = HeaderText;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the value of a header, a text or a number")
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<HeaderText, E> {
        Ok(HeaderText(number.to_string()))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<HeaderText, E> {
        Ok(HeaderText(number.to_string()))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<HeaderText, E> {
        Ok(HeaderText(number.to_string()))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<HeaderText, E> {
        Ok(HeaderText(text.to_owned()))
    }
}

impl JsonSchema for HeaderText {
    fn schema_name() -> Cow<'static, str> {
        "header".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "number"] })
    }
}

/// Reads headers, which are checked when the fault is built.
pub(crate) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Headers, D::Error> {
    let headers = BTreeMap::<String, HeaderText>::deserialize(deserializer)?;
    Ok(headers
        .into_iter()
        .map(|(name, text)| (name, text.0))
        .collect())
}

/// A status that ends an exchange.
pub(crate) fn status(status: u16) -> Result<StatusCode, ConfigError> {
    let allowed = "200 to 599";
    match StatusCode::from_u16(status) {
        Ok(code) if (200..600).contains(&status) => Ok(code),
        _ => {
            Err(ConfigError::field("status", format!("{status} is no final status")).help(allowed))
        }
    }
}

/// Headers with their values.
pub(crate) fn headers(headers: &Headers) -> Result<HeaderMap, ConfigError> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let field = || format!("headers.{name}");
        let value = HeaderValue::from_str(value).map_err(|_| {
            ConfigError::field(field(), "this is no value of a header")
                .help("visible ASCII characters, on one line")
        })?;
        map.insert(self::name(&field(), name)?, value);
    }
    Ok(map)
}

/// The name of a header that may be changed.
pub(crate) fn name(field: &str, name: &str) -> Result<HeaderName, ConfigError> {
    let header: HeaderName = name.parse().map_err(|_| {
        ConfigError::field(field, format!("`{name}` is no name of a header"))
            .help("letters, digits and hyphens, such as Retry-After")
    })?;
    if NOT_OURS.contains(&header) {
        return Err(ConfigError::field(
            field,
            format!("`{name}` belongs to the connection, or follows from the body"),
        )
        .help("any other header"));
    }
    Ok(header)
}
