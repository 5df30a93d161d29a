//! What a probe must see.

use chaos_core::{ConfigError, Tolerance, Value};
use serde_json::Value as Json;

/// The fields of which `expect` has one, when it is no scalar.
pub(crate) const WAYS: [&str; 9] = [
    "above", "at_least", "at_most", "below", "contains", "matches", "not", "one_of", "range",
];

/// What a probe must see; when nothing is said: true, or a status of success.
pub(crate) fn tolerance(expect: Option<&Json>) -> Result<Tolerance, ConfigError> {
    match expect {
        None => Ok(Tolerance::Good),
        Some(Json::Object(map)) => {
            let mut fields = map.iter();
            match (fields.next(), fields.next()) {
                (Some((way, json)), None) => one(way, json),
                _ => Err(ConfigError::new("expected exactly one field").help(known())),
            }
        }
        Some(scalar) => value(scalar).map(Tolerance::Is),
    }
}

fn one(way: &str, json: &Json) -> Result<Tolerance, ConfigError> {
    let tolerance = match way {
        "above" => number(json).map(Tolerance::Above),
        "at_least" => number(json).map(Tolerance::AtLeast),
        "at_most" => number(json).map(Tolerance::AtMost),
        "below" => number(json).map(Tolerance::Below),
        "contains" => text(json).map(|text| Tolerance::Contains(text.to_owned())),
        "matches" => text(json).and_then(Tolerance::matches),
        "not" => value(json).map(Tolerance::Not),
        "one_of" => return one_of(json),
        "range" => return range(json),
        unknown => return Err(ConfigError::unknown("field", unknown, WAYS)),
    };
    tolerance.map_err(|e| e.within(way))
}

fn one_of(json: &Json) -> Result<Tolerance, ConfigError> {
    match json {
        Json::Array(items) if !items.is_empty() => {
            each("one_of", items, value).map(Tolerance::OneOf)
        }
        _ => Err(ConfigError::field(
            "one_of",
            "expected a list of at least one value",
        )),
    }
}

fn range(json: &Json) -> Result<Tolerance, ConfigError> {
    let wrong = |problem: &str| ConfigError::field("range", problem);
    let bounds = json.as_array().filter(|items| items.len() == 2);
    let bounds = bounds.ok_or_else(|| wrong("expected two numbers, `[from, to]`"))?;
    match each("range", bounds, number)?.as_slice() {
        [from, to] if from > to => Err(wrong(&format!("{from} is greater than {to}"))),
        [from, to] => Ok(Tolerance::Range(*from, *to)),
        _ => Err(wrong("expected two numbers, `[from, to]`")),
    }
}

/// Reads the items of a list; an error says of which.
fn each<T>(
    way: &str,
    items: &[Json],
    read: fn(&Json) -> Result<T, ConfigError>,
) -> Result<Vec<T>, ConfigError> {
    let items = items.iter().enumerate();
    items
        .map(|(i, item)| read(item).map_err(|e| e.within(&format!("{way}[{i}]"))))
        .collect()
}

fn number(json: &Json) -> Result<f64, ConfigError> {
    json.as_f64()
        .ok_or_else(|| ConfigError::new("expected a number"))
}

fn text(json: &Json) -> Result<&str, ConfigError> {
    json.as_str()
        .filter(|text| !text.is_empty())
        .ok_or_else(|| ConfigError::new("expected a text"))
}

fn value(json: &Json) -> Result<Value, ConfigError> {
    match json {
        Json::Bool(flag) => Ok(Value::Flag(*flag)),
        Json::Number(_) => number(json).map(Value::Number),
        Json::String(text) => Ok(Value::Text(text.clone())),
        _ => Err(ConfigError::new("expected true, false, a number or a text").help(known())),
    }
}

fn known() -> String {
    format!("or one of: {}", WAYS.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_way_is_read() {
        for (expect, is) in [
            (json!("up"), "up"),
            (json!(3), "3"),
            (json!(true), "true"),
            (json!({ "range": [1, 2.5] }), "1 to 2.5"),
            (json!({ "one_of": ["up", 3] }), "up or 3"),
            (json!({ "matches": "^up$" }), "a text that matches `^up$`"),
            (json!({ "contains": "up" }), "a text with `up`"),
            (json!({ "above": 3 }), "above 3"),
            (json!({ "at_least": 3 }), "at least 3"),
            (json!({ "below": 3 }), "below 3"),
            (json!({ "at_most": 3 }), "at most 3"),
            (json!({ "not": "down" }), "anything but down"),
        ] {
            assert_eq!(tolerance(Some(&expect)).unwrap().to_string(), is);
        }
        assert_eq!(tolerance(None).unwrap(), Tolerance::Good);
    }

    #[test]
    fn what_is_wrong_is_said_where_it_stands() {
        for (expect, field, says) in [
            (json!([]), None, "one of: above"),
            (json!({}), None, "exactly one field"),
            (json!({ "above": 1, "below": 2 }), None, "exactly one field"),
            (json!({ "abovee": 1 }), None, "did you mean `above`"),
            (json!({ "above": "1" }), Some("above"), "a number"),
            (json!({ "range": [1] }), Some("range"), "two numbers"),
            (
                json!({ "range": [2, 1] }),
                Some("range"),
                "2 is greater than 1",
            ),
            (
                json!({ "range": [1, "x"] }),
                Some("range[1]"),
                "expected a number",
            ),
            (json!({ "one_of": [] }), Some("one_of"), "at least one"),
            (
                json!({ "matches": "(" }),
                Some("matches"),
                "regular expression",
            ),
            (json!({ "contains": "" }), Some("contains"), "a text"),
            (json!({ "not": null }), Some("not"), "true, false"),
        ] {
            let error = tolerance(Some(&expect)).unwrap_err();
            assert_eq!(error.field_path(), field, "{expect}");
            assert!(error.to_string().contains(says), "{expect}: {error}");
        }
    }
}
