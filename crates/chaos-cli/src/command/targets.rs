//! `chaos targets`: where something can be broken, what each kind can be told, and which faults work on it.

use super::{
    HELD, USAGE, complain,
    fields::{fields, first_line, paragraph, table},
    say,
};
use chaos_core::{ConfigError, Registry};

/// The target that needs no entry in a file.
const HOST: (&str, &str) = (
    "host",
    "This machine. It is always there and has no fields; most of its faults need `allow_host`.",
);

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only this kind of target, with its fields.
    scheme: Option<String>,
}

pub(crate) fn run(args: &Args, registry: &Registry) -> u8 {
    match &args.scheme {
        None => list(registry),
        Some(scheme) => show(registry, scheme),
    }
}

fn list(registry: &Registry) -> u8 {
    let mut table = table(&["target", "where"]);
    for scheme in registry.target_schemes() {
        let schema = registry.target_schema(scheme).unwrap_or_default();
        table.add_row([scheme.to_owned(), first_line(schema.get("description"))]);
    }
    table.add_row([HOST.0.to_owned(), first_line(Some(&HOST.1.into()))]);
    say(&format!(
        "{}\n\nFields of one, and its faults: chaos targets SCHEME",
        table.trim_fmt()
    ));
    HELD
}

fn show(registry: &Registry, scheme: &str) -> u8 {
    let (what, fields, example) = match registry.target_schema(scheme) {
        Some(schema) => (
            paragraph(schema.get("description")),
            fields(&schema),
            format!("targets: {{ NAME: {{ {scheme}: {{ … }} }} }}"),
        ),
        None if scheme == HOST.0 => (
            HOST.1.to_owned(),
            "no fields".to_owned(),
            "target: host".to_owned(),
        ),
        None => {
            let known = registry.target_schemes().chain([HOST.0]);
            complain(&format!(
                "error: {}",
                ConfigError::unknown("target", scheme, known)
            ));
            return USAGE;
        }
    };
    let faults: Vec<&str> = registry
        .fault_kinds()
        .filter(|kind| registry.check_pair(kind, scheme).is_ok())
        .collect();
    say(&format!(
        "{scheme}\n  {what}\n\n{fields}\n\nin a file: {example}\nfaults:    {}",
        faults.join(", ")
    ));
    HELD
}
