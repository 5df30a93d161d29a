//! Judging 10⁵ samples: a hypothesis, and a whole report from its exchanges.

use chaos_core::{Hypothesis, Phase, Run, Sample, Samples, Steady, Tolerance, Value};
use chaos_validator::{Class, Exchange, Recording, Report, Slos};
use criterion::{Criterion, criterion_group, criterion_main};
use std::{hint::black_box, time::Duration};

const N: u64 = 100_000;

fn judge(c: &mut Criterion) {
    let mut group = c.benchmark_group("judge_100k");
    let mut samples = Samples::new();
    for i in 0..N {
        samples.push(
            "health",
            Sample::new(
                Duration::from_micros(i * 100),
                Duration::ZERO,
                Value::Flag(true),
            ),
        );
    }
    let steady = Steady::new("health", Tolerance::Is(Value::Flag(true)));
    group.bench_function("hypothesis", |b| {
        b.iter(|| steady.judge(Phase::Baseline, black_box(&samples)))
    });

    // 10 s of baseline, 10 s of fault, 10 s of recovery.
    let at = |i: u64| Duration::from_micros(i * 300);
    let exchange = |i: u64| {
        let during = (N / 3..2 * N / 3).contains(&i);
        let latency = Duration::from_micros(1_000 + i % 977 + if during { 20_000 } else { 0 });
        let class = if during && i.is_multiple_of(50) {
            Class::Timeout
        } else {
            Class::Ok
        };
        Exchange::new(at(i), at(i), at(i) + latency, class)
    };
    let exchanges: Vec<Exchange> = (0..N).map(exchange).collect();
    let recording = Recording::new("bench", 3333.0, Duration::from_secs(1), exchanges);
    let run = run_of_three_phases();
    group.bench_function("report", |b| {
        b.iter(|| {
            Report::new(
                black_box(&run).clone(),
                black_box(&recording),
                &Slos::default(),
            )
        });
    });
    group.finish();
}

fn run_of_three_phases() -> Run {
    let span = |phase: &str, start: f64| serde_json::json!({ "phase": phase, "start": start, "end": start + 10.0 });
    let edge = |kind: &str, at: f64| {
        serde_json::json!({
            "kind": kind, "fault": "net.latency", "target": "proxy", "index": 0, "repetition": 0,
            "requested": at, "confirmed": at, "hits": 7, "detail": null
        })
    };
    serde_json::from_value(serde_json::json!({
        "name": "bench", "seed": 7, "started": "2026-01-01T00:00:00Z", "took": 30.0,
        "outcome": { "outcome": "held" },
        "phases": [span("baseline", 0.0), span("fault", 10.0), span("recovery", 20.0)],
        "edges": [edge("injected", 10.0), edge("recovered", 20.0)],
        "changes": [], "judged": [], "left": [], "warnings": [], "stopped": null, "samples": {}
    }))
    .expect("a run")
}

criterion_group!(benches, judge);
criterion_main!(benches);
