//! Ten million exchanges to a report.

use crate::numbers;
use chaos_benches::{
    Result,
    report::{Targets, median},
};
use chaos_core::Run;
use chaos_validator::{Class, Exchange, Recording, Report, Slos};
use std::{
    env, fs,
    hint::black_box,
    process::Command,
    time::{Duration, Instant},
};

/// 10,000 per second for 1,000 s: 333 s each of baseline, fault and recovery.
const N: u64 = 10_000_000;
const RATE: u64 = 10_000;

pub(crate) fn measure(targets: &mut Targets) -> Result<()> {
    let mut seconds = Vec::new();
    let mut memory = Vec::new();
    for _ in 0..3 {
        let said = numbers(Command::new(env::current_exe()?).arg("child-judge"))?;
        let [took, most] = said[..] else {
            return Err("the child says something else".into());
        };
        seconds.push(took);
        memory.push(most);
    }
    targets.at_most("10 M exchanges judged, s", median(&seconds), 2.0);
    targets.at_most("10 M exchanges judged, MB at most", median(&memory), 200.0);
    Ok(())
}

/// In a process of its own: its memory is that of the judging. Says seconds, and MB at the most.
pub(crate) fn child() -> Result<()> {
    let exchanges: Vec<Exchange> = (0..N).map(exchange).collect();
    let recording = Recording::new("bench", RATE as f64, Duration::from_secs(1), exchanges);
    let run = run()?;
    let start = Instant::now();
    let report = black_box(Report::new(run, &recording, &Slos::default()));
    let took = start.elapsed().as_secs_f64();
    if report.metrics.outages.len() < 3 {
        return Err("the outages were not found".into());
    }
    println!("{took} {}", most_memory()?);
    Ok(())
}

/// Good ones of about a millisecond; slow ones, scattered failures and every 50 s an outage of 2 s with the fault.
fn exchange(i: u64) -> Exchange {
    let at = Duration::from_nanos(i * (1_000_000_000 / RATE));
    let during = (N / 3..2 * N / 3).contains(&i);
    let out = during && at.as_secs() % 50 < 2;
    let micros = 1_000 + i * 2_654_435_761 % 977 + if during { 20_000 } else { 0 };
    let class = match i {
        _ if out => Class::Refused,
        i if during && i.is_multiple_of(50) => Class::Timeout,
        _ => Class::Ok,
    };
    Exchange::new(at, at, at + Duration::from_micros(micros), class)
}

fn run() -> Result<Run> {
    let span = |phase: &str, start: f64, end: f64| serde_json::json!({ "phase": phase, "start": start, "end": end });
    let edge = |kind: &str, at: f64| {
        serde_json::json!({
            "kind": kind, "fault": "net.latency", "target": "proxy", "index": 0, "repetition": 0,
            "requested": at, "confirmed": at, "hits": 7, "detail": null
        })
    };
    Ok(serde_json::from_value(serde_json::json!({
        "name": "bench", "seed": 7, "started": "2026-01-01T00:00:00Z", "took": 1000.0,
        "outcome": { "outcome": "held" },
        "phases": [
            span("baseline", 0.0, 333.0), span("fault", 333.0, 666.0), span("recovery", 666.0, 1000.0),
        ],
        "edges": [edge("injected", 333.0), edge("recovered", 666.0)],
        "changes": [], "judged": [], "left": [], "warnings": [], "stopped": null, "samples": {}
    }))?)
}

/// What this process had in memory at the most, in MB.
fn most_memory() -> Result<f64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1));
    Ok(kib.ok_or("VmHWM is missing")?.parse::<f64>()? * 1024.0 / 1e6)
}
