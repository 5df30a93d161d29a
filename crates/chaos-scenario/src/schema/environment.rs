//! An environment: a part of a file, which is laid over the whole.

use super::{
    embed::{Definitions, definition},
    variables,
};
use serde_json::{Value as Json, json};

/// What stands in front of the names of definitions in which nothing is required.
const PART: &str = "part.";

/// Defines `environment`: the file without what is required of the whole. What stands in lists replaces the whole
/// list, so there all of it is required.
pub(super) fn define(definitions: &mut Definitions, root: &Json) {
    let mut environment = root.clone();
    if let Some(fields) = environment
        .get_mut("properties")
        .and_then(Json::as_object_mut)
    {
        fields.remove("environments");
    }
    if let Some(map) = environment.as_object_mut() {
        map.remove("$schema");
        map.remove("title");
    }
    let mut wanted = loosen(&mut environment);
    definitions.add("environment", environment);
    while let Some(name) = wanted.pop() {
        let part = format!("{PART}{name}");
        if definitions.get(&part).is_some() {
            continue;
        }
        let Some(mut definition) = definitions.get(&name).cloned() else {
            continue;
        };
        wanted.extend(loosen(&mut definition));
        definitions.add(&part, definition);
    }
}

/// Requires nothing any more; returns the definitions that it refers to and that are to be loosened, too.
fn loosen(schema: &mut Json) -> Vec<String> {
    let mut wanted = Vec::new();
    let Json::Object(map) = schema else {
        return wanted;
    };
    for key in ["required", "minProperties", "oneOf"] {
        map.remove(key);
    }
    let referred = map.get("$ref").and_then(Json::as_str);
    if let Some(name) = referred.and_then(definition)
        && !variables::NAMES.contains(&name)
    {
        wanted.push(name.to_owned());
        map.insert("$ref".into(), json!(format!("#/$defs/{PART}{name}")));
    }
    for key in ["properties", "patternProperties"] {
        if let Some(Json::Object(fields)) = map.get_mut(key) {
            for field in fields.values_mut() {
                wanted.extend(loosen(field));
            }
        }
    }
    if let Some(inner) = map.get_mut("additionalProperties") {
        wanted.extend(loosen(inner));
    }
    for key in ["anyOf", "allOf"] {
        if let Some(Json::Array(alternatives)) = map.get_mut(key) {
            for alternative in alternatives {
                wanted.extend(loosen(alternative));
            }
        }
    }
    wanted
}
