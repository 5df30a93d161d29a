//! One call from an experiment to a report.

use crate::{Load, Machine, Report, ResourceWatch, Slos};
use chaos_core::{Engine, EngineError, Experiment, Observer};
use std::sync::Arc;

/// Runs an experiment under a load, and judges what the load saw. The report says what the targets of the faults used, as
/// a [`ResourceWatch`] sees it.
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
    let resources = Arc::new(ResourceWatch::of(engine, &experiment));
    let experiment = experiment
        .observer(Arc::clone(&load) as Arc<dyn Observer>)
        .observer(Arc::clone(&resources) as Arc<dyn Observer>);
    let run = engine.run(&experiment).await?;
    Ok(Report::new(run, &load.recording(), slos)
        .with_resources(&resources)
        .measured_at(Machine::here()))
}
