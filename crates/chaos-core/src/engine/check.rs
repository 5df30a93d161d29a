//! What is wrong with an experiment can be said before anything is asked of the host.

use crate::{ConfigError, Experiment, Mode, ProbeSettings};
use std::collections::BTreeSet;

/// Whether the times and names of an experiment can be meant.
pub(super) fn check(experiment: &Experiment) -> Result<(), ConfigError> {
    if experiment.hold > experiment.max_duration {
        let (hold, limit) = (experiment.hold, experiment.max_duration);
        return Err(ConfigError::field(
            "hold",
            format!("{hold:?} is longer than max_duration, {limit:?}"),
        ));
    }
    if experiment.hold.is_zero() && !experiment.faults.is_empty() {
        return Err(ConfigError::field("hold", "is no time at all"));
    }
    for (i, placed) in experiment.faults.iter().enumerate() {
        if placed.after >= experiment.hold && !placed.after.is_zero() {
            let problem = format!(
                "{:?} is not before the end of the fault phase, {:?}",
                placed.after, experiment.hold
            );
            return Err(ConfigError::field(format!("faults[{i}].after"), problem));
        }
    }
    let mut names = BTreeSet::new();
    for asked in &experiment.probes {
        let settings = &asked.settings;
        if !names.insert(&settings.name) {
            let problem = format!("`{}` stands there twice", settings.name);
            return Err(ConfigError::field("probes", problem));
        }
        check_times(settings, experiment)
            .map_err(|e| e.within(&format!("probes.{}", settings.name)))?;
    }
    Ok(())
}

/// Whether a probe can see anything in the time that it has.
fn check_times(settings: &ProbeSettings, experiment: &Experiment) -> Result<(), ConfigError> {
    if settings.limit().is_zero() {
        return Err(ConfigError::field(
            "timeout",
            "is 0; nothing can be seen in no time",
        ));
    }
    let (phase, lasts) = match settings.mode {
        Mode::End => ("recovery_limit", experiment.recovery_limit),
        Mode::OnChaos => ("hold", experiment.hold),
        _ => ("baseline", experiment.baseline),
    };
    if settings.delay >= lasts && !settings.delay.is_zero() {
        let delay = settings.delay;
        return Err(ConfigError::field(
            "delay",
            format!("{delay:?} is not before the end of its first phase: {phase} is {lasts:?}"),
        ));
    }
    Ok(())
}
