//! Measures the proxy of `chaos-faults-net` beside its peers, and how exact its faults are.
//!
//! Everything runs on loopback, in rounds in which each takes its turn, so that what disturbs the machine disturbs
//! all of them. Numbers are ratios to the direct connection of the same round; the medians are judged.

#![expect(clippy::print_stdout, reason = "its output is the measurement")]

mod accuracy;
mod effects;
mod load;
mod ours;
mod peers;
mod servers;
mod speed;

use chaos_benches::{Result, process, report};
use std::{env, path::PathBuf, process::ExitCode};

const HELP: &str = "\
proxy-bench [PART …] [--rounds N] [--fault-cli PATH]

Parts, by default all:
  speed      throughput, CPU, requests, connections and memory beside haproxy, nginx, socat
  effects    back to the fast path after a fault; a fault elsewhere slows nobody
  accuracy   latency and bandwidth against a bare timerfd

  --rounds N         how many rounds are measured (7)
  --fault-cli PATH   the program `fault` of the crate fault-cli, as one more peer";

/// What was asked for.
#[derive(Debug)]
struct Options {
    parts: Vec<String>,
    rounds: usize,
    fault_cli: Option<PathBuf>,
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self> {
        let mut options = Self {
            parts: Vec::new(),
            rounds: 7,
            fault_cli: None,
        };
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or("a value is missing");
            match argument.as_str() {
                "--rounds" => options.rounds = value()?.parse()?,
                "--fault-cli" => options.fault_cli = Some(value()?.into()),
                "speed" | "effects" | "accuracy" => options.parts.push(argument),
                _ => return Err(HELP.into()),
            }
        }
        Ok(options)
    }

    fn has(&self, part: &str) -> bool {
        self.parts.is_empty() || self.parts.iter().any(|p| p == part)
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("{error}");
            ExitCode::from(2)
        }
    }
}

/// Whether every target was met.
fn run() -> Result<bool> {
    let mut arguments = env::args().skip(1).peekable();
    if arguments.next_if(|first| first == "serve").is_some() {
        ours::serve(arguments)?;
        return Ok(true);
    }
    let options = Options::parse(arguments)?;
    let mut targets = report::Targets::default();
    if options.has("speed") {
        speed::measure(&options, &mut targets)?;
    }
    if options.has("effects") {
        effects::measure(&options, &mut targets)?;
    }
    if options.has("accuracy") {
        accuracy::measure(&options, &mut targets)?;
    }
    Ok(targets.print())
}
