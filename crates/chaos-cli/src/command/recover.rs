//! `chaos recover`: undo what a killed process or a reboot has left.

use super::{HELD, LEFT, failed, say};
use chaos_core::{Engine, Recovered, Registry};
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where the undo log is [default: /var/lib/chaos as root, ~/.local/state/chaos else]
    #[arg(long, value_name = "DIR", env = "CHAOS_STATE_DIR")]
    state_dir: Option<PathBuf>,
}

pub(crate) async fn run(args: Args, registry: Registry) -> u8 {
    let builder = Engine::builder().registry(registry).leave_orphans();
    let builder = match args.state_dir {
        Some(dir) => builder.state_dir(dir),
        None => builder,
    };
    let recovered = async {
        let engine = builder.open().await?;
        engine.recover_orphans().await
    };
    match recovered.await {
        Ok(recovered) => show(&recovered),
        Err(error) => failed(&error),
    }
}

fn show(recovered: &Recovered) -> u8 {
    if recovered.injections == 0 && recovered.is_clean() {
        say("nothing to recover");
        return HELD;
    }
    say(&format!(
        "{} injections: {} changes undone, {} were gone already",
        recovered.injections, recovered.reverted, recovered.already_gone
    ));
    for alone in &recovered.left_alone {
        say(&format!("  left alone, it is not ours: {alone}"));
    }
    for left in &recovered.left {
        say(&format!(
            "  ✗ left in place: {} ({})",
            left.change, left.why
        ));
    }
    for unreadable in &recovered.unreadable {
        say(&format!("  ✗ {unreadable}"));
    }
    if recovered.is_clean() { HELD } else { LEFT }
}
