//! `chaos recover`: undo what a killed process or a reboot has left.

use super::{HELD, LEFT, count, failed, say};
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
    } else {
        say(&told(recovered));
    }
    if recovered.is_clean() { HELD } else { LEFT }
}

/// What a recovery of orphans did, in words.
pub(super) fn told(recovered: &Recovered) -> String {
    let mut lines = vec![format!(
        "recovered what {} had left: {} undone, {} gone already",
        count(recovered.injections, "dead injection"),
        count(recovered.reverted, "change"),
        recovered.already_gone
    )];
    let alone = recovered
        .left_alone
        .iter()
        .map(|alone| format!("left alone, it is not ours: {alone}"));
    let left = recovered
        .left
        .iter()
        .map(|left| format!("✗ left in place: {} ({})", left.change, left.why));
    let unreadable = recovered
        .unreadable
        .iter()
        .map(|unreadable| format!("✗ {unreadable}"));
    lines.extend(
        alone
            .chain(left)
            .chain(unreadable)
            .map(|line| format!("  {line}")),
    );
    lines.join("\n")
}
