//! The command `chaos`: arguments to one command, and the command's exit code.

#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used)]

mod command;

use chaos_core::watchdog;
use clap::{Parser, Subcommand};
use std::{io::IsTerminal, process::ExitCode};
use tracing_subscriber::EnvFilter;

/// Break a running system on purpose, judge what its users felt, and put everything back.
#[derive(Debug, Parser)]
#[command(
    name = "chaos",
    version,
    about,
    after_help = "Exit codes: 0 held, 1 violated or deviated, 2 usage or file, 3 inconclusive, 4 refused or aborted, 5 something is left on the host, 70 internal, 130 interrupted and recovered."
)]
struct Args {
    /// Says more: -v what the engine does, -vv each step. `RUST_LOG` says it more exactly.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the scenarios of a file, judges them, and puts everything back.
    Run(command::run::Args),
    /// Shows what the scenarios of a file would change, and what is missing. Changes nothing.
    Plan(command::plan::Args),
    /// Checks a file. Opens and changes nothing.
    Validate(command::validate::Args),
    /// Shows what `chaos run --output` has written in another form, or compares two of them.
    Report(command::report::Args),
    /// Undoes what a killed `chaos`, or a reboot, has left on this host.
    Recover(command::recover::Args),
    /// Lists the faults, or shows what one of them can be told.
    Faults(command::faults::Args),
    /// Lists the kinds of targets, or shows what one of them can be told and which faults work on it.
    Targets(command::targets::Args),
    /// Lists the probes, or shows what one of them can be told.
    Probes(command::probes::Args),
    /// Proxies that are told over HTTP what to break: a drop-in Toxiproxy.
    Proxy(command::proxy::Args),
    /// Prints the JSON Schema of the scenario file, for editors and other tools.
    Schema,
    /// Says what this host can and cannot inject, and what would change that.
    Doctor(command::doctor::Args),
}

fn main() -> ExitCode {
    let registry = chaos_cli::registry();
    if let Some(code) = watchdog::run_if_asked(&registry) {
        return code;
    }
    let args = match Args::try_parse_from(command::proxy::arguments(std::env::args_os())) {
        Ok(args) => args,
        // Help and version are no errors, and are told on standard output.
        Err(told) => {
            command::output::written(told.print());
            let code = u8::try_from(told.exit_code()).unwrap_or(command::USAGE);
            return ExitCode::from(command::output::exit_code(code));
        }
    };
    let level = ["warn", "info", "debug"]
        .get(usize::from(args.verbose))
        .unwrap_or(&"trace");
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none())
        .without_time()
        .init();

    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return command::internal(&error),
    };
    let code = runtime.block_on(async {
        match args.command {
            Command::Run(args) => command::run::run(args, registry).await,
            Command::Plan(args) => command::plan::run(args, registry).await,
            Command::Validate(args) => command::validate::run(&args, &registry),
            Command::Report(args) => command::report::run(&args),
            Command::Recover(args) => command::recover::run(args, registry).await,
            Command::Faults(args) => command::faults::run(&args, &registry),
            Command::Targets(args) => command::targets::run(&args, &registry),
            Command::Probes(args) => command::probes::run(&args, &registry),
            Command::Proxy(args) => command::proxy::run(args).await,
            Command::Schema => command::schema::run(&registry),
            Command::Doctor(args) => command::doctor::run(args, registry).await,
        }
    });
    ExitCode::from(command::output::exit_code(code))
}
