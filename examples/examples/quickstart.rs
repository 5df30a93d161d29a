//! The main job from end to end: break a small real service in four ways, measure what its clients felt, judge it
//! against SLOs, and put everything back.
//!
//! ```sh
//! cargo run --release --example quickstart                # it is resilient: every promise is kept, exit 0
//! cargo run --release --example quickstart -- --fragile   # no timeout, no retry, no fallback: exit 1
//! ```

use chaos_cli::stop_on_signals;
use chaos_core::{Chain, Engine, FaultExt, Host, Registry, Stop, Watchdog, watchdog};
use chaos_examples::{Care, Orders, Stock, System, Worker, scenario};
use chaos_faults_db::Down;
use chaos_faults_net::{Latency, Proxy};
use chaos_faults_resource::{CpuBurn, Pause, Process};
use chaos_validator::{Paint, Summary, terminal_width};
use std::{
    error::Error,
    fs,
    io::{self, Write},
    process::ExitCode,
};

/// Where the report goes.
const REPORT: &str = "chaos-report.json";

/// What it is, and what it can be told.
const HELP: &str = "\
Breaks a small service of its own in four ways, measures what its clients
felt, judges it against SLOs, and puts everything back. It needs no root, no
Docker and no network, takes about a minute, and burns every core of this
machine for five seconds of it.

Usage: cargo run --release --example quickstart [-- OPTIONS]

Options:
  --fragile   no timeout, no retry, no fallback: promises are broken, exit 1
  -h, --help  prints this

The whole report is written to chaos-report.json. Ctrl-C puts everything back,
too.";

fn main() -> ExitCode {
    let mut registry = Registry::new();
    chaos_faults_net::register(&mut registry);
    chaos_faults_resource::register(&mut registry);
    chaos_faults_db::register(&mut registry);
    // This program is three: itself, the watchdog that recovers when it is killed, and the worker that it stops.
    if let Some(code) = watchdog::run_if_asked(&registry).or_else(Worker::run_if_asked) {
        return code;
    }
    tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_max_level(tracing_subscriber::filter::LevelFilter::WARN)
        .init();
    let mut care = Care::Resilient;
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--fragile" => care = Care::Fragile,
            "--help" | "-h" => {
                say(HELP);
                return ExitCode::SUCCESS;
            }
            other => {
                writeln!(io::stderr(), "unknown argument `{other}`\n\n{HELP}").ok();
                return ExitCode::from(2);
            }
        }
    }
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error),
    };
    match runtime.block_on(quickstart(registry, care)) {
        Ok(code) => ExitCode::from(code),
        Err(error) => failed(error.as_ref()),
    }
}

async fn quickstart(registry: Registry, care: Care) -> Result<u8, Box<dyn Error>> {
    // The system: a service, and behind it a TCP server, through a proxy, and a worker process.
    let stock = Stock::start().await?;
    let proxy = Proxy::in_front_of(stock.address()).await?;
    let worker = Worker::start()?;
    let orders = Orders::start(proxy.address().to_string(), Some(worker.address()), care).await?;

    let watchdog = Watchdog::reexec()?.kill_hung_owner();
    let engine = Engine::builder()
        .registry(registry)
        .watchdog(watchdog)
        .open()
        .await?;
    let stop = Stop::new();
    stop_on_signals(&stop);

    say(&format!(
        "a {} service on {}",
        if care == Care::Resilient {
            "resilient"
        } else {
            "fragile"
        },
        orders.url("/orders")
    ));
    say("note: `CPU pressure` burns every core of this machine for five seconds\n");
    let system = System {
        work: orders.url("/orders"),
        health: orders.url("/healthz"),
    };
    let scenarios = [
        (
            "slow dependency",
            Latency::ms(600).jitter_ms(100).on(&proxy),
        ),
        ("dependency down", Down::new().on(&proxy)),
        // The whole machine feels it, so it has to be allowed.
        (
            "CPU pressure",
            CpuBurn::all().load(90).on(&Host).allow_host(),
        ),
        (
            "worker stopped",
            Pause::new().on(&Process::pid(worker.pid())),
        ),
    ];
    let mut summary = Summary::default();
    for (name, fault) in scenarios {
        summary
            .reports
            .push(scenario(&engine, &system, name, fault, &stop).await?);
        if stop.requested().is_some() {
            break;
        }
    }

    say(&format!(
        "\n{}",
        summary.table_in(Paint::detect(), terminal_width())
    ));
    fs::write(REPORT, serde_json::to_string_pretty(&summary)? + "\n")?;
    say(&format!("the whole report: {REPORT}"));
    if care == Care::Resilient && summary.exit_code() == 0 {
        say("see a service that is not ready for this: add `-- --fragile`");
    }
    Ok(summary.exit_code())
}

fn say(text: &str) {
    writeln!(io::stdout(), "{text}").ok();
}

fn failed(error: &(dyn Error + 'static)) -> ExitCode {
    writeln!(io::stderr(), "error: {}", Chain(error)).ok();
    ExitCode::from(70)
}
