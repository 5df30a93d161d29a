//! The fields of a fault, a target or a probe, as a table made from its JSON Schema.

use chaos_core::schemars::Schema;
use comfy_table::{ContentArrangement, Table, presets};
use serde_json::Value as Json;

/// A table without lines that is as wide as the terminal.
pub(super) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(header);
    table
}

/// What may be told: each field with its unit, its default and its meaning; those of a field that has fields below it.
pub(super) fn fields(schema: &Schema) -> String {
    fields_named("field", schema)
}

/// The same, with a word for what they are.
pub(super) fn fields_named(word: &str, schema: &Schema) -> String {
    let mut table = table(&[word, "value", "default", "meaning"]);
    add_fields(&mut table, schema, schema.as_value(), "");
    if table.row_count() > 0 {
        table.trim_fmt()
    } else {
        "no fields".to_owned()
    }
}

fn add_fields(table: &mut Table, schema: &Schema, of: &Json, prefix: &str) {
    let required = of.get("required").and_then(Json::as_array);
    let properties = of.get("properties").and_then(Json::as_object);
    for (name, field) in properties.into_iter().flatten() {
        let required = required.is_some_and(|r| r.contains(&Json::from(name.as_str())));
        let below = object(schema, field);
        let (meaning, usual) = split_default(&paragraph(field.get("description")));
        let default = match field.get("default") {
            Some(Json::Null) | None if required => "required".to_owned(),
            Some(Json::Null) | None => usual.unwrap_or_else(|| "–".to_owned()),
            // Its own fields say theirs.
            Some(_) if below.is_some() => usual.unwrap_or_else(|| "–".to_owned()),
            Some(Json::String(text)) => text.clone(),
            Some(value) => value.to_string(),
        };
        let name = format!("{prefix}{name}");
        table.add_row([name.clone(), value_of(schema, field), default, meaning]);
        if let Some(below) = below {
            add_fields(table, schema, &below, &format!("{name}."));
        }
    }
}

/// What a field refers to, if it does.
fn referenced(schema: &Schema, field: &Json) -> Option<Json> {
    let name = field.get("$ref")?.as_str()?.rsplit('/').next()?.to_owned();
    schema.get("$defs")?.get(name).cloned()
}

/// The schema of a field that has fields.
fn object(schema: &Schema, field: &Json) -> Option<Json> {
    let field = referenced(schema, field).unwrap_or_else(|| field.clone());
    if field.get("properties").is_some() {
        return Some(field);
    }
    let choices = field.get("anyOf")?.as_array()?;
    let null = Some(&Json::from("null"));
    let mut choices = choices.iter().filter(|choice| choice.get("type") != null);
    match (choices.next(), choices.next()) {
        (Some(only), None) => object(schema, only),
        _ => None,
    }
}

/// A meaning without its `Default 50/s.` or `Default: 50/s.`, and what that says, if it is short enough for a column
/// of its own.
fn split_default(meaning: &str) -> (String, Option<String>) {
    let found = meaning.split_once("Default").and_then(|(before, default)| {
        let default = default.strip_prefix(':').unwrap_or(default);
        let default = default.trim().strip_suffix('.')?;
        let short = default.len() <= 16 && !default.contains(". ");
        short.then(|| (before.trim().to_owned(), Some(default.to_owned())))
    });
    found.unwrap_or_else(|| (meaning.to_owned(), None))
}

/// What may stand there: a unit, a range, one of some words.
fn value_of(schema: &Schema, field: &Json) -> String {
    let field = &referenced(schema, field).unwrap_or_else(|| field.clone());
    let words = |values: &[Json]| -> Vec<String> {
        values
            .iter()
            .filter_map(|v| v.as_str().or_else(|| v.get("const")?.as_str()))
            .map(str::to_owned)
            .collect()
    };
    for list in ["enum", "oneOf", "anyOf"] {
        if let Some(values) = field.get(list).and_then(Json::as_array) {
            let found = words(values);
            if !found.is_empty() {
                return found.join(" | ");
            }
            if let Some(first) = values
                .iter()
                .find(|v| v.get("type") != Some(&Json::from("null")))
            {
                return value_of(schema, first);
            }
        }
    }
    if let Some(unit) = field.get("format").and_then(Json::as_str) {
        let example = match unit {
            "time" => "time, \"250ms\"",
            "rate" => "rate, \"8mbit\" or \"1MB/s\"",
            "size" => "size, \"256MiB\" or \"75%\"",
            "bytes" => "bytes, \"64B\" or \"256KiB\"",
            "percent" => "percent, 0 to 100",
            other if other.starts_with("uint") => "whole number",
            other => other,
        };
        return example.to_owned();
    }
    let mut examples = field.get("examples").and_then(Json::as_array).into_iter();
    if let Some(example) = examples.find_map(|all| all.first()?.as_str()) {
        return format!("such as \"{example}\"");
    }
    match field.get("type") {
        Some(Json::String(name)) => name.clone(),
        Some(Json::Array(names)) => {
            let names: Vec<&str> = names
                .iter()
                .filter_map(Json::as_str)
                .filter(|name| *name != "null")
                .collect();
            names.join(" or ")
        }
        _ => "any".to_owned(),
    }
}

pub(super) fn paragraph(text: Option<&Json>) -> String {
    let text = text.and_then(Json::as_str).unwrap_or_default();
    let first = text.split("\n\n").next().unwrap_or_default();
    first.split_whitespace().collect::<Vec<_>>().join(" ")
}

pub(super) fn first_line(text: Option<&Json>) -> String {
    let text = paragraph(text);
    match text.split_once(". ") {
        Some((first, _)) => format!("{first}."),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_default_gets_a_column_of_its_own_when_it_is_short() {
        for (meaning, left, default) in [
            ("How many. Default 50/s.", "How many.", Some("50/s")),
            ("The method. Default: GET.", "The method.", Some("GET")),
            ("Which way.", "Which way.", None),
            (
                "Where. Default: at the address of the target.",
                "Where. Default: at the address of the target.",
                None,
            ),
        ] {
            let (meaning, found) = split_default(meaning);
            assert_eq!((meaning.as_str(), found.as_deref()), (left, default));
        }
    }
}
