//! From a checked file to what can be run: opened targets, and experiments on them.

use crate::{diagnose::Diagnostic, scenario::Scenario, scenarios::Scenarios};
use chaos_core::{Chain, ConfigError, Experiment, FaultError, Host, Registry, Targets};
use chaos_validator::{Load, LoadConfig, Slos, StopWatch};
use std::sync::Arc;

/// The opened targets of a file. Dropping it closes them.
#[derive(Debug)]
pub struct Stage {
    targets: Targets,
}

/// A target that could not be opened, and where it stands in the file.
#[derive(Debug)]
#[non_exhaustive]
pub struct Unopened {
    /// Where, and why.
    pub diagnostic: Diagnostic,
    /// Why.
    pub error: FaultError,
}

/// A scenario that can be run.
#[derive(Debug)]
#[non_exhaustive]
pub struct Trial {
    /// The experiment, with its probes and hypotheses; the load is not yet among its observers.
    pub experiment: Experiment,
    /// The load, fresh for this run.
    pub load: Option<Arc<dyn Load>>,
    /// What is promised.
    pub slos: Slos,
}

impl Scenarios {
    /// Opens the targets: proxies start to listen.
    ///
    /// # Errors
    /// A port in use, a target that cannot be opened; those opened before are closed.
    pub async fn open(&self, registry: &Registry) -> Result<Stage, Unopened> {
        let mut targets = Targets::new();
        for (name, (scheme, parameters)) in &self.targets {
            let opened = registry
                .target(scheme, parameters.clone(), name)
                .await
                .map_err(|error| Unopened {
                    diagnostic: self
                        .diagnose(&format!("targets.{name}"), Chain(&error).to_string()),
                    error,
                })?;
            targets.insert(name.clone(), opened);
        }
        targets
            .entry("host".to_owned())
            .or_insert_with(|| Arc::new(Host));
        Ok(Stage { targets })
    }

    /// Makes a scenario ready to run on the opened targets.
    ///
    /// # Errors
    /// Only when the registry is another one than the file was checked with.
    pub fn trial(
        &self,
        scenario: &Scenario,
        stage: &Stage,
        registry: &Registry,
    ) -> Result<Trial, ConfigError> {
        let mut experiment = Experiment::named(&scenario.name)
            .baseline(scenario.baseline)
            .hold(scenario.duration)
            .recovery_limit(scenario.recovery_limit)
            .max_duration(self.max_duration);
        if let Some(seed) = scenario.seed {
            experiment = experiment.seed(seed);
        }
        for word in &self.protected {
            experiment = experiment.protect(word);
        }
        for fault in &scenario.faults {
            experiment = experiment.fault(fault.place(registry, &stage.targets)?);
        }
        for (name, spec) in &self.probes {
            let probe = registry.probe(&spec.probe.tag, spec.probe.parameters.clone())?;
            experiment = experiment.probe_with(spec.settings(name)?, probe);
        }
        let load = self.load.clone().map(LoadConfig::build).transpose()?;
        if let (Some(load), false) = (&load, self.stop_when.is_empty()) {
            let watch = StopWatch::new(Arc::clone(load), self.stop_when.clone());
            experiment = experiment.observer(Arc::new(watch));
        }
        Ok(Trial {
            experiment,
            load,
            slos: scenario.slos,
        })
    }
}
