//! The serde form of an experiment.

use super::Experiment;
use crate::{
    BlastRadius, ConfigError, Intensity, OnLost, Parameters, Placed, Registry, Target, seed::Seed,
    units::Time,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// The targets of an experiment, by name.
pub type Targets = BTreeMap<String, Arc<dyn Target>>;

/// One fault of an [`ExperimentSpec`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a fault")]
#[non_exhaustive]
pub struct FaultSpec {
    /// The fault's kind: `net.latency`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The target's name.
    pub target: String,
    /// How strong, when the parameters do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intensity: Option<Intensity>,
    /// The fault's parameters.
    #[serde(default, skip_serializing_if = "Parameters::is_empty")]
    pub parameters: Parameters,
    /// Starts so long after the start of the fault phase.
    #[serde(default)]
    pub after: Time,
    /// Recovers after so long; else at the end of the fault phase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Time>,
    /// Injects again every so often.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<Time>,
    /// What to do when the fault is gone before its time.
    #[serde(default)]
    pub on_lost: OnLost,
    /// How many of the target's sites are hit: all, one, { count: 2 } or { percent: 30 }. Default: all, and a target
    /// that may match several by chance, such as a process by its name, has to match one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub radius: Option<BlastRadius>,
    /// Allows changes that everything on this machine feels.
    #[serde(default)]
    pub allow_host: bool,
    /// Allows changes that cannot be reversed.
    #[serde(default)]
    pub allow_irreversible: bool,
}

impl FaultSpec {
    /// A fault of that kind on that target.
    pub fn new(kind: impl Into<String>, target: impl Into<String>) -> Self {
        Self {
            kind: kind.into(),
            target: target.into(),
            intensity: None,
            parameters: Parameters::new(),
            after: Time::default(),
            hold: None,
            every: None,
            on_lost: OnLost::default(),
            radius: None,
            allow_host: false,
            allow_irreversible: false,
        }
    }

    /// Looks everything up and checks every field.
    ///
    /// # Errors
    /// An unknown kind, target or field, a wrong unit, a value out of range.
    pub fn place(&self, registry: &Registry, targets: &Targets) -> Result<Placed, ConfigError> {
        let fault = registry.fault(&self.kind, self.intensity, &self.parameters)?;
        let target = targets.get(&self.target).ok_or_else(|| {
            ConfigError::unknown("target", &self.target, targets.keys().map(String::as_str))
                .within("target")
        })?;
        if let Some(problem) = self.problems().into_iter().next() {
            return Err(problem);
        }
        let mut placed = Placed::new(fault, Arc::clone(target))
            .others(targets.clone())
            .after(self.after.get())
            .on_lost(self.on_lost);
        placed.radius = self.radius;
        placed.hold = self.hold.map(Time::get);
        placed.every = self.every.map(Time::get);
        if self.allow_host {
            placed = placed.allow_host();
        }
        if self.allow_irreversible {
            placed = placed.allow_irreversible();
        }
        Ok(placed)
    }

    /// What is wrong with it whatever the fault and the target are: its times and its radius.
    pub fn problems(&self) -> Vec<ConfigError> {
        let mut problems = Vec::new();
        if self
            .every
            .is_some_and(|every| every.get() < Duration::from_millis(100))
        {
            let problem = "is shorter than 100ms, the shortest";
            problems.push(ConfigError::field("every", problem));
        }
        if let (Some(every), Some(hold)) = (self.every, self.hold)
            && hold > every
        {
            let problem = format!("`{hold}` is longer than `every`, `{every}`");
            problems.push(ConfigError::field("hold", problem));
        }
        match self.radius {
            Some(BlastRadius::Count(0)) => {
                problems.push(ConfigError::field("radius", "0 sites are none"));
            }
            Some(BlastRadius::Percent(share)) if !(share > 0.0 && share <= 100.0) => {
                let problem = format!("{share} % is not above 0 and at most 100");
                problems.push(ConfigError::field("radius", problem));
            }
            _ => {}
        }
        problems
    }
}

/// The serde form of an [`Experiment`]: all of it but probes, hypotheses and observers, which other crates
/// bring.
///
/// ```
/// use chaos_core::ExperimentSpec;
/// let spec: ExperimentSpec = serde_json::from_str(r#"{
///     "name": "slow database",
///     "hold": "30s",
///     "faults": [{ "type": "net.latency", "target": "db", "parameters": { "latency": "500ms" } }]
/// }"#)?;
/// assert_eq!(spec.faults[0].kind, "net.latency");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ExperimentSpec {
    /// The name.
    pub name: String,
    /// Repeats the random choices of an earlier run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<Seed>,
    /// How long normal is watched before the fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Time>,
    /// How long the fault phase lasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Time>,
    /// How long is waited, after the faults are gone, until things are steady again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery_limit: Option<Time>,
    /// The hard limit on the time that a fault may be in place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_duration: Option<Time>,
    /// The faults.
    pub faults: Vec<FaultSpec>,
    /// Words that no target of a fault may contain.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub protected: Vec<String>,
}

impl ExperimentSpec {
    /// Looks everything up and checks every field.
    ///
    /// # Errors
    /// An unknown kind, target or field, a wrong unit, a value out of range; its path starts at this value.
    pub fn build(&self, registry: &Registry, targets: &Targets) -> Result<Experiment, ConfigError> {
        let mut experiment = Experiment::named(&self.name);
        experiment.seed = self.seed;
        experiment.protected.clone_from(&self.protected);
        if let Some(baseline) = self.baseline {
            experiment = experiment.baseline(baseline.get());
        }
        if let Some(hold) = self.hold {
            experiment = experiment.hold(hold.get());
        }
        if let Some(limit) = self.recovery_limit {
            experiment = experiment.recovery_limit(limit.get());
        }
        if let Some(limit) = self.max_duration {
            experiment = experiment.max_duration(limit.get());
        }
        for (i, fault) in self.faults.iter().enumerate() {
            let placed = fault
                .place(registry, targets)
                .map_err(|e| e.within(&format!("faults[{i}]")))?;
            experiment = experiment.fault(placed);
        }
        Ok(experiment)
    }
}
