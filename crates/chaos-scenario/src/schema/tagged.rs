//! Targets and probes: a key that is the kind, and its fields.

use super::{embed::Definitions, reference};
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
    let mut every = SchemaGenerator::default()
        .subschema_for::<Option<Time>>()
        .to_value();
    every["description"] = "How often it is asked. Default 500ms.".into();
    super::variables::allow(&mut every);
    let expect = "What it must see. Default: true, or a status of success.";
    let during = "Whether that holds during the fault, too. Default: false.";
    fields.insert("every".into(), every);
    fields.insert(
        "expect".into(),
        json!({ "description": expect, "type": ["boolean", "number", "string", "null"] }),
    );
    fields.insert(
        "during_fault".into(),
        json!({
            "description": during,
            "anyOf": [{ "type": ["boolean", "null"] }, reference("variable")]
        }),
    );
    let probe = json!({
        "description": "What is looked at: exactly one kind, and how often.",
        "type": "object",
        "properties": fields,
        "additionalProperties": false,
        "oneOf": Json::from(one_of),
    });
    definitions.add("probe", probe);
}
