//! `chaos run`: break, measure, judge, put back, report.

use super::{REFUSED, USAGE, complain, failed, plan, say, source};
use chaos_cli::{Progress, stop_on_signals};
use chaos_core::{Chain, Engine, Registry, Stop, Watchdog};
use chaos_scenario::{Scenario, Scenarios, Stage};
use chaos_validator::{Conclusion, Paint, Recording, Report, Summary};
use std::{fs, path::PathBuf, sync::Arc};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    source: source::Source,
    /// Writes the report as JSON: one report, or a summary of several.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Shows what would be changed, and changes nothing; the same as `chaos plan`.
    #[arg(long)]
    dry_run: bool,
    /// Says that somebody has approved, where the file's `safety.require_approval` asks for it.
    #[arg(long)]
    approve: bool,
    /// Does not start the process that recovers when this one is killed.
    #[arg(long)]
    no_watchdog: bool,
}

pub(crate) async fn run(args: Args, registry: Registry) -> u8 {
    if args.dry_run {
        return plan::run(
            plan::Args {
                source: args.source,
            },
            registry,
        )
        .await;
    }
    run_all(&args, &registry).await.unwrap_or_else(|code| code)
}

async fn run_all(args: &Args, registry: &Registry) -> Result<u8, u8> {
    let scenarios = args.source.read(registry)?;
    let chosen = args.source.select(&scenarios)?;
    if scenarios.requires_approval() && !args.approve {
        complain(
            "error: safety.require_approval asks for an approval; run it again with --approve when you have one",
        );
        return Err(REFUSED);
    }
    // A report that cannot be written is known before anything is broken.
    if let Some(path) = &args.output {
        fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .map_err(|error| {
                complain(&format!("error: --output {}: {error}", path.display()));
                USAGE
            })?;
    }
    let stage = source::open(&scenarios, registry).await?;
    let mut builder = args.source.engine(registry);
    if !args.no_watchdog {
        let watchdog = Watchdog::reexec().map_err(|error| {
            complain(&format!("error: the watchdog could not be found: {error}"));
            REFUSED
        })?;
        builder = builder.watchdog(watchdog.kill_hung_owner());
    }
    let engine = builder.open().await.map_err(|error| failed(&error))?;
    let stop = Stop::new();
    stop_on_signals(&stop);

    let show = Show {
        paint: Paint::detect(),
        several: chosen.len() > 1,
    };
    let mut summary = Summary::default();
    let mut worst = Worst(0);
    for scenario in &chosen {
        match run_one(&engine, &scenarios, scenario, &stage, &stop).await {
            Ok(report) => {
                if !show.several || !report.verdict.is_held() {
                    say(&format!("\n{}", report.table(show.paint)));
                }
                worst.add(report.exit_code());
                let left = report.verdict.conclusion == Conclusion::Left;
                summary.reports.push(report);
                if left {
                    break;
                }
            }
            Err(code) => worst.add(code),
        }
        if stop.requested().is_some() {
            break;
        }
    }
    if show.several && !summary.reports.is_empty() {
        say(&format!("\n{}", summary.table(show.paint)));
    }
    if let Some(path) = &args.output {
        write(path, &summary)?;
    }
    Ok(worst.0)
}

struct Show {
    paint: Paint,
    several: bool,
}

async fn run_one(
    engine: &Engine,
    scenarios: &Scenarios,
    scenario: &Scenario,
    stage: &Stage,
    stop: &Stop,
) -> Result<Report, u8> {
    let trial = scenarios
        .trial(scenario, stage, engine.registry())
        .map_err(|e| failed(&e.into()))?;
    let mut experiment = trial
        .experiment
        .observer(Arc::new(Progress::new(trial.load.clone())));
    if let Some(load) = &trial.load {
        let observer: Arc<dyn chaos_core::Observer> = load.clone();
        experiment = experiment.observer(observer);
    }
    let run = engine.run_until(&experiment, stop).await.map_err(|error| {
        complain(&format!("{}:", scenario.name()));
        failed(&error)
    })?;
    let recording = trial
        .load
        .map_or_else(Recording::none, |load| load.recording());
    Ok(Report::new(run, &recording, &trial.slos))
}

fn write(path: &PathBuf, summary: &Summary) -> Result<(), u8> {
    let json = match summary.reports.as_slice() {
        [report] => report.to_json().map_err(|e| Chain(&e).to_string()),
        _ => serde_json::to_string_pretty(summary).map_err(|e| e.to_string()),
    };
    json.and_then(|json| fs::write(path, json + "\n").map_err(|e| e.to_string()))
        .map_err(|error| {
            complain(&format!(
                "error: the report could not be written to {}: {error}",
                path.display()
            ));
            super::INTERNAL
        })
}

/// The exit code that counts: the worse of two.
struct Worst(u8);

impl Worst {
    fn add(&mut self, code: u8) {
        let rank = |code| {
            [0, 3, 1, 2, 4, 130, 70, 5]
                .iter()
                .position(|c| *c == code)
                .unwrap_or(6)
        };
        if rank(code) > rank(self.0) {
            self.0 = code;
        }
    }
}
