//! `chaos plan`: what would be changed, and what speaks against it.

use super::{HELD, REFUSED, count, failed, say, source};
use chaos_core::{PreviewedFault, Reach, Registry};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) source: source::Source,
}

pub(crate) async fn run(args: Args, registry: Registry) -> u8 {
    plan(&args, &registry).await.unwrap_or_else(|code| code)
}

async fn plan(args: &Args, registry: &Registry) -> Result<u8, u8> {
    let scenarios = args.source.read(registry)?;
    let chosen = args.source.select(&scenarios)?;
    let stage = source::open(&scenarios, registry).await?;
    let engine = args
        .source
        .engine(registry)
        .leave_orphans()
        .open()
        .await
        .map_err(|e| failed(&e))?;
    let orphans = engine.orphans().await.map_err(|e| failed(&e))?;
    if orphans > 0 {
        let left = count(orphans, "injection of a dead owner");
        say(&format!(
            "note: {left} not recovered; `chaos run` recovers them first, and so does `chaos recover`\n"
        ));
    }
    let mut refused = 0;
    for scenario in &chosen {
        let trial = scenarios
            .trial(scenario, &stage, registry)
            .map_err(|e| failed(&e.into()))?;
        let preview = engine
            .preview(&trial.experiment)
            .await
            .map_err(|e| failed(&e))?;
        say(&format!(
            "{} ({})",
            scenario.name(),
            length(scenario.duration())
        ));
        preview.faults.iter().for_each(show);
        for refusal in &preview.refusals {
            let refused = scenarios.refused(scenario, refusal.to_string()).to_string();
            say(&format!("  ✗ {}", refused.replace('\n', "\n    ")));
        }
        refused += usize::from(!preview.refusals.is_empty());
    }
    if refused > 0 {
        say(&format!(
            "\n{refused} of {} would be refused; nothing was changed",
            count(chosen.len(), "scenario")
        ));
        return Ok(REFUSED);
    }
    say("\nnothing was changed");
    Ok(HELD)
}

fn show(fault: &PreviewedFault) {
    let sites = fault.sites.join(", ");
    say(&format!(
        "  {} on {}{}",
        fault.kind,
        fault.target,
        if sites == fault.target {
            String::new()
        } else {
            format!(" → {sites}")
        }
    ));
    for note in &fault.notes {
        say(&format!("    note: {note}"));
    }
    for change in &fault.changes {
        let far = if change.reach == Reach::Host {
            "  (everything on this host feels it)"
        } else {
            ""
        };
        say(&format!("    {}{far}", change.summary));
    }
}

fn length(duration: std::time::Duration) -> String {
    chaos_core::units::Time::new(duration).to_string()
}
