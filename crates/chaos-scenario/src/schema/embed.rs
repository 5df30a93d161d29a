//! Schemas as definitions of a larger one.

use chaos_core::schemars::Schema;
use serde_json::{Map, Value as Json};

use super::variables;

/// The definitions of the whole schema, by name.
#[derive(Debug, Default)]
pub(super) struct Definitions(Map<String, Json>);

impl Definitions {
    /// Takes the definitions of a schema out of it; variables are allowed in them.
    pub(super) fn taken_from(schema: &mut Json) -> Self {
        let mut definitions = match schema.as_object_mut().and_then(|map| map.remove("$defs")) {
            Some(Json::Object(map)) => map,
            _ => Map::new(),
        };
        definitions.values_mut().for_each(variables::allow);
        Self(definitions)
    }

    pub(super) fn add(&mut self, name: &str, schema: Json) {
        self.0.insert(name.to_owned(), schema);
    }

    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut Json> {
        self.0.get_mut(name)
    }

    pub(super) fn get(&self, name: &str) -> Option<&Json> {
        self.0.get(name)
    }

    /// Adds a schema of its own, whose definitions become some of all: `Direction` of `net.latency` is
    /// `net.latency.Direction`.
    pub(super) fn embed(&mut self, name: &str, schema: Option<Schema>) {
        let mut schema = schema.unwrap_or_default().to_value();
        let inner = Self::taken_from(&mut schema);
        variables::allow(&mut schema);
        if let Some(map) = schema.as_object_mut() {
            map.remove("$schema");
            map.remove("title");
        }
        let rename = |found: &str| format!("{name}.{found}");
        redirect(&mut schema, &rename);
        for (inner_name, mut definition) in inner.0 {
            redirect(&mut definition, &rename);
            self.0.insert(rename(&inner_name), definition);
        }
        self.add(name, schema);
    }

    pub(super) fn into_value(self) -> Json {
        Json::Object(self.0)
    }
}

/// The name of the definition that is referred to.
pub(super) fn definition(reference: &str) -> Option<&str> {
    reference.strip_prefix("#/$defs/")
}

/// Renames the definitions that a schema refers to, but for those of variables, which all share.
fn redirect(schema: &mut Json, rename: &impl Fn(&str) -> String) {
    match schema {
        Json::Object(map) => {
            for (key, value) in map {
                match (key.as_str(), &mut *value) {
                    ("$ref", Json::String(reference)) => {
                        if let Some(name) = definition(reference)
                            && !variables::NAMES.contains(&name)
                        {
                            *reference = format!("#/$defs/{}", rename(name));
                        }
                    }
                    _ => redirect(value, rename),
                }
            }
        }
        Json::Array(items) => items.iter_mut().for_each(|item| redirect(item, rename)),
        _ => {}
    }
}
