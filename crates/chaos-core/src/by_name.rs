//! Reads a value as a type whose fields are said by name, never by their position in a list.
//!
//! Readers made by `#[derive(Deserialize)]` take a list for a struct, field by field in the order of the source. Nobody who
//! writes `slo_targets: [1, 2, 3]` means that.

use crate::ConfigError;
use serde::{
    Serialize,
    de::{
        DeserializeOwned, Deserializer, Error as _, Expected, IntoDeserializer, Visitor,
        value::{MapAccessDeserializer, MapDeserializer, SeqDeserializer},
    },
    forward_to_deserialize_any,
};
use serde_json::{Error, Value as Json};

/// Reads a value as a `T`; an error names the field. Where fields are wanted a list is an error, at every depth.
///
/// ```
/// # #[derive(Debug, serde::Deserialize)]
/// # struct Limits { most: u32 }
/// let limits: Limits = chaos_core::read_config(serde_json::json!({ "most": 3 }))?;
/// assert_eq!(limits.most, 3);
/// let error = chaos_core::read_config::<Limits>([3]).unwrap_err();
/// assert!(error.to_string().contains("where a mapping is wanted"), "{error}");
/// # Ok::<(), chaos_core::ConfigError>(())
/// ```
///
/// # Errors
/// What is wrong, with the field and what is allowed.
pub fn read_config<T: DeserializeOwned>(value: impl Serialize) -> Result<T, ConfigError> {
    let value = serde_json::to_value(value).map_err(|error| ConfigError::new(error.to_string()))?;
    serde_path_to_error::deserialize(ByName(&value)).map_err(|error| {
        let path = error.path().to_string();
        ConfigError::from_serde(&path, &error.into_inner().to_string())
    })
}

/// A value that is read by name.
#[derive(Clone, Copy)]
struct ByName<'a>(&'a Json);

impl<'a> ByName<'a> {
    /// What it is, in words.
    fn kind(self) -> &'static str {
        match self.0 {
            Json::Null => "`null`",
            Json::Bool(_) => "`true` or `false`",
            Json::Number(_) => "a number",
            Json::String(_) => "a text",
            Json::Array(_) => "a list",
            Json::Object(_) => "a mapping",
        }
    }

    fn map<'de, V: Visitor<'de>>(self, example: Option<&str>, visitor: V) -> Result<V::Value, Error>
    where
        'a: 'de,
    {
        let Json::Object(map) = self.0 else {
            let kind = self.kind();
            let own = (&visitor as &dyn Expected).to_string();
            let wanted = match example {
                Some(field) if own.starts_with("struct") => {
                    format!("its fields by name, such as `{{ {field}: … }}`")
                }
                _ if own == "a map" || own.starts_with("struct") => "`{ name: … }`".to_owned(),
                _ => own,
            };
            let or = match self.0 {
                Json::Null => ", or leave it out",
                _ => "",
            };
            let problem = format!("{kind} stands where a mapping is wanted, expected {wanted}{or}");
            return Err(Error::custom(problem));
        };
        let entries = map.iter().map(|(key, value)| (key.as_str(), Self(value)));
        let mut entries = MapDeserializer::new(entries);
        let value = visitor.visit_map(&mut entries)?;
        entries.end().map(|()| value)
    }
}

impl<'de> IntoDeserializer<'de, Error> for ByName<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for ByName<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Json::Array(items) => {
                let mut items = SeqDeserializer::new(items.iter().map(Self));
                let value = visitor.visit_seq(&mut items)?;
                items.end().map(|()| value)
            }
            Json::Object(_) => self.map(None, visitor),
            scalar => scalar.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Json::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let words: Vec<&str> = match self.0 {
            Json::Array(_) => return self.deserialize_any(visitor),
            Json::String(text) => text.split_whitespace().collect(),
            _ => Vec::new(),
        };
        let example = match words.as_slice() {
            [] => "…".to_owned(),
            words => format!("\"{}\"", words.join("\", \"")),
        };
        Err(Error::custom(format!(
            "{} stands where a list is wanted, expected a list: `[{example}]`",
            self.kind()
        )))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.map(None, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.map(fields.first().copied(), visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.0 {
            Json::String(word) => visitor.visit_enum(word.as_str().into_deserializer()),
            Json::Object(map) if map.len() == 1 => {
                let entries = map.iter().map(|(key, value)| (key.as_str(), Self(value)));
                visitor.visit_enum(MapAccessDeserializer::new(MapDeserializer::new(entries)))
            }
            _ => {
                let known: Vec<String> = variants.iter().map(|v| format!("`{v}`")).collect();
                let (kind, known) = (self.kind(), known.join(", "));
                let problem = match self.0 {
                    Json::Object(map) => format!("has {} keys", map.len()),
                    _ => format!("{kind} stands where a choice is wanted"),
                };
                Err(Error::custom(format!(
                    "{problem}, expected exactly one of {known}"
                )))
            }
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct tuple tuple_struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use serde_json::json;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        inner: Option<Inner>,
        #[serde(default)]
        list: Vec<Inner>,
        #[serde(default)]
        choice: Option<Choice>,
        #[serde(default)]
        pair: Option<(u8, f64)>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Inner {
        most: u32,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Choice {
        All,
        Some(Inner),
        Named { most: u32 },
    }

    #[test]
    fn what_is_said_by_name_is_read() {
        let outer: Outer = read_config(json!({
            "inner": { "most": 1 },
            "list": [{ "most": 2 }],
            "choice": { "some": { "most": 3 } },
            "pair": [1, 2],
        }))
        .unwrap();
        let inner = |most| Inner { most };
        assert_eq!(
            outer,
            Outer {
                inner: Some(inner(1)),
                list: vec![inner(2)],
                choice: Some(Choice::Some(inner(3))),
                pair: Some((1, 2.0)),
            }
        );
        for (json, choice) in [
            (json!("all"), Choice::All),
            (json!({ "all": null }), Choice::All),
            (json!({ "named": { "most": 1 } }), Choice::Named { most: 1 }),
        ] {
            assert_eq!(read_config::<Choice>(json).unwrap(), choice);
        }
    }

    #[test]
    fn a_list_is_never_taken_for_fields() {
        for (json, at) in [
            (json!([null]), None),
            (json!({ "inner": [1] }), Some("inner")),
            (json!({ "list": [[1]] }), Some("list[0]")),
            (json!({ "choice": { "some": [1] } }), Some("choice.some")),
            (json!({ "choice": { "named": [1] } }), Some("choice.named")),
        ] {
            let error = read_config::<Outer>(&json).unwrap_err();
            assert_eq!(error.field_path(), at, "{json}: {error}");
            assert_eq!(error.problem(), "a list stands where a mapping is wanted");
        }
    }

    #[test]
    fn no_error_names_a_type_of_rust() {
        for (json, says) in [
            (
                json!({ "inner": 1, "list": [] }),
                "inner: a number stands where a mapping is wanted (its fields by name, such as `{ most: … }`)",
            ),
            (
                json!({ "list": [null] }),
                "list[0]: `null` stands where a mapping is wanted (its fields by name, such as `{ most: … }`, or leave it out)",
            ),
            (
                json!({ "list": "GET a" }),
                "list: a text stands where a list is wanted (a list: `[\"GET\", \"a\"]`)",
            ),
            (
                json!({ "list": null }),
                "list: `null` stands where a list is wanted (a list: `[…]`)",
            ),
            (
                json!({ "choice": [1] }),
                "choice: a list stands where a choice is wanted (exactly one of `all`, `some`, `named`)",
            ),
            (
                json!({ "choice": { "all": null, "some": 1 } }),
                "choice: has 2 keys (exactly one of `all`, `some`, `named`)",
            ),
        ] {
            let error = read_config::<Outer>(&json).unwrap_err();
            assert_eq!(error.to_string(), says);
        }
    }
}
