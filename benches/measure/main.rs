//! Measures the instrument: how fast it records and judges, how exactly it paces, how much it can send beside its peers, and
//! how well it measures what is known.

#![expect(clippy::print_stdout, reason = "its output is the measurement")]

mod ceiling;
mod freeze;
mod judge;
mod nginx;
mod nothing;
mod pacing;
mod recorder;

use chaos_benches::{
    Result,
    arguments::{Arguments, ended},
    report::Targets,
};
use std::{env, path::PathBuf, process::ExitCode};

const HELP: &str = "\
measure-bench [PART …] [--rounds N] [--runs N] [--oha PATH]

Parts, by default all:
  recorder   records per second
  judge      ten million exchanges to a report: time and memory
  pacing     how late requests are sent, beside Tokio's timer
  ceiling    a closed loop beside wrk, and oha where it is
  freeze     a server stopped for a known time: how long the outage is said to be
  nothing    runs without a fault: how often one fails

  --rounds N   how many rounds of pacing and ceiling (7)
  --runs N     how many runs for each setting of freeze (20)
  --oha PATH   the program of the crate oha, as one more peer of the ceiling";

/// What was asked for.
#[derive(Debug)]
struct Options {
    rounds: usize,
    runs: usize,
    oha: Option<PathBuf>,
}

fn main() -> ExitCode {
    ended(run())
}

/// Whether every target was met.
fn run() -> Result<bool> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    // What is measured in a process of its own.
    match arguments.as_slice() {
        [child, port, rate, timer] if child == "child-pacing" => {
            pacing::child(port.parse()?, rate.parse()?, timer == "coarse")?;
            return Ok(true);
        }
        [child, port] if child == "child-ceiling" => {
            ceiling::child(port.parse()?)?;
            return Ok(true);
        }
        [child] if child == "child-judge" => {
            judge::child()?;
            return Ok(true);
        }
        _ => {}
    }
    let asked = Arguments::read(
        arguments.into_iter(),
        &[
            "recorder", "judge", "pacing", "ceiling", "freeze", "nothing",
        ],
        &["--rounds", "--runs", "--oha"],
        HELP,
    )?;
    let options = Options {
        rounds: asked.number("--rounds", 7)?,
        runs: asked.number("--runs", 20)?,
        oha: asked.value("--oha").map(PathBuf::from),
    };
    let mut targets = Targets::default();
    if asked.has("recorder") {
        recorder::measure(&mut targets);
    }
    if asked.has("judge") {
        judge::measure(&mut targets)?;
    }
    if asked.has("pacing") {
        pacing::measure(&options, &mut targets)?;
    }
    if asked.has("ceiling") {
        ceiling::measure(&options, &mut targets)?;
    }
    if asked.has("freeze") {
        freeze::measure(&options, &mut targets)?;
    }
    if asked.has("nothing") {
        nothing::measure(&mut targets)?;
    }
    Ok(targets.print())
}

/// A runtime for what the bench itself does.
fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?)
}

/// What a program on this processor, and in real time, is started with.
fn pinned(processor: usize) -> std::process::Command {
    let mut command = std::process::Command::new("chrt");
    command.args(["-r", "5", "taskset", "-c", &processor.to_string()]);
    command
}

/// What a child of this program says, as numbers.
fn numbers(command: &mut std::process::Command) -> Result<Vec<f64>> {
    let output = command.output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    let numbers: Result<Vec<f64>, _> = said.split_whitespace().map(str::parse).collect();
    match numbers {
        Ok(numbers) if output.status.success() => Ok(numbers),
        _ => Err(format!(
            "{command:?}: {said}{}",
            String::from_utf8_lossy(&output.stderr)
        )
        .into()),
    }
}
