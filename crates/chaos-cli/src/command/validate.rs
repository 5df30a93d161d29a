//! `chaos validate`: is the file right?

use super::{HELD, USAGE, complain, count, say, source::Source};
use chaos_core::Registry;
use chaos_scenario::{Diagnostics, Scenarios};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    source: Source,
}

pub(crate) fn run(args: &Args, registry: &Registry) -> u8 {
    check(args, registry).unwrap_or_else(|code| code)
}

fn check(args: &Args, registry: &Registry) -> Result<u8, u8> {
    let scenarios = args.source.read(registry)?;
    let chosen = args.source.select(&scenarios)?;
    let names: Vec<&str> = chosen.iter().map(|scenario| scenario.name()).collect();
    for lint in scenarios.lints() {
        complain(&format!("warning: {lint}"));
    }
    if args.source.environment.is_none() && !environments_are_right(args, &scenarios, registry) {
        return Err(USAGE);
    }
    say(&format!(
        "{}: ok, {}: {}",
        args.source.file.display(),
        count(names.len(), "scenario"),
        names.join(", ")
    ));
    Ok(HELD)
}

/// The environments are part of the file, also when none is chosen.
fn environments_are_right(args: &Args, scenarios: &Scenarios, registry: &Registry) -> bool {
    let wrong: Vec<(&str, Diagnostics)> = scenarios
        .environments()
        .filter_map(|name| Some((name, args.source.load(registry, Some(name)).err()?)))
        .collect();
    for (name, found) in &wrong {
        for error in found.iter() {
            complain(&format!("error: with --environment {name}: {error}"));
        }
    }
    wrong.is_empty()
}
