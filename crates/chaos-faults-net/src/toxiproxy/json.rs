//! JSON as Go reads and writes it: keys in any case, what is unknown ignored, `null` for nothing said.

use super::error::ApiError;
use serde::{Deserialize, Serialize};
use serde_json::{Deserializer, Map, Value};

/// The first value of a text; what comes after it does not matter.
pub(super) fn first_value(text: &[u8]) -> Result<Value, ApiError> {
    if text.trim_ascii().is_empty() {
        return Err(ApiError::bad_body("EOF"));
    }
    Value::deserialize(&mut Deserializer::from_slice(text)).map_err(ApiError::bad_body)
}

/// An object's fields, each of which is taken once.
#[derive(Debug, Default)]
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    /// The fields of the object that the text begins with.
    pub(super) fn read(text: &[u8]) -> Result<Self, ApiError> {
        Self::of(first_value(text)?)
    }

    /// The fields of an object; `null` has none.
    pub(super) fn of(value: Value) -> Result<Self, ApiError> {
        match value {
            Value::Object(fields) => Ok(Self(fields)),
            Value::Null => Ok(Self::default()),
            other => Err(wrong(&other, "the value", "an object")),
        }
    }

    pub(super) fn text(&mut self, key: &str) -> Result<Option<String>, ApiError> {
        self.take(key, "a string", |value| match value {
            Value::String(text) => Ok(text),
            other => Err(other),
        })
    }

    pub(super) fn flag(&mut self, key: &str) -> Result<Option<bool>, ApiError> {
        self.take(key, "true or false", |value| value.as_bool().ok_or(value))
    }

    pub(super) fn whole(&mut self, key: &str) -> Result<Option<i64>, ApiError> {
        self.take(key, "an integer", |value| value.as_i64().ok_or(value))
    }

    pub(super) fn real(&mut self, key: &str) -> Result<Option<f64>, ApiError> {
        self.take(key, "a number", |value| value.as_f64().ok_or(value))
    }

    pub(super) fn object(&mut self, key: &str) -> Result<Option<Self>, ApiError> {
        self.take(key, "an object", |value| match value {
            Value::Object(fields) => Ok(Self(fields)),
            other => Err(other),
        })
    }

    pub(super) fn array(&mut self, key: &str) -> Result<Option<Vec<Value>>, ApiError> {
        self.take(key, "an array", |value| match value {
            Value::Array(values) => Ok(values),
            other => Err(other),
        })
    }

    fn take<T>(
        &mut self,
        key: &str,
        wanted: &str,
        read: impl FnOnce(Value) -> Result<T, Value>,
    ) -> Result<Option<T>, ApiError> {
        let value = match self.0.remove(key) {
            Some(value) => Some(value),
            None => {
                let same = |name: &&String| name.eq_ignore_ascii_case(key);
                let name = self.0.keys().find(same).cloned();
                name.and_then(|name| self.0.remove(&name))
            }
        };
        match value {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match read(value) {
                Ok(read) => Ok(Some(read)),
                Err(value) => Err(wrong(&value, key, wanted)),
            },
        }
    }
}

fn wrong(value: &Value, what: &str, wanted: &str) -> ApiError {
    let is = match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "a boolean".to_owned(),
        Value::Number(number) => format!("the number {number}"),
        Value::String(_) => "a string".to_owned(),
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    };
    ApiError::bad_body(format!("json: {what} is {is} and must be {wanted}"))
}

/// JSON as Go writes it: what a browser could take for HTML is escaped.
pub(super) fn write(value: &impl Serialize) -> Result<String, ApiError> {
    let mut text = serde_json::to_string(value).map_err(ApiError::internal)?;
    // None of them is JSON's own, so each is within a string.
    for (character, escaped) in [
        ('<', "\\u003c"),
        ('>', "\\u003e"),
        ('&', "\\u0026"),
        ('\u{2028}', "\\u2028"),
        ('\u{2029}', "\\u2029"),
    ] {
        if text.contains(character) {
            text = text.replace(character, escaped);
        }
    }
    Ok(text)
}

/// A number as Go writes it: without a fraction when it has none.
pub(super) fn number<S: serde::Serializer>(number: f64, to: S) -> Result<S::Ok, S::Error> {
    /// Every whole number up to here is told apart from the next.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() <= EXACT {
        #[expect(clippy::cast_possible_truncation, reason = "checked")]
        return to.serialize_i64(number as i64);
    }
    to.serialize_f64(number)
}

/// The same of a number with half the digits.
pub(super) fn short_number<S: serde::Serializer>(short: &f32, to: S) -> Result<S::Ok, S::Error> {
    match short.fract() == 0.0 {
        true => number(f64::from(*short), to),
        false => to.serialize_f32(*short),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(text: &str) -> Fields {
        Fields::read(text.as_bytes()).unwrap()
    }

    #[test]
    fn only_the_first_value_is_read() {
        assert_eq!(
            fields(r#"{"name":"a"} and garbage"#).text("name"),
            Ok(Some("a".into()))
        );
        for (text, error) in [
            ("", "bad request body: EOF"),
            (" \n", "bad request body: EOF"),
            (
                "[1]",
                "bad request body: json: the value is an array and must be an object",
            ),
        ] {
            let said = Fields::read(text.as_bytes()).unwrap_err();
            assert_eq!(said.to_string(), error);
        }
        assert!(Fields::read(b"{\"name\":").is_err());
        assert!(Fields::read(b"{\"name\":\"\xff\"}").is_err());
        let deep = "[".repeat(100_000);
        assert!(first_value(deep.as_bytes()).is_err());
    }

    #[test]
    fn a_key_is_found_in_any_case_and_the_exact_one_first() {
        assert_eq!(fields(r#"{"NaMe":"a"}"#).text("name"), Ok(Some("a".into())));
        let mut both = fields(r#"{"NAME":"a","name":"b"}"#);
        assert_eq!(both.text("name"), Ok(Some("b".into())));
    }

    #[test]
    fn null_says_nothing_and_a_wrong_type_is_told() {
        let mut said = fields(r#"{"a":null,"b":1.5,"c":"10","d":7,"e":[],"f":{}}"#);
        assert_eq!(said.whole("a"), Ok(None));
        let error = said.whole("b").unwrap_err().to_string();
        assert_eq!(
            error,
            "bad request body: json: b is the number 1.5 and must be an integer"
        );
        assert!(said.whole("c").is_err());
        assert_eq!(said.real("d"), Ok(Some(7.0)));
        assert!(said.flag("e").is_err());
        assert!(said.object("f").is_ok_and(|object| object.is_some()));
        assert_eq!(said.text("g"), Ok(None));
    }

    #[test]
    fn it_is_written_as_go_writes_it() {
        assert_eq!(
            write(&"<a href=\"&\">\u{2028}").unwrap(),
            r#""\u003ca href=\"\u0026\"\u003e\u2028""#
        );
        #[derive(Serialize)]
        struct Numbers(#[serde(serialize_with = "short_number")] f32);
        for (number, text) in [(1.0, "1"), (0.1, "0.1"), (0.0, "0"), (-2.0, "-2")] {
            assert_eq!(write(&Numbers(number)).unwrap(), text);
        }
    }
}
