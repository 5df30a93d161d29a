//! `chaos validate`: is the file right?

use super::{HELD, complain, count, say, source::Source};
use chaos_core::Registry;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    source: Source,
}

pub(crate) fn run(args: &Args, registry: &Registry) -> u8 {
    let checked = args.source.read(registry).and_then(|scenarios| {
        let chosen = args.source.select(&scenarios)?;
        let names: Vec<&str> = chosen.iter().map(|scenario| scenario.name()).collect();
        for lint in scenarios.lints() {
            complain(&format!("warning: {lint}"));
        }
        say(&format!(
            "{}: ok, {}: {}",
            args.source.file.display(),
            count(names.len(), "scenario"),
            names.join(", ")
        ));
        Ok(HELD)
    });
    checked.unwrap_or_else(|code| code)
}
