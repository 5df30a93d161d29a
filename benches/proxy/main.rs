//! Measures the proxy of `chaos-faults-net` beside its peers, and how exact its faults are.
//!
//! Everything runs on loopback, in rounds in which each takes its turn, so that what disturbs the machine disturbs
//! all of them. Numbers are ratios to the direct connection of the same round; the medians are judged.

#![expect(clippy::print_stdout, reason = "its output is the measurement")]

mod accuracy;
mod connections;
mod effects;
mod load;
mod ours;
mod peers;
mod servers;
mod speed;

use chaos_benches::{
    Result,
    arguments::{Arguments, ended},
    process, report, turns,
};
use std::{env, path::PathBuf, process::ExitCode};

const HELP: &str = "\
proxy-bench [PART …] [--rounds N] [--fault-cli PATH]

Parts, by default all:
  speed        throughput, CPU, requests, connections and memory beside haproxy, nginx, socat
  connections  connections per second once more, alone with haproxy and nginx, and what each costs
  effects      back to the fast path after a fault; a fault elsewhere slows nobody
  accuracy     latency and bandwidth against a bare timerfd

  --rounds N         how many rounds are measured (7)
  --fault-cli PATH   the program `fault` of the crate fault-cli, as one more peer";

/// What was asked for.
#[derive(Debug)]
struct Options {
    rounds: usize,
    fault_cli: Option<PathBuf>,
}

fn main() -> ExitCode {
    ended(run())
}

/// Whether every target was met.
fn run() -> Result<bool> {
    let mut arguments = env::args().skip(1).peekable();
    if arguments.next_if(|first| first == "serve").is_some() {
        ours::serve(arguments)?;
        return Ok(true);
    }
    let asked = Arguments::read(
        arguments,
        &["speed", "connections", "effects", "accuracy"],
        &["--rounds", "--fault-cli"],
        HELP,
    )?;
    let options = Options {
        rounds: asked.number("--rounds", 7)?,
        fault_cli: asked.value("--fault-cli").map(PathBuf::from),
    };
    let mut targets = report::Targets::default();
    if asked.has("speed") {
        speed::measure(&options, &mut targets)?;
    }
    if asked.has("connections") {
        connections::measure(&options, &mut targets)?;
    }
    if asked.has("effects") {
        effects::measure(&options, &mut targets)?;
    }
    if asked.has("accuracy") {
        accuracy::measure(&options, &mut targets)?;
    }
    Ok(targets.print())
}
