//! What the configuration of every load has: a rate, a timeout, a number of slots.

use crate::load::{OpenLoop, RequestRate, Traffic};
use chaos_core::{
    ConfigError,
    schemars::{self, JsonSchema},
    units::Time,
};
use serde::Deserialize;

/// Evenly from one rate to another, and on at that.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "schemars")]
#[non_exhaustive]
pub struct Ramp {
    /// The first rate: `10/s`.
    pub from: RequestRate,
    /// The last rate: `200/s`.
    pub to: RequestRate,
    /// How long it takes, from the start of the baseline on.
    pub over: Time,
}

/// A rate for a time.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "schemars")]
#[non_exhaustive]
pub struct Step {
    /// The rate: `100/s`.
    pub rate: RequestRate,
    /// For how long; the last step goes on.
    #[serde(default)]
    pub lasts: Option<Time>,
}

/// The common fields of a load's configuration.
#[derive(Debug, Default)]
pub(super) struct Pacing {
    pub(super) rate: Option<RequestRate>,
    pub(super) ramp: Option<Ramp>,
    pub(super) steps: Option<Vec<Step>>,
    pub(super) timeout: Option<Time>,
    pub(super) slow_is_bad: Option<Time>,
    pub(super) slots: Option<usize>,
}

impl Pacing {
    pub(super) fn apply<T: Traffic>(self, load: OpenLoop<T>) -> Result<OpenLoop<T>, ConfigError> {
        let twice = |field: &str, other: &str| {
            let problem = format!("cannot be said together with `{other}`");
            ConfigError::field(field.to_owned(), problem).help("say one of rate, ramp and steps")
        };
        let mut load = match (self.rate, self.ramp, self.steps) {
            (Some(_), Some(_), _) => return Err(twice("ramp", "rate")),
            (Some(_), _, Some(_)) => return Err(twice("steps", "rate")),
            (_, Some(_), Some(_)) => return Err(twice("steps", "ramp")),
            (Some(rate), ..) => load.rate(rate.get()),
            (_, Some(ramp), _) => load.ramp(ramp.from.get(), ramp.to.get(), ramp.over.get()),
            (.., Some(steps)) => load.steps(timed(&steps)?),
            (None, None, None) => load,
        };
        if let Some(timeout) = self.timeout {
            load = load.timeout(timeout.get());
        }
        if let Some(slow) = self.slow_is_bad {
            load = load.slow_is_bad(slow.get());
        }
        if let Some(slots) = self.slots {
            load = load.slots(slots);
        }
        load.check()?;
        Ok(load)
    }
}

fn timed(steps: &[Step]) -> Result<Vec<(f64, std::time::Duration)>, ConfigError> {
    let last = steps.len().saturating_sub(1);
    let timed = steps.iter().enumerate().map(|(n, step)| match step.lasts {
        Some(lasts) => Ok((step.rate.get(), lasts.get())),
        // What it says does not matter; it goes on.
        None if n == last => Ok((step.rate.get(), std::time::Duration::from_secs(1))),
        None => Err(ConfigError::field(
            format!("steps[{n}].lasts"),
            "is missing; only the last step may go without",
        )),
    });
    timed.collect()
}
