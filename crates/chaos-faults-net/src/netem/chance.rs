//! How often something happens to packets.

use crate::{
    draws::Draws,
    proxy::{Leg, has_streams},
};
use chaos_core::{ConfigError, Site, units::Percent};
use std::fmt;

/// A share of the packets, 0 to 100, and how much each depends on the one before, 0 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Chance {
    pub(crate) percent: f64,
    pub(crate) correlation: f64,
}

impl Chance {
    /// Each packet by itself.
    pub(crate) const fn percent(percent: f64) -> Self {
        Self {
            percent,
            correlation: 0.0,
        }
    }

    /// As a configuration says it.
    pub(crate) fn new(percent: Percent, correlation: Percent) -> Self {
        Self {
            percent: percent.get(),
            correlation: correlation.get(),
        }
    }

    /// Checks what a field says: both must be shares, and something must happen; `idle` is what 0 does.
    pub(crate) fn check(self, field: &str, idle: &str) -> Result<(), ConfigError> {
        let wrong = |problem: String| {
            ConfigError::field(field, problem).help("a number above 0 and up to 100")
        };
        let percent = Percent::try_from(self.percent).map_err(|e| wrong(e.to_string()))?;
        Percent::try_from(self.correlation)
            .map_err(|e| ConfigError::field("correlation", e.to_string()).help("0 to 100"))?;
        match percent.get() == 0.0 {
            true => Err(wrong(idle.to_owned())),
            false => Ok(()),
        }
    }

    /// Whether one of the proxies is for streams, in which each `one` is by itself.
    pub(crate) fn on_streams(self, one: &str, sites: &[Site]) -> Result<bool, ConfigError> {
        let streams = has_streams(sites);
        if streams && self.correlation > 0.0 {
            let problem = format!("on a proxy for streams each {one} is by itself");
            return Err(ConfigError::field("correlation", problem));
        }
        Ok(streams)
    }

    /// From 0 to 1.
    pub(crate) fn share(self) -> f64 {
        self.percent / 100.0
    }

    /// What is drawn for one direction of one session.
    pub(crate) fn draws(self, leg: &Leg<'_>) -> Draws {
        Draws::new(self.share(), self.correlation / 100.0, leg.rng())
    }
}

impl fmt::Display for Chance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", self.percent)?;
        if self.correlation > 0.0 {
            write!(f, " (correlation {} %)", self.correlation)?;
        }
        Ok(())
    }
}
