//! `chaos faults`: what there is, and what it can be told.

use super::{HELD, USAGE, complain, say};
use chaos_core::{ConfigError, Intensity, Registry, schemars::Schema};
use comfy_table::{ContentArrangement, Table, presets};
use serde_json::Value as Json;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only this fault, with its fields.
    kind: Option<String>,
}

pub(crate) fn run(args: &Args, registry: &Registry) -> u8 {
    match &args.kind {
        None => list(registry),
        Some(kind) => show(registry, kind),
    }
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(header);
    table
}

fn list(registry: &Registry) -> u8 {
    let mut table = table(&["fault", "what breaks"]);
    for kind in registry.fault_kinds() {
        let schema = registry.fault_schema(kind).unwrap_or_default();
        table.add_row([kind.to_owned(), first_line(schema.get("description"))]);
    }
    say(&format!(
        "{}\n\nFields of one: chaos faults KIND",
        table.trim_fmt()
    ));
    HELD
}

fn show(registry: &Registry, kind: &str) -> u8 {
    let Some(schema) = registry.fault_schema(kind) else {
        complain(&format!(
            "error: {}",
            ConfigError::unknown("fault", kind, registry.fault_kinds())
        ));
        return USAGE;
    };
    say(&format!(
        "{kind}\n  {}\n",
        paragraph(schema.get("description"))
    ));
    let mut table = table(&["field", "value", "default", "meaning"]);
    for (name, field) in properties(&schema) {
        let required = schema
            .get("required")
            .and_then(Json::as_array)
            .is_some_and(|r| r.contains(&Json::from(name)));
        let default = match field.get("default") {
            Some(Json::Null) | None if required => "required".to_owned(),
            Some(Json::Null) | None => "–".to_owned(),
            Some(Json::String(text)) => text.clone(),
            Some(value) => value.to_string(),
        };
        table.add_row([
            name.to_owned(),
            value_of(&schema, field),
            default,
            paragraph(field.get("description")),
        ]);
    }
    if table.row_count() > 0 {
        say(&table.trim_fmt());
    } else {
        say("no fields");
    }
    let presets = [Intensity::Light, Intensity::Medium, Intensity::Heavy]
        .map(|i| (i, registry.preset(kind, i)));
    if presets.iter().any(|(_, preset)| !preset.is_empty()) {
        say("\nintensities");
        for (intensity, preset) in presets {
            let fields: Vec<String> = preset
                .iter()
                .map(|(name, value)| format!("{name} {value}"))
                .collect();
            say(&format!("  {intensity:<7} {}", fields.join(", ")));
        }
    }
    HELD
}

fn properties(schema: &Schema) -> Vec<(&str, &Json)> {
    let properties = schema.get("properties").and_then(Json::as_object);
    properties.map_or_else(Vec::new, |map| {
        map.iter()
            .map(|(name, field)| (name.as_str(), field))
            .collect()
    })
}

/// What may stand there: a unit, a range, one of some words.
fn value_of(schema: &Schema, field: &Json) -> String {
    let referenced = |field: &Json| {
        let name = field.get("$ref")?.as_str()?.rsplit('/').next()?.to_owned();
        schema.get("$defs")?.get(name).cloned()
    };
    let field = &referenced(field).unwrap_or_else(|| field.clone());
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
            "percent" => "percent, 0 to 100",
            other if other.starts_with("uint") => "whole number",
            other => other,
        };
        return example.to_owned();
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

fn paragraph(text: Option<&Json>) -> String {
    let text = text.and_then(Json::as_str).unwrap_or_default();
    let first = text.split("\n\n").next().unwrap_or_default();
    first.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn first_line(text: Option<&Json>) -> String {
    let text = paragraph(text);
    match text.split_once(". ") {
        Some((first, _)) => format!("{first}."),
        None => text,
    }
}
