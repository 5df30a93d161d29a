//! `chaos probes`: what can be looked at, and what each kind can be told.

use super::{
    HELD, USAGE, complain,
    fields::{fields, first_line, paragraph, table},
    say,
};
use chaos_core::{ConfigError, Registry};

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
    let mut beside = table(&["beside it", "value", "default", "meaning"]);
    for row in [
        [
            "every",
            "time, \"250ms\"",
            "500ms",
            "How often it is asked: 1ms or more.",
        ],
        [
            "expect",
            "true, false, number, text",
            "–",
            "What it must see. Without it: true, or a status of success.",
        ],
        [
            "during_fault",
            "boolean",
            "false",
            "Whether that must hold during the fault, too.",
        ],
    ] {
        beside.add_row(row);
    }
    say(&format!(
        "{kind}\n  {}\n\n{}\n\n{}\n\nin a file: probes: {{ NAME: {{ {kind}: {{ … }}, every: 500ms }} }}",
        paragraph(schema.get("description")),
        fields(&schema),
        beside.trim_fmt()
    ));
    HELD
}
