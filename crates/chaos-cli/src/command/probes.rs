//! `chaos probes`: what can be looked at, and what each kind can be told.

use super::{
    HELD, USAGE, complain,
    fields::{fields, fields_named, first_line, paragraph, table},
    say,
};
use chaos_core::{ConfigError, Registry, schemars::Schema};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only this kind of probe, with its fields.
    kind: Option<String>,
}

pub(crate) fn run(args: &Args, registry: &Registry) -> u8 {
    match &args.kind {
        None => list(registry),
        Some(kind) => show(registry, kind),
    }
}

fn list(registry: &Registry) -> u8 {
    let mut table = table(&["probe", "what is looked at"]);
    for kind in registry.probe_kinds() {
        let schema = registry.probe_schema(kind).unwrap_or_default();
        table.add_row([kind.to_owned(), first_line(schema.get("description"))]);
    }
    say(&format!(
        "{}\n\nFields of one: chaos probes KIND",
        table.trim_fmt()
    ));
    HELD
}

fn show(registry: &Registry, kind: &str) -> u8 {
    let Some(schema) = registry.probe_schema(kind) else {
        complain(&format!(
            "error: {}",
            ConfigError::unknown("probe", kind, registry.probe_kinds())
        ));
        return USAGE;
    };
    say(&format!(
        "{kind}\n  {}\n\n{}\n\n{}\n\nin a file: probes: {{ NAME: {{ {kind}: {{ … }}, every: 500ms }} }}",
        paragraph(schema.get("description")),
        fields(&schema),
        fields_named("beside it", &common(registry))
    ));
    HELD
}

/// The fields that every kind has: those that the file's schema has beside the kinds.
fn common(registry: &Registry) -> Schema {
    let mut schema = chaos_scenario::schema(registry);
    let probe = schema.pointer("/$defs/probe/properties").cloned();
    let mut fields = probe.unwrap_or_default();
    if let Some(fields) = fields.as_object_mut() {
        fields.retain(|name, _| !registry.probe_kinds().any(|kind| kind == name));
    }
    schema.remove("required");
    schema.insert("properties".to_owned(), fields);
    schema
}
