//! One scenario of an example: break, measure, judge.

use chaos_cli::Progress;
use chaos_core::{Engine, Experiment, Observer, Placed, Steady, Stop, Tolerance, Value};
use chaos_validator::{HttpLoad, HttpProbe, Load, Report, Slos};
use std::{error::Error, sync::Arc, time::Duration};

/// The pages of a service: one that works, and one that says that it lives.
#[derive(Debug, Clone)]
#[expect(
    clippy::exhaustive_structs,
    reason = "two addresses, made by the examples"
)]
pub struct System {
    /// Asked by the load.
    pub work: String,
    /// Asked by the probe.
    pub health: String,
}

/// Three seconds of normal, five seconds of fault, and as long as it takes to be normal again.
///
/// # Errors
/// The fault was refused; the host was not touched.
pub async fn scenario(
    engine: &Engine,
    system: &System,
    name: &str,
    fault: Placed,
    stop: &Stop,
) -> Result<Report, Box<dyn Error>> {
    let load = Arc::new(
        HttpLoad::get(&system.work)
            .rate(100.0)
            .timeout(Duration::from_secs(2)),
    );
    let health = HttpProbe::get(&system.health)?.status(200);
    let observer: Arc<dyn Observer> = load.clone();
    let experiment = Experiment::named(name)
        .baseline(Duration::from_secs(3))
        .hold(Duration::from_secs(5))
        .recovery_limit(Duration::from_secs(10))
        .fault(fault)
        .probe("health", Duration::from_millis(200), health)
        .hypothesis(Steady::new("health", Tolerance::Is(Value::Flag(true))))
        .observer(Arc::new(Progress::new(Some(load.clone()))))
        .observer(observer);
    let run = engine.run_until(&experiment, stop).await?;
    Ok(Report::new(run, &load.recording(), &Slos::default()))
}
