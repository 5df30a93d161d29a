//! `chaos doctor`: what this host can and cannot inject, and what would change that.

use super::{HELD, LEFT, failed, say};
use chaos_core::{Capability, Chain, Engine, Missing, Registry, Site};
use comfy_table::{ContentArrangement, Table, presets};
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where the undo log is [default: /var/lib/chaos as root, ~/.local/state/chaos else]
    #[arg(long, value_name = "DIR", env = "CHAOS_STATE_DIR")]
    state_dir: Option<PathBuf>,
}

pub(crate) async fn run(args: Args, registry: Registry) -> u8 {
    say(&format!(
        "chaos {} on {} {}",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH
    ));
    let held: Vec<&str> = [
        Capability::NetAdmin,
        Capability::SysAdmin,
        Capability::Kill,
        Capability::SysPtrace,
    ]
    .into_iter()
    .filter(|capability| capability.is_held())
    .map(Capability::name)
    .collect();
    say(&format!(
        "capabilities: {}",
        if held.is_empty() {
            "none".to_owned()
        } else {
            held.join(", ")
        }
    ));

    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header([
        "",
        "fault",
        "on",
        "what is missing, and what would change that",
    ]);
    for kind in registry.fault_kinds() {
        for (schemes, missing) in by_target(&registry, kind) {
            let sign = if missing.is_empty() { "✓" } else { "✗" };
            let why: Vec<String> = missing.iter().map(ToString::to_string).collect();
            table.add_row([
                sign.to_owned(),
                kind.to_owned(),
                schemes.join(", "),
                why.join("\n"),
            ]);
        }
    }
    say(&format!("\n{}", table.trim_fmt()));

    let builder = Engine::builder().registry(registry).leave_orphans();
    let builder = match args.state_dir {
        Some(dir) => builder.state_dir(dir),
        None => builder,
    };
    let engine = match builder.open().await {
        Ok(engine) => engine,
        Err(error) => return failed(&error),
    };
    if let Err(error) = engine.check_undo_log() {
        say("\nundo log: ✗ only faults inside this process can be injected");
        return failed(&error);
    }
    say(&format!("\nundo log: {}", engine.undo_log().display()));
    match engine.orphans().await {
        Ok(0) => {
            say("  no injection of a dead owner is left");
            HELD
        }
        Ok(left) => {
            say(&format!(
                "  ✗ {left} injections of dead owners are not recovered: run `chaos recover`"
            ));
            LEFT
        }
        Err(error) => {
            say(&format!("  ✗ it cannot be used: {}", Chain(&error)));
            failed(&error)
        }
    }
}

/// What a fault needs and this host has not, as far as it can be told without a target: the kinds of targets for which
/// it is the same go together.
fn by_target(registry: &Registry, kind: &str) -> Vec<(Vec<&'static str>, Vec<Missing>)> {
    let mut groups: Vec<(Vec<&'static str>, Vec<Missing>)> = Vec::new();
    let schemes = match registry.targets_of(kind) {
        [] => &["host"],
        some => some,
    };
    for scheme in schemes {
        let missing = match registry.example(kind) {
            Ok(fault) => {
                let here = Site::named(scheme, "any");
                fault.needs(&here).missing(&here)
            }
            Err(error) => vec![Missing::new(
                Chain(&error).to_string(),
                "a mistake in this program",
            )],
        };
        match groups.iter_mut().find(|(_, known)| *known == missing) {
            Some((schemes, _)) => schemes.push(scheme),
            None => groups.push((vec![scheme], missing)),
        }
    }
    groups
}
