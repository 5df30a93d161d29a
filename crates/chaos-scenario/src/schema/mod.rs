//! The JSON Schema of the scenario file, made from its types and from what is registered.

mod embed;
mod environment;
mod fault;
mod tagged;
mod variables;

use crate::file::File;
use chaos_core::{
    Registry,
    schemars::{Schema, SchemaGenerator, generate::SchemaSettings, json_schema},
};
use embed::Definitions;
use serde_json::{Value as Json, json};

/// The JSON Schema (draft 2020-12) of a scenario file: its keys, and every fault, target and probe of this registry
/// with its fields. Editors complete and check with it; a variable may stand in any scalar.
///
/// What a schema cannot say is left to [`Scenarios::parse`](crate::Scenarios::parse): that names are known, that a
/// fault works on a target, that a scenario is no longer than `safety.max_duration`.
///
/// ```
/// let mut registry = chaos_core::Registry::new();
/// chaos_faults_net::register(&mut registry);
/// let schema = chaos_scenario::schema(&registry).to_value();
/// assert!(schema["$defs"]["net.latency"]["properties"]["jitter"].is_object());
/// ```
pub fn schema(registry: &Registry) -> Schema {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut root = generator.into_root_schema_for::<File>().to_value();
    let mut definitions = Definitions::taken_from(&mut root);
    variables::allow(&mut root);
    tagged::define_targets(&mut definitions, registry);
    tagged::define_probes(&mut definitions, registry);
    fault::define(&mut definitions, registry);
    definitions.add("variable", variables::one());
    definitions.add("text", variables::some());
    environment::define(&mut definitions, &root);
    root["$defs"] = definitions.into_value();
    Schema::try_from(root).unwrap_or_default()
}

/// A map by name of what is defined as `definition`.
fn named(definition: &str) -> Schema {
    json_schema!({ "type": "object", "additionalProperties": reference(definition) })
}

fn reference(definition: &str) -> Json {
    json!({ "$ref": format!("#/$defs/{definition}") })
}

pub(crate) fn targets(_: &mut SchemaGenerator) -> Schema {
    named("target")
}

pub(crate) fn probes(_: &mut SchemaGenerator) -> Schema {
    named("probe")
}

pub(crate) fn environments(_: &mut SchemaGenerator) -> Schema {
    named("environment")
}
