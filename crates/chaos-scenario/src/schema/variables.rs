//! `${NAME}` in any scalar.

use super::reference;
use serde_json::{Map, Value as Json, json};

/// The definitions of this module.
pub(super) const NAMES: [&str; 2] = ["variable", "text"];

/// A scalar that is one variable: it takes the type of its value.
pub(super) fn one() -> Json {
    json!({
        "description": "A variable, which takes the type of its value.",
        "type": "string",
        "pattern": r"^\$\{[^{}]+\}$",
    })
}

/// A text with variables in it.
pub(super) fn some() -> Json {
    json!({
        "description": "A text with variables.",
        "type": "string",
        "pattern": r"\$\{[^{}]+\}",
    })
}

/// Allows variables in every scalar of a schema that one of our types has made.
pub(super) fn allow(schema: &mut Json) {
    let Json::Object(map) = schema else { return };
    for key in ["properties", "patternProperties"] {
        if let Some(Json::Object(fields)) = map.get_mut(key) {
            fields.values_mut().for_each(allow);
        }
    }
    for key in ["additionalProperties", "items"] {
        if let Some(inner) = map.get_mut(key) {
            allow(inner);
        }
    }
    // With a variable among them, more than one alternative may fit.
    let alternatives = map.remove("oneOf").or_else(|| map.remove("anyOf"));
    if let Some(Json::Array(mut alternatives)) = alternatives {
        let mut some_scalar = false;
        for alternative in &mut alternatives {
            if let Some(inner) = alternative.as_object_mut().filter(|map| is_scalar(map)) {
                some_scalar |= inner.get("type").is_none_or(|name| name != "null");
                explain_unit(inner);
            } else {
                allow(alternative);
            }
        }
        if some_scalar {
            alternatives.push(reference("text"));
        }
        map.insert("anyOf".into(), alternatives.into());
    } else if is_scalar(map) {
        explain_unit(map);
        let variable = if may_be_text(map) { "text" } else { "variable" };
        let mut outer = Map::new();
        for key in ["description", "default"] {
            outer.extend(map.remove(key).map(|value| (key.to_owned(), value)));
        }
        outer.insert(
            "anyOf".into(),
            json!([std::mem::take(map), reference(variable)]),
        );
        *map = outer;
    }
}

/// Whether a value is a scalar that not any text is.
fn is_scalar(map: &Map<String, Json>) -> bool {
    let limits = ["enum", "const", "pattern", "format"];
    let scalar = |name: &Json| {
        matches!(
            name.as_str(),
            Some("number" | "integer" | "boolean" | "null")
        )
    };
    let text = |name: &Json| name.as_str() == Some("string");
    match map.get("type") {
        Some(Json::Array(names)) => {
            let limited = limits.iter().any(|limit| map.contains_key(*limit));
            names.iter().all(|name| scalar(name) || text(name))
                && (limited || !names.iter().any(text))
        }
        Some(name) if text(name) => limits.iter().any(|limit| map.contains_key(*limit)),
        Some(name) => scalar(name),
        None => map.contains_key("enum") || map.contains_key("const"),
    }
}

fn may_be_text(map: &Map<String, Json>) -> bool {
    match map.get("type") {
        Some(Json::Array(names)) => names.contains(&"string".into()),
        Some(name) => name == "string",
        None => true,
    }
}

/// Our units are no formats of JSON Schema, and `time` is another one there: they become examples.
fn explain_unit(map: &mut Map<String, Json>) {
    let Some(Json::String(format)) = map.remove("format") else {
        return;
    };
    let examples = match format.as_str() {
        "time" => json!(["250ms", "1m 30s"]),
        "rate" => json!(["8mbit", "1MB/s"]),
        "size" => json!(["256MiB", "75%"]),
        "bytes" => json!(["64B", "256KiB"]),
        _ => return,
    };
    map.insert("examples".into(), examples);
}
