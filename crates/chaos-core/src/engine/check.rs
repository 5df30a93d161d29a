//! What is wrong with an experiment can be said before anything is asked of the host.

use crate::{ConfigError, Experiment};
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
    match experiment
        .probes
        .iter()
        .find(|probe| !names.insert(&probe.name))
    {
        Some(twice) => Err(ConfigError::field(
            "probes",
            format!("`{}` stands there twice", twice.name),
        )),
        None => Ok(()),
    }
}
