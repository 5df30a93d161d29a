//! Runs in which nothing is broken: none may fail.

use crate::{nginx::Nginx, runtime};
use chaos_benches::{Result, report::Targets};
use chaos_core::{Engine, Experiment, Run};
use chaos_validator::{Class, Conclusion, Exchange, HttpLoad, Recording, Report, Slos, wilson};
use std::time::Duration;

const TRACES: u64 = 10_000;
const RUNS: usize = 10;
const S: Duration = Duration::from_secs(1);

pub(crate) fn measure(targets: &mut Targets) -> Result<()> {
    let failed = (0..TRACES).filter(|seed| fails(*seed)).count();
    let (_, upper) = wilson(failed as f64, TRACES as f64);
    println!(
        "\n{failed} of {TRACES} simulated runs without a fault fail; 95 % upper bound {:.3} %",
        upper * 100.0
    );
    targets.at_most("false failures, 95 % upper bound, %", upper * 100.0, 1.0);
    let mut failed = 0;
    for _ in 0..RUNS {
        let report = runtime()?.block_on(real())?;
        println!("real run without a fault: {}", report.verdict());
        failed += usize::from(report.verdict().conclusion == Conclusion::Violated);
    }
    targets.at_most("real runs without a fault that fail", failed as f64, 0.0);
    Ok(())
}

async fn real() -> Result<Report> {
    let nginx = Nginx::plain()?;
    let engine = Engine::open().await?;
    let experiment = Experiment::named("nothing")
        .baseline(S * 2)
        .hold(S * 2)
        .recovery_limit(S * 5);
    let load = HttpLoad::get(nginx.url()).rate(100.0);
    Ok(chaos_validator::run(&engine, experiment, load, &Slos::default()).await?)
}

/// Whether a simulated run of 30 s at 20 to 200 requests per second fails: latencies with a long tail (lognormal, with a
/// hiccup now and then), up to 2 % of errors, the same all the time.
fn fails(seed: u64) -> bool {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let rate = 20.0 + 180.0 * random.share();
    let (errors, hiccups) = (0.02 * random.share(), 0.005 * random.share());
    let (median, spread) = (2e-3 + 0.2 * random.share(), 0.1 + 0.7 * random.share());
    let exchanges = (0..(rate * 30.0) as u64).map(|i| {
        let at = Duration::from_secs_f64(i as f64 / rate);
        let hiccup = if random.share() < hiccups {
            0.3 * random.share()
        } else {
            0.0
        };
        let latency = (median * (spread * random.normal()).exp() + hiccup).min(1.9);
        let class = if random.share() < errors {
            Class::BadStatus
        } else {
            Class::Ok
        };
        Exchange::new(at, at, at + Duration::from_secs_f64(latency), class)
    });
    let recording = Recording::new("nothing", rate, S * 2, exchanges.collect());
    let Ok(run) = run() else { return true };
    Report::new(run, &recording, &Slos::default())
        .verdict()
        .conclusion
        == Conclusion::Violated
}

fn run() -> Result<Run> {
    let span = |phase: &str, start: u32| serde_json::json!({ "phase": phase, "start": start, "end": start + 10 });
    Ok(serde_json::from_value(serde_json::json!({
        "name": "nothing", "seed": 7, "started": "2026-01-01T00:00:00Z", "took": 30.0,
        "outcome": { "outcome": "held" },
        "phases": [span("baseline", 0), span("fault", 10), span("recovery", 20)],
        "edges": [], "changes": [], "judged": [], "left": [], "warnings": [], "stopped": null, "samples": {}
    }))?)
}

/// xorshift64* (Vigna, "An experimental exploration of Marsaglia's xorshift generators, scrambled", 2016).
struct Random(u64);

impl Random {
    fn share(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// By Box and Muller.
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.share()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.share()).cos()
    }
}
