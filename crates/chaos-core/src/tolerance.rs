//! What a value must be.

use crate::{ConfigError, Value};
use regex_lite::Regex;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::{fmt, str::FromStr};

/// What a value must be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Tolerance {
    /// Exactly this.
    Is(Value),
    /// Anything but this.
    Not(Value),
    /// A number from the first to the second, both included.
    Range(f64, f64),
    /// One of these.
    OneOf(Vec<Value>),
    /// A number greater than this.
    Above(f64),
    /// A number that is this or greater.
    AtLeast(f64),
    /// A number less than this.
    Below(f64),
    /// A number that is this or less.
    AtMost(f64),
    /// A text with this in it.
    Contains(String),
    /// A text of which some part matches.
    Matches(Pattern),
    /// Good without further words: true, or a number from 200 to 299, as HTTP's statuses of success are.
    Good,
}

impl Tolerance {
    /// A text of which some part matches this regular expression; `^` and `$` bind it to the whole.
    ///
    /// ```
    /// use chaos_core::{Tolerance, Value};
    /// let ready = Tolerance::matches("^ready").unwrap();
    /// assert!(ready.accepts(&Value::Text("ready: 3 of 3".into())));
    /// ```
    ///
    /// # Errors
    /// Not a regular expression.
    pub fn matches(pattern: &str) -> Result<Self, ConfigError> {
        pattern.parse().map(Self::Matches)
    }

    /// Whether `value` is tolerated. A missing value never is, and neither is NaN.
    pub fn accepts(&self, value: &Value) -> bool {
        match (self, value) {
            (_, Value::Missing(_)) => false,
            (_, Value::Number(number)) if number.is_nan() => false,
            (Self::Is(expected), value) => expected == value,
            (Self::Not(other), value) => other != value,
            (Self::OneOf(values), value) => values.contains(value),
            (Self::Range(from, to), Value::Number(number)) => (from..=to).contains(&number),
            (Self::Above(bound), Value::Number(number)) => number > bound,
            (Self::AtLeast(bound), Value::Number(number)) => number >= bound,
            (Self::Below(bound), Value::Number(number)) => number < bound,
            (Self::AtMost(bound), Value::Number(number)) => number <= bound,
            (Self::Contains(part), Value::Text(text)) => text.contains(part.as_str()),
            (Self::Matches(pattern), Value::Text(text)) => pattern.0.is_match(text),
            (Self::Good, Value::Flag(flag)) => *flag,
            (Self::Good, Value::Number(status)) => (200.0..300.0).contains(status),
            _ => false,
        }
    }
}

impl fmt::Display for Tolerance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Is(value) => write!(f, "{value}"),
            Self::Not(value) => write!(f, "anything but {value}"),
            Self::Range(from, to) => write!(f, "{from} to {to}"),
            Self::Above(bound) => write!(f, "above {bound}"),
            Self::AtLeast(bound) => write!(f, "at least {bound}"),
            Self::Below(bound) => write!(f, "below {bound}"),
            Self::AtMost(bound) => write!(f, "at most {bound}"),
            Self::Contains(part) => write!(f, "a text with `{part}`"),
            Self::Matches(pattern) => write!(f, "a text that matches `{pattern}`"),
            Self::Good => f.write_str("good"),
            Self::OneOf(values) => {
                let values: Vec<String> = values.iter().map(ToString::to_string).collect();
                f.write_str(&values.join(" or "))
            }
        }
    }
}

/// A regular expression. Matching takes time in proportion to the text, whatever the expression.
#[derive(Clone)]
pub struct Pattern(Regex);

impl FromStr for Pattern {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        Regex::new(text)
            .map(Self)
            .map_err(|e| ConfigError::new(format!("`{text}` is not a regular expression: {e}")))
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({:?})", self.0.as_str())
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Serialize for Pattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.as_str())
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Tolerance> {
        vec![
            Tolerance::Is(Value::Number(5.0)),
            Tolerance::Not(Value::Number(5.0)),
            Tolerance::Range(4.0, 5.0),
            Tolerance::OneOf(vec![Value::Number(5.0), Value::Text("up".into())]),
            Tolerance::Above(5.0),
            Tolerance::AtLeast(5.0),
            Tolerance::Below(5.0),
            Tolerance::AtMost(5.0),
            Tolerance::Contains("up".into()),
            Tolerance::matches("^u.$").unwrap(),
            Tolerance::Good,
        ]
    }

    #[test]
    fn every_tolerance_accepts_what_it_says() {
        let text = |text: &str| Value::Text(text.into());
        let rows = [
            (Value::Number(5.0), [1, 0, 1, 1, 0, 1, 0, 1, 0, 0, 0]),
            (Value::Number(4.5), [0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0]),
            (Value::Number(204.0), [0, 1, 0, 0, 1, 1, 0, 0, 0, 0, 1]),
            (text("up"), [0, 1, 0, 1, 0, 0, 0, 0, 1, 1, 0]),
            (text("it is up"), [0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0]),
            (Value::Flag(true), [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
        ];
        for (value, accepted) in rows {
            for (tolerance, accepted) in all().iter().zip(accepted) {
                assert_eq!(
                    tolerance.accepts(&value),
                    accepted == 1,
                    "{value} is {tolerance}"
                );
            }
        }
    }

    #[test]
    fn neither_a_missing_value_nor_nan_is_tolerated() {
        let missing = Value::Missing("refused".into());
        let mut all = all();
        all.push(Tolerance::Is(Value::Number(f64::NAN)));
        all.push(Tolerance::Is(missing.clone()));
        all.push(Tolerance::OneOf(vec![
            missing.clone(),
            Value::Number(f64::NAN),
        ]));
        for tolerance in all {
            assert!(!tolerance.accepts(&missing), "{tolerance}");
            assert!(!tolerance.accepts(&Value::Number(f64::NAN)), "{tolerance}");
        }
    }

    #[test]
    fn tolerances_are_read_back_from_their_json() {
        for tolerance in all() {
            let json = serde_json::to_string(&tolerance).unwrap();
            assert_eq!(
                serde_json::from_str::<Tolerance>(&json).unwrap(),
                tolerance,
                "{json}"
            );
        }
        let error = serde_json::from_str::<Tolerance>(r#"{ "matches": "(" }"#).unwrap_err();
        assert!(error.to_string().contains("regular expression"), "{error}");
    }
}
