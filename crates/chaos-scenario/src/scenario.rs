//! One scenario of a file.

use crate::file::{File, ScenarioSpec, Span};
use chaos_core::{ConfigError, FaultSpec};
use chaos_validator::Slos;
use std::time::Duration;

/// One scenario of a file.
#[derive(Debug, Clone)]
pub struct Scenario {
    pub(crate) name: String,
    pub(crate) faults: Vec<FaultSpec>,
    pub(crate) duration: Duration,
    pub(crate) baseline: Duration,
    pub(crate) recovery_limit: Duration,
    pub(crate) slos: Slos,
    pub(crate) seed: Option<chaos_core::Seed>,
    /// Its fault stands in it, not under `faults`.
    pub(crate) inline: bool,
}

impl Scenario {
    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How long its fault phase lasts.
    pub fn duration(&self) -> Duration {
        self.duration
    }
}

impl Scenario {
    pub(crate) fn of_spec(spec: &ScenarioSpec, file: &File) -> Result<Self, ConfigError> {
        let mut faults = spec.faults.clone();
        match (&spec.kind, &spec.target, faults.is_empty()) {
            (Some(kind), Some(target), true) => {
                let mut fault = FaultSpec::new(kind, target);
                fault.intensity = spec.intensity;
                fault.parameters = spec.parameters.clone();
                fault.every = spec.every;
                fault.on_lost = spec.on_lost;
                fault.radius = spec.radius;
                fault.allow_host = spec.allow_host;
                fault.allow_irreversible = spec.allow_irreversible;
                faults.push(fault);
            }
            (None, None, false) => {}
            (None, _, true) => {
                return Err(
                    ConfigError::new("has no fault").help("add `type` and `target`, or `faults`")
                );
            }
            (Some(_), None, true) => return Err(ConfigError::new("has a `type` and no `target`")),
            (_, _, false) => {
                return Err(
                    ConfigError::new("has both `type` or `target` and `faults`").help("use one")
                );
            }
        }
        for fault in &mut faults {
            fault.allow_host |= file.safety.allow_host;
            fault.allow_irreversible |= file.safety.allow_irreversible;
        }
        let or = |own: Option<Span>, all: Option<Span>, seconds| {
            own.or(all)
                .map_or(Duration::from_secs(seconds), |span| span.0)
        };
        let duration = or(spec.duration, None, 30);
        if duration.is_zero() {
            return Err(ConfigError::field("duration", "is no time at all"));
        }
        for (i, fault) in faults.iter().enumerate() {
            if !fault.after.get().is_zero() && fault.after.get() >= duration {
                let problem = format!("`{}` is not before the end of the scenario", fault.after);
                return Err(ConfigError::field(format!("faults[{i}].after"), problem));
            }
        }
        Ok(Self {
            name: spec.name.clone(),
            faults,
            duration,
            baseline: or(spec.baseline, file.baseline, 5),
            recovery_limit: or(spec.recovery_limit, file.recovery_limit, 30),
            slos: spec.slo_targets.unwrap_or(file.slo_targets),
            seed: spec.seed.or(file.seed),
            inline: spec.kind.is_some(),
        })
    }
}
