//! The five promises, and how to say them.

use crate::report::Short;
use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};

/// A promise that can be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Slo {
    /// How long recovering from an outage takes, in seconds.
    Mttr,
    /// The share of requests that fail, in percent.
    ErrorRate,
    /// The share of time in which the target is up, in percent.
    Availability,
    /// By how much the p95 of the latency rises, in milliseconds.
    LatencyDegradation,
    /// How long it takes after the fault until things are normal, in seconds.
    RecoveryTime,
}

impl Slo {
    /// All of them, in the order of a report: what users feel first.
    pub const ALL: [Self; 5] = [
        Self::ErrorRate,
        Self::Availability,
        Self::LatencyDegradation,
        Self::Mttr,
        Self::RecoveryTime,
    ];

    /// The name in a file.
    pub const fn field(self) -> &'static str {
        match self {
            Self::Mttr => "mttr_seconds",
            Self::ErrorRate => "max_error_rate_percent",
            Self::Availability => "min_availability_percent",
            Self::LatencyDegradation => "max_latency_degradation_ms",
            Self::RecoveryTime => "max_recovery_time_seconds",
        }
    }

    /// Whether `value` keeps the promise.
    pub(crate) fn keeps(self, value: f64, threshold: f64) -> bool {
        match self {
            Self::Availability => value >= threshold,
            _ => value <= threshold,
        }
    }

    /// A value with its unit.
    pub(crate) fn say(self, value: f64) -> String {
        match self {
            Self::ErrorRate | Self::Availability => format!("{} %", percent(value)),
            Self::LatencyDegradation if value == 0.0 => "0 ms".to_owned(),
            Self::LatencyDegradation => format!("{}{}", sign(value), time(value / 1e3)),
            Self::Mttr | Self::RecoveryTime => time(value),
        }
    }

    /// The threshold with its unit: `≤ 5 %`.
    pub(crate) fn say_threshold(self, threshold: f64) -> String {
        match self {
            Self::Availability => format!("≥ {}", self.say(threshold)),
            _ => format!("≤ {}", self.say(threshold)),
        }
    }
}

impl fmt::Display for Slo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mttr => "MTTR",
            Self::ErrorRate => "error rate",
            Self::Availability => "availability",
            Self::LatencyDegradation => "latency p95",
            Self::RecoveryTime => "recovery",
        })
    }
}

fn sign(value: f64) -> &'static str {
    if value < 0.0 { "-" } else { "+" }
}

fn time(seconds: f64) -> String {
    Duration::try_from_secs_f64(seconds.abs())
        .map_or_else(|_| "?".to_owned(), |time| Short(time).to_string())
}

/// With as many decimals as are of interest; 99.96 never becomes 100.
fn percent(value: f64) -> String {
    let decimals = match value {
        v if v.fract() == 0.0 => 0,
        v if !(1.0..=99.0).contains(&v) => 2,
        _ => 1,
    };
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_said_with_their_unit() {
        for (slo, value, said) in [
            (Slo::ErrorRate, 12.345, "12.3 %"),
            (Slo::ErrorRate, 5.0, "5 %"),
            (Slo::Availability, 99.961, "99.96 %"),
            (Slo::LatencyDegradation, 503.4, "+503 ms"),
            (Slo::LatencyDegradation, -0.4, "-0.40 ms"),
            (Slo::Mttr, 14.23, "14.2 s"),
        ] {
            assert_eq!(slo.say(value), said);
        }
        assert_eq!(Slo::Availability.say_threshold(95.0), "≥ 95 %");
    }
}
