//! Faults: what their kind says of the intensity and the parameters.

use super::{embed::Definitions, reference};
use chaos_core::{Intensity, Registry};
use serde_json::{Value as Json, json};

const INTENSITIES: [Intensity; 3] = [Intensity::Light, Intensity::Medium, Intensity::Heavy];

/// Defines each fault's parameters by its kind, and the rules of a fault, in a scenario or under `faults`.
pub(super) fn define(definitions: &mut Definitions, registry: &Registry) {
    let mut kinds = Vec::new();
    let mut rules = Vec::new();
    for kind in registry.fault_kinds() {
        definitions.embed(kind, registry.fault_schema(kind));
        let required = definitions
            .get_mut(kind)
            .and_then(Json::as_object_mut)
            .and_then(|map| map.remove("required"));
        let required: Vec<String> = required
            .and_then(|names| serde_json::from_value(names).ok())
            .unwrap_or_default();
        let what = definitions.get(kind).and_then(|map| map.get("description"));
        kinds.push(match what {
            Some(what) => json!({ "const": kind, "description": what }),
            None => json!({ "const": kind }),
        });
        rules.push(rule(registry, kind, &required));
    }
    kinds.push(reference("text"));
    definitions.add("rules", json!({ "allOf": rules }));

    let one = json!({ "required": ["type", "target"], "not": { "required": ["faults"] } });
    let of_one = [
        "type",
        "target",
        "intensity",
        "parameters",
        "every",
        "on_lost",
        "radius",
    ];
    let of_one = of_one.map(|field| json!({ "required": [field] }));
    let several = json!({ "required": ["faults"], "not": { "anyOf": of_one } });
    for (name, form) in [("FaultSpec", None), ("ScenarioSpec", Some([one, several]))] {
        let Some(fault) = definitions.get_mut(name) else {
            continue;
        };
        fault["properties"]["type"] =
            json!({ "description": "What breaks.", "anyOf": kinds.clone() });
        fault["allOf"] = json!([reference("rules")]);
        if let Some(form) = form {
            fault["oneOf"] = json!(form);
            fault["properties"]["faults"]["minItems"] = 1.into();
        }
    }
}

/// What follows from a fault's kind.
fn rule(registry: &Registry, kind: &str, required: &[String]) -> Json {
    let preset = |intensity| registry.preset(kind, intensity);
    let mut then = json!({ "properties": { "parameters": reference(kind) } });
    let mut all = Vec::new();
    let without_intensity = json!({ "not": { "required": ["intensity"] } });
    if INTENSITIES.iter().all(|i| preset(*i).is_empty()) {
        all.push(without_intensity.clone());
    }
    if !required.is_empty() {
        // What the intensity says need not be said.
        let left = |name: &&String| !preset(Intensity::Medium).iter().any(|(n, _)| n == name);
        let left: Vec<&String> = required.iter().filter(left).collect();
        let needs = |names: Json| json!({ "required": ["parameters"], "properties": { "parameters": { "required": names } } });
        let with = match left.as_slice() {
            [] => json!({ "required": ["intensity"] }),
            left => json!({ "allOf": [{ "required": ["intensity"] }, needs(json!(left))] }),
        };
        all.push(json!({ "anyOf": [with, needs(json!(required))] }));
    }
    for group in registry.exclusive(kind) {
        for (i, one) in group.iter().enumerate() {
            for other in &group[i + 1..] {
                let both = json!({ "required": [one, other] });
                all.push(json!({ "properties": { "parameters": { "not": both } } }));
            }
        }
    }
    if !all.is_empty() {
        then["allOf"] = all.into();
    }
    json!({
        "if": { "properties": { "type": { "const": kind } }, "required": ["type"] },
        "then": then,
    })
}
