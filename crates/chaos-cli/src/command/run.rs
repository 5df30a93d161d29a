//! `chaos run`: break, measure, judge, put back, report.

use super::{
    REFUSED, complain, failed, files,
    output::print,
    plan, recover,
    report::{self, Wanted},
    source,
};
use chaos_cli::{Live, Progress, stop_on_signals};
use chaos_core::{Chain, Engine, EngineError, Registry, Seed, Stop, Watchdog};
use chaos_scenario::{Scenario, Scenarios, Stage};
use chaos_validator::{
    Conclusion, Format, Machine, Paint, Recording, Report, ResourceWatch, Summary, terminal_width,
};
use std::{net::SocketAddr, path::PathBuf, sync::Arc};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    source: source::Source,
    /// Writes the reports of all scenarios as JSON. What an earlier run has written there is removed before anything else.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Writes the reports in another form, by the name of the file (.html, .md, .xml, .prom, .txt) or as FORMAT=FILE; may be
    /// given several times.
    #[arg(long = "report", value_name = "[FORMAT=]FILE")]
    reports: Vec<Wanted>,
    /// Tells at http://ADDRESS/metrics what is going on, in Prometheus's format, until the last scenario is over. Whoever can
    /// reach the address can read it [default: 127.0.0.1:9464]
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, default_missing_value = "127.0.0.1:9464")]
    metrics: Option<SocketAddr>,
    /// Repeats the random choices of an earlier run.
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
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
    // A report that cannot be written is known before anything is broken.
    let reports = args.reports.iter();
    let reports = reports.map(|wanted| ("--report", wanted.path.as_path()));
    let json = args.output.iter().map(|path| ("--output", path.as_path()));
    let wanted: Vec<_> = json.chain(reports).collect();
    files::make_way(&wanted, &args.source.file)?;
    let scenarios = args.source.read(registry)?;
    let chosen = args.source.select(&scenarios)?;
    if scenarios.requires_approval() && !args.approve {
        complain(
            "error: safety.require_approval asks for an approval; run it again with --approve when you have one",
        );
        return Err(REFUSED);
    }
    let live = match args.metrics {
        Some(address) => Some(listen(address).await?),
        None => None,
    };
    let stage = source::open(&scenarios, registry).await?;
    let engine = start(args, registry).await?;
    let mut summary = Summary::default();
    let mut worst = Worst(0);
    // What is refused is known before the first scenario, too.
    for scenario in &chosen {
        if let Some(why) = refusal(&engine, &scenarios, scenario, &stage).await? {
            complain(&format!(
                "error: {}",
                scenarios.refused(scenario, why.as_str())
            ));
            summary.refuse(scenario.name(), why);
            worst.add(REFUSED);
        }
    }
    if summary.refused.is_empty() {
        run_chosen(
            args,
            live.as_ref(),
            &engine,
            &scenarios,
            &chosen,
            &stage,
            &mut summary,
            &mut worst,
        )
        .await;
    }
    let met = |name: &str| {
        summary.reports.iter().any(|report| report.run.name == name)
            || summary.refused.iter().any(|refused| refused.name == name)
    };
    summary.not_run = chosen
        .iter()
        .map(|s| s.name().to_owned())
        .filter(|name| !met(name))
        .collect();
    let (paint, width) = (Paint::detect(), terminal_width());
    match summary.reports.as_slice() {
        [report] if chosen.len() == 1 => print(&format!("\n{}\n", report.table_in(paint, width))),
        _ => print(&format!("\n{}\n", summary.table_in(paint, width))),
    }
    // One that cannot be written is in no other's way.
    let json = args.output.iter().map(|path| (Format::Json, path));
    let reports = args
        .reports
        .iter()
        .map(|wanted| (wanted.format, &wanted.path));
    for (format, path) in json.chain(reports) {
        if let Err(code) = report::write(&summary, format, path) {
            worst.add(code);
        }
    }
    Ok(worst.0)
}

/// Starts the engine and its watchdog, and says what an earlier run had left.
async fn start(args: &Args, registry: &Registry) -> Result<Engine, u8> {
    let mut builder = args.source.engine(registry).leave_orphans();
    if !args.no_watchdog {
        let watchdog = Watchdog::reexec().map_err(|error| {
            complain(&format!("error: the watchdog could not be found: {error}"));
            REFUSED
        })?;
        builder = builder.watchdog(watchdog.kill_hung_owner());
    }
    let engine = builder.open().await.map_err(|error| failed(&error))?;
    let orphans = engine
        .recover_orphans()
        .await
        .map_err(|error| failed(&error))?;
    if orphans.injections > 0 || !orphans.is_clean() {
        complain(&recover::told(&orphans));
    }
    Ok(engine)
}

/// Serves `/metrics`, and says where.
async fn listen(address: SocketAddr) -> Result<Live, u8> {
    let live = Live::listen(address).await.map_err(|error| {
        complain(&format!("error: --metrics {address}: {error}"));
        REFUSED
    })?;
    complain(&format!("metrics: http://{}/metrics", live.address()));
    Ok(live)
}

/// Why a scenario would be refused now.
async fn refusal(
    engine: &Engine,
    scenarios: &Scenarios,
    scenario: &Scenario,
    stage: &Stage,
) -> Result<Option<String>, u8> {
    let trial = scenarios
        .trial(scenario, stage, engine.registry())
        .map_err(|e| failed(&e.into()))?;
    let preview = engine
        .preview(&trial.experiment)
        .await
        .map_err(|e| failed(&e))?;
    let reasons: Vec<String> = preview.refusals.iter().map(ToString::to_string).collect();
    Ok((!reasons.is_empty()).then(|| reasons.join("; ")))
}

/// Runs the scenarios until the last, or until somebody asks to stop, or something is left on the host.
#[expect(clippy::too_many_arguments, reason = "all that a run is made of")]
async fn run_chosen(
    args: &Args,
    live: Option<&Live>,
    engine: &Engine,
    scenarios: &Scenarios,
    chosen: &[&Scenario],
    stage: &Stage,
    summary: &mut Summary,
    worst: &mut Worst,
) {
    let stop = Stop::new();
    stop_on_signals(&stop);
    for scenario in chosen {
        match run_one(args, live, engine, scenarios, scenario, stage, &stop).await {
            Ok(report) => {
                if chosen.len() > 1 && !report.verdict.is_held() {
                    // What is to be said of the promises is said once, at the end.
                    let mut short = report.clone();
                    short.lints.clear();
                    let table = short.table_in(Paint::detect(), terminal_width());
                    print(&format!("\n{table}\n"));
                }
                worst.add(report.exit_code());
                let left = report.verdict.conclusion == Conclusion::Left;
                summary.reports.push(report);
                if left {
                    return;
                }
            }
            Err((code, why)) => {
                worst.add(code);
                summary.refuse(scenario.name(), why);
            }
        }
        if stop.requested().is_some() {
            return;
        }
    }
}

async fn run_one(
    args: &Args,
    live: Option<&Live>,
    engine: &Engine,
    scenarios: &Scenarios,
    scenario: &Scenario,
    stage: &Stage,
    stop: &Stop,
) -> Result<Report, (u8, String)> {
    let told = |error: EngineError| (failed(&error), Chain(&error).to_string());
    let trial = scenarios
        .trial(scenario, stage, engine.registry())
        .map_err(|e| told(e.into()))?;
    let resources = Arc::new(ResourceWatch::of(engine, &trial.experiment));
    let mut experiment = trial
        .experiment
        .observer(resources.clone())
        .observer(Arc::new(Progress::new(trial.load.clone())));
    if let Some(live) = live {
        experiment =
            experiment.observer(live.observer(trial.load.clone(), Some(Arc::clone(&resources))));
    }
    if let Some(seed) = args.seed {
        experiment = experiment.seed(Seed::new(seed));
    }
    if let Some(load) = &trial.load {
        let observer: Arc<dyn chaos_core::Observer> = load.clone();
        experiment = experiment.observer(observer);
    }
    let run = engine.run_until(&experiment, stop).await.map_err(told)?;
    let recording = trial
        .load
        .map_or_else(Recording::none, |load| load.recording());
    let mut report = Report::new(run, &recording, &trial.slos)
        .with_resources(&resources)
        .measured_at(Machine::here());
    report.command = Some(again(&args.source, &report));
    Ok(report)
}

/// The command that runs a scenario again, with the same random choices. Without the variables, which may be secret.
fn again(source: &source::Source, report: &Report) -> String {
    let mut words = vec![
        "chaos".to_owned(),
        "run".to_owned(),
        source.file.display().to_string(),
    ];
    let said = [
        ("--scenario", Some(&report.run.name)),
        ("--target", source.target.as_ref()),
        ("--environment", source.environment.as_ref()),
    ];
    for (option, value) in said {
        words.extend(
            value
                .into_iter()
                .flat_map(|value| [option.to_owned(), value.clone()]),
        );
    }
    for (name, _) in &source.variables {
        words.extend(["--var".to_owned(), format!("{name}=…")]);
    }
    words.extend(["--seed".to_owned(), report.run.seed.to_string()]);
    let quoted = words.iter().map(|word| quote(word));
    quoted.collect::<Vec<_>>().join(" ")
}

/// A word as a shell takes it.
fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=%+,@".contains(c);
    match word.chars().all(plain) && !word.is_empty() {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
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
