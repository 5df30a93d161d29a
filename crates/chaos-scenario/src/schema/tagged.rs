//! Targets and probes: a key that is the kind, and its fields.

use super::{embed::Definitions, reference};
use crate::expect::WAYS;
use chaos_core::{Registry, schemars::SchemaGenerator, units::Time};
use serde_json::{Map, Value as Json, json};

/// Defines `target`, and `target.proxy` and the like.
pub(super) fn define_targets(definitions: &mut Definitions, registry: &Registry) {
    let mut kinds = Map::new();
    for scheme in registry.target_schemes() {
        let name = format!("target.{scheme}");
        definitions.embed(&name, registry.target_schema(scheme));
        kinds.insert(scheme.to_owned(), reference(&name));
    }
    let target = json!({
        "description": "Where to break it: exactly one kind.",
        "type": "object",
        "properties": kinds,
        "additionalProperties": false,
        "minProperties": 1,
        "maxProperties": 1,
    });
    definitions.add("target", target);
}

/// Defines `probe`, and `probe.http` and the like.
pub(super) fn define_probes(definitions: &mut Definitions, registry: &Registry) {
    let mut fields = Map::new();
    let mut one_of = Vec::new();
    for kind in registry.probe_kinds() {
        let name = format!("probe.{kind}");
        definitions.embed(&name, registry.probe_schema(kind));
        fields.insert(kind.to_owned(), reference(&name));
        one_of.push(json!({ "required": [kind] }));
    }
    for (field, description) in [
        ("every", "How often it is asked. Default 500ms."),
        (
            "timeout",
            "After what time it has seen nothing, at each try. Default 1s, or `every` if that is longer.",
        ),
        (
            "delay",
            "How long after the beginning of its first phase it is asked first. Default 0.",
        ),
    ] {
        let mut time = SchemaGenerator::default()
            .subschema_for::<Option<Time>>()
            .to_value();
        time["description"] = description.into();
        super::variables::allow(&mut time);
        fields.insert(field.into(), time);
    }
    let mut scalar = |field: &str, description: &str, schema: Json| {
        let schema =
            json!({ "description": description, "anyOf": [schema, reference("variable")] });
        fields.insert(field.to_owned(), schema);
    };
    scalar(
        "during_fault",
        "Whether that holds during the fault, too: `mode: continuous`. Default: false.",
        json!({ "type": ["boolean", "null"] }),
    );
    scalar(
        "mode",
        "When it is asked and judged: before the fault (start), after it (end), before and after it (edge, asked all the time), \
         all the time (continuous), while the fault is in place (on_chaos). Default: edge.",
        json!({ "enum": ["start", "end", "edge", "continuous", "on_chaos", "on-chaos", null] }),
    );
    scalar(
        "retries",
        "How many more times it is asked, right away, before a sample is bad. Default 0.",
        json!({ "type": ["integer", "null"], "minimum": 0, "maximum": 100 }),
    );
    scalar(
        "stop_on_failure",
        "Whether a bad sample ends the run, before or under the fault where it is judged. Default: false.",
        json!({ "type": ["boolean", "null"] }),
    );
    fields.insert("expect".into(), expect());
    let probe = json!({
        "description": "What is looked at: exactly one kind, and how often.",
        "type": "object",
        "properties": fields,
        "additionalProperties": false,
        "oneOf": Json::from(one_of),
    });
    definitions.add("probe", probe);
}

/// A scalar, or one way to compare.
fn expect() -> Json {
    let scalar = json!({ "type": ["boolean", "number", "string"] });
    let number = json!({ "anyOf": [{ "type": "number" }, reference("variable")] });
    let text = json!({ "type": ["string"], "minLength": 1 });
    let way = |name: &str| match name {
        "range" => json!({ "type": "array", "items": number, "minItems": 2, "maxItems": 2 }),
        "one_of" => json!({ "type": "array", "items": scalar, "minItems": 1 }),
        "not" => scalar.clone(),
        "matches" | "contains" => text.clone(),
        _ => number.clone(),
    };
    let ways: Map<String, Json> = WAYS.iter().map(|&name| (name.into(), way(name))).collect();
    json!({
        "description": "What it must see: a value, or one way to compare. Default: true, or a status of success.",
        "anyOf": [
            { "type": ["boolean", "number", "string", "null"] },
            {
                "type": "object",
                "properties": ways,
                "additionalProperties": false,
                "minProperties": 1,
                "maxProperties": 1,
            },
        ],
    })
}
