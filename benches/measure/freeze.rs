//! A server that is stopped for a known time: how long the outage is said to be.

use crate::{Options, nginx::Nginx, runtime};
use chaos_benches::{
    Result,
    report::{Targets, median, percentile},
};
use chaos_core::{Engine, Experiment, FaultExt, Registry};
use chaos_faults_resource::{Pause, Process};
use chaos_validator::{HttpLoad, Judgement, Slo, Slos};
use std::time::Duration;

const MS: Duration = Duration::from_millis(1);

/// What one run found, in ms.
#[derive(Debug, Clone, Copy)]
struct Found {
    outages: usize,
    /// The outage less the time that the server was stopped.
    error: f64,
}

/// One way to freeze and to look.
#[derive(Debug, Clone, Copy)]
struct Setting {
    freeze: u32,
    rate: u32,
}

pub(crate) fn measure(options: &Options, targets: &mut Targets) -> Result<()> {
    println!(
        "\n| stopped for, ms | requests/s | one outage | error, ms: median | least | most | repeated |\n|---|---|---|---|---|---|---|"
    );
    for rate in [20, 50, 100, 200] {
        for freeze in [700, 1000, 1500, 3000] {
            let setting = Setting { freeze, rate };
            let (found, repeated) = runtime()?.block_on(runs(options.runs, setting))?;
            let errors: Vec<f64> = found.iter().map(|f| f.error).collect();
            let one = found.iter().filter(|f| f.outages == 1).count();
            println!(
                "| {freeze} | {rate} | {one} of {} | {:+.1} | {:+.1} | {:+.1} | {repeated} |",
                found.len(),
                median(&errors),
                percentile(&errors, 0.0),
                percentile(&errors, 100.0)
            );
            let what = format!("{freeze} ms at {rate}/s, ms off (median)");
            let grace = if rate > 100 { 30.0 } else { 10.0 };
            targets.at_most(&what, median(&errors).abs(), 1e3 / f64::from(rate) + grace);
            targets.at_least(
                &format!("{freeze} ms at {rate}/s, one outage"),
                one as f64,
                found.len() as f64,
            );
        }
    }
    Ok(())
}

/// So many runs that the instrument trusts, and how often it did not.
async fn runs(runs: usize, setting: Setting) -> Result<(Vec<Found>, usize)> {
    let (mut found, mut repeated) = (Vec::new(), 0);
    while found.len() < runs {
        match run(setting).await? {
            Some(run) => found.push(run),
            None if repeated < runs * 3 => repeated += 1,
            None => return Err("the machine is too busy to measure".into()),
        }
    }
    Ok((found, repeated))
}

/// One run; none when its own health says that it cannot be trusted.
async fn run(setting: Setting) -> Result<Option<Found>> {
    let nginx = Nginx::plain()?;
    let mut registry = Registry::new();
    chaos_faults_resource::register(&mut registry);
    let state = tempfile::tempdir()?;
    let engine = Engine::builder()
        .registry(registry)
        .state_dir(state.path().join("chaos"));
    let engine = engine.open().await?;
    let process = Process::pid(nginx.process.id());
    let experiment = Experiment::named("freeze")
        .baseline(MS * 1500)
        .hold(MS * setting.freeze)
        .recovery_limit(MS * 6000)
        .fault(Pause::new().on(&process));
    let load = HttpLoad::get(nginx.url())
        .rate(setting.rate.into())
        // The shortest that is found takes this and five requests: 500 ms at 20 per second.
        .timeout(MS * 250);
    let slos = Slos::none().with(Slo::Mttr, 30.0);
    let report = chaos_validator::run(&engine, experiment, load, &slos).await?;
    let trusted = report
        .slos
        .iter()
        .all(|slo| !matches!(slo.judgement, Judgement::Inconclusive { .. }));
    // Between the two signals; each is confirmed within a fraction of a millisecond.
    let (Some(stopped), Some(went_on)) = (report.run.injected(), report.run.recovered()) else {
        // The machine stood still before the server did: not steady.
        return Ok(None);
    };
    if !trusted {
        return Ok(None);
    }
    let true_ms = (went_on - stopped).as_secs_f64() * 1e3;
    let outages = &report.metrics.outages;
    let found = outages
        .iter()
        .map(|o| o.length().lower().as_secs_f64() * 1e3);
    Ok(Some(Found {
        outages: outages.len(),
        error: found.fold(0.0, f64::max) - true_ms,
    }))
}
