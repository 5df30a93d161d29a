//! One scenario of a file.

use crate::{
    file::{File, ScenarioSpec},
    probe::ProbeSpec,
    span::Span,
};
use chaos_core::{ConfigError, FaultSpec, Mode, units::Time};
use chaos_validator::Slos;
use std::{collections::BTreeSet, time::Duration};

/// How long a fault phase lasts when nothing is said, and some fault lasts as long as it.
const USUAL: Duration = Duration::from_secs(30);

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
        let mut faults = faults(spec)?;
        for fault in &mut faults {
            fault.allow_host |= spec.allow_host || file.safety.allow_host;
            fault.allow_irreversible |= spec.allow_irreversible || file.safety.allow_irreversible;
        }
        let or = |own: Option<Span>, all: Option<Span>, seconds| {
            own.or(all)
                .map_or(Duration::from_secs(seconds), |span| span.0)
        };
        let duration = spec.duration.map(|span| span.0);
        Ok(Self {
            name: spec.name.clone(),
            duration: duration.or(last_end(&faults)).unwrap_or(USUAL),
            faults,
            baseline: or(spec.baseline, file.baseline, 5),
            recovery_limit: or(spec.recovery_limit, file.recovery_limit, 30),
            slos: spec.slo_targets.unwrap_or(file.slo_targets),
            seed: spec.seed.or(file.seed),
            inline: spec.kind.is_some(),
        })
    }

    /// How many targets it hits.
    pub(crate) fn targets(&self) -> usize {
        let targets = self.faults.iter().map(|fault| fault.target.as_str());
        targets.collect::<BTreeSet<_>>().len()
    }

    /// What is wrong with its times; `limit` is the longest that a fault may be in place.
    pub(crate) fn problems(&self, limit: Duration) -> Vec<ConfigError> {
        let mut problems = Vec::new();
        if self.duration.is_zero() {
            problems.push(ConfigError::field("duration", "is no time at all"));
        }
        if self.duration > limit {
            let problem = format!("is longer than safety.max_duration, {}", Time::new(limit));
            problems.push(ConfigError::field("duration", problem));
        }
        for (i, fault) in self.faults.iter().enumerate() {
            if !fault.after.get().is_zero() && fault.after.get() >= self.duration {
                let problem = format!("`{}` is not before the end of the scenario", fault.after);
                problems.push(ConfigError::field(format!("faults[{i}].after"), problem));
            } else if let Some(hold) = fault.hold
                && fault.after.get().saturating_add(hold.get()) > self.duration
            {
                let most = Time::new(self.duration - fault.after.get());
                let problem = format!("`{hold}` ends after the end of the scenario");
                let error = ConfigError::field(format!("faults[{i}].hold"), problem);
                problems.push(error.help(format!("at most {most} here, or a longer `duration`")));
            }
        }
        problems
    }

    /// Whether a probe's first phase lasts longer than it is delayed.
    pub(crate) fn leaves_time_for(&self, probe: &ProbeSpec) -> Result<(), ConfigError> {
        let (phase, lasts) = match probe.mode() {
            Mode::OnChaos => ("duration", self.duration),
            Mode::End => ("recovery_limit", self.recovery_limit),
            _ => ("baseline", self.baseline),
        };
        if probe.delay.is_zero() || probe.delay < lasts {
            return Ok(());
        }
        let (name, lasts) = (&self.name, Time::new(lasts));
        let problem = format!("is not shorter than the {phase} of `{name}`, {lasts}");
        Err(ConfigError::field("delay", problem))
    }
}

/// When the last fault is over, if each says how long it lasts and none comes again.
fn last_end(faults: &[FaultSpec]) -> Option<Duration> {
    let ends = faults.iter().map(|fault| {
        let hold = fault.hold.filter(|_| fault.every.is_none())?.get();
        Some(fault.after.get().saturating_add(hold))
    });
    let ends: Option<Vec<_>> = ends.collect();
    ends?.into_iter().max().filter(|end| !end.is_zero())
}

/// The one fault that stands in a scenario, or the several under `faults`.
fn faults(spec: &ScenarioSpec) -> Result<Vec<FaultSpec>, ConfigError> {
    match (&spec.kind, &spec.target, spec.faults.is_empty()) {
        (Some(kind), Some(target), true) => {
            let mut fault = FaultSpec::new(kind, target);
            fault.intensity = spec.intensity;
            fault.parameters = spec.parameters.clone();
            fault.every = spec.every;
            fault.on_lost = spec.on_lost.unwrap_or_default();
            fault.radius = spec.radius;
            Ok(vec![fault])
        }
        (None, None, false) => {
            let of_one = [
                ("intensity", spec.intensity.is_some()),
                ("parameters", !spec.parameters.is_empty()),
                ("every", spec.every.is_some()),
                ("on_lost", spec.on_lost.is_some()),
                ("radius", spec.radius.is_some()),
            ];
            match of_one.into_iter().find(|(_, given)| *given) {
                None => Ok(spec.faults.clone()),
                Some((field, _)) => Err(ConfigError::field(field, "is that of one fault")
                    .help("say it for each of the `faults`")),
            }
        }
        (None, _, true) => {
            Err(ConfigError::new("has no fault").help("add `type` and `target`, or `faults`"))
        }
        (Some(_), None, true) => Err(ConfigError::new("has a `type` and no `target`")),
        (_, _, false) => {
            Err(ConfigError::new("has both `type` or `target` and `faults`").help("use one"))
        }
    }
}
