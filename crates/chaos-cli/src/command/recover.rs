//! `chaos recover`: undo what a killed process or a reboot has left.

use super::{HELD, LEFT, USAGE, complain, count, failed, say};
use chaos_core::{Chain, Engine, EngineError, Forgotten, Recovered, Registry, UndoLogError};
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where the undo log is [default: /var/lib/chaos as root, ~/.local/state/chaos else]
    #[arg(long, value_name = "DIR", env = "CHAOS_STATE_DIR")]
    state_dir: Option<PathBuf>,
    /// Gives up on this log (its name without `.jsonl`) after everything else is recovered: a damaged one, or one
    /// whose undo fails for ever. It is moved to `forgotten/`; what it says may still be on the host
    #[arg(long, value_name = "LOG")]
    forget: Option<String>,
}

pub(crate) async fn run(args: Args, registry: Registry) -> u8 {
    let builder = Engine::builder().registry(registry).leave_orphans();
    let builder = match args.state_dir {
        Some(dir) => builder.state_dir(dir),
        None => builder,
    };
    let done = async {
        let engine = builder.open().await?;
        let recovered = engine.recover_orphans().await?;
        match &args.forget {
            None => Ok(show(&recovered, engine.undo_log())),
            Some(log) => {
                if recovered.injections > 0 {
                    say(&told(&recovered));
                }
                Ok(forget(&engine, log).await)
            }
        }
    };
    match done.await {
        Ok(code) => code,
        Err(error) => failed(&error),
    }
}

fn show(recovered: &Recovered, logs: &Path) -> u8 {
    if recovered.injections == 0 && recovered.is_clean() {
        say("nothing to recover");
    } else {
        say(&told(recovered));
    }
    if recovered.is_clean() {
        return HELD;
    }
    say(&format!(
        "the logs are in {}; to give up on one: chaos recover --forget LOG",
        logs.display()
    ));
    LEFT
}

async fn forget(engine: &Engine, log: &str) -> u8 {
    match engine.forget(log).await {
        Ok(forgotten) => {
            say(&given_up(&forgotten));
            HELD
        }
        Err(EngineError::UndoLog(error @ UndoLogError::Unknown { .. })) => {
            complain(&format!("error: {}", Chain(&error)));
            USAGE
        }
        Err(EngineError::UndoLog(error)) => {
            complain(&format!("error: {}", Chain(&error)));
            LEFT
        }
        Err(error) => failed(&error),
    }
}

fn given_up(forgotten: &Forgotten) -> String {
    let mut lines = vec![format!("moved to {}", forgotten.path.display())];
    let left = forgotten.left.iter();
    lines.extend(left.map(|change| format!("  may still be on this host: {change}")));
    lines.join("\n")
}

/// What a recovery of orphans did, in words.
pub(super) fn told(recovered: &Recovered) -> String {
    let mut lines = vec![match recovered.injections {
        0 => format!(
            "nothing could be recovered: {} cannot be read",
            count(recovered.unreadable.len(), "undo log")
        ),
        injections => format!(
            "recovered what {} had left: {} undone, {} gone already",
            count(injections, "dead injection"),
            count(recovered.reverted, "change"),
            recovered.already_gone
        ),
    }];
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
