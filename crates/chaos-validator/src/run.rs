//! One call from an experiment to a report.

use crate::{Load, Report, Slos};
use chaos_core::{Engine, EngineError, Experiment, Observer};
use std::sync::Arc;

/// Runs an experiment under a load, and judges what the load saw.
///
/// # Errors
/// The experiment was refused or could not be prepared; the host was not touched. Whatever happens later is
/// in the report.
///
/// # Cancellation
/// When the future is dropped the faults are recovered and the load stops.
pub async fn run(
    engine: &Engine,
    experiment: Experiment,
    load: impl Into<Arc<dyn Load>>,
    slos: &Slos,
) -> Result<Report, EngineError> {
    let load = load.into();
    let experiment = experiment.observer(Arc::clone(&load) as Arc<dyn Observer>);
    let run = engine.run(&experiment).await?;
    Ok(Report::new(run, &load.recording(), slos))
}
