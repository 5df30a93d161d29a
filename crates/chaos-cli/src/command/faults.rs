//! `chaos faults`: what there is, what it can be told, and on which targets it works.

use super::{
    HELD, USAGE, complain,
    fields::{fields, first_line, paragraph, table},
    say,
};
use chaos_core::{ConfigError, Intensity, Registry};

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

fn list(registry: &Registry) -> u8 {
    let mut table = table(&["fault", "targets", "what breaks"]);
    for kind in registry.fault_kinds() {
        let schema = registry.fault_schema(kind).unwrap_or_default();
        table.add_row([
            kind.to_owned(),
            targets(registry, kind),
            first_line(schema.get("description")),
        ]);
    }
    say(&format!(
        "{}\n\nFields of one: chaos faults KIND",
        table.trim_fmt()
    ));
    HELD
}

/// The kinds of targets that a fault works on.
fn targets(registry: &Registry, kind: &str) -> String {
    match registry.targets_of(kind) {
        [] => "any".to_owned(),
        schemes => schemes.join(", "),
    }
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
        "{kind}\n  {}\n\ntargets: {}\n\n{}",
        paragraph(schema.get("description")),
        targets(registry, kind),
        fields(&schema)
    ));
    let presets = [Intensity::Light, Intensity::Medium, Intensity::Heavy]
        .map(|i| (i, registry.preset(kind, i)));
    if presets.iter().any(|(_, preset)| !preset.is_empty()) {
        say("\nintensities");
        for (intensity, preset) in presets {
            let fields: Vec<String> = preset
                .iter()
                .map(|(name, value)| format!("{name} {value}"))
                .collect();
            let intensity = intensity.to_string();
            say(&format!("  {intensity:<7} {}", fields.join(", ")));
        }
    }
    HELD
}
