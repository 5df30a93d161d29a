//! What is compared of two builds.

use serde::Serialize;
use std::fmt;

/// A measure that is compared: for each of them less is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Measure {
    /// The share of requests that fail with the fault and after it.
    ErrorRate,
    /// The share of that time in which the target is out.
    Downtime,
    /// By how much the p95 of the latency rises with the fault.
    LatencyP95,
    /// By how much the p99 does.
    LatencyP99,
    /// The time to recovery of its outages.
    Mttr,
    /// The time after the fault until things are normal.
    Recovery,
}

impl Measure {
    /// Of which quantile of the latency it is.
    pub(super) const fn quantile(self) -> Option<f64> {
        match self {
            Self::LatencyP95 => Some(0.95),
            Self::LatencyP99 => Some(0.99),
            _ => None,
        }
    }

    /// Why nothing can be told from such an interval.
    pub(super) fn why_unclear(self, interval: Option<(f64, f64)>, tolerated: f64) -> String {
        match interval {
            None => "only one of them knows it".to_owned(),
            Some((low, high)) if low.is_finite() && high.is_finite() => {
                format!(
                    "{} is tolerated, and more may be chance; more requests would tell",
                    self.say_signed(tolerated)
                )
            }
            Some(_) if self.quantile().is_some() => {
                "too few requests beyond it, or ones that were given up: more, or a longer timeout, would tell".to_owned()
            }
            Some(_) => "its end was not seen".to_owned(),
        }
    }

    /// A value.
    pub(super) fn say(self, value: f64) -> String {
        match self {
            Self::ErrorRate | Self::Downtime => format!("{:.2} %", value * 100.0),
            Self::LatencyP95 | Self::LatencyP99 => format!("{:+.1} ms", value * 1e3),
            Self::Mttr | Self::Recovery => format!("{value:.2} s"),
        }
    }

    /// A difference.
    pub(super) fn say_signed(self, value: f64) -> String {
        match self {
            _ if value.is_infinite() => "?".to_owned(),
            Self::ErrorRate | Self::Downtime => format!("{:+.2} %", value * 100.0),
            Self::LatencyP95 | Self::LatencyP99 => format!("{:+.1} ms", value * 1e3),
            Self::Mttr | Self::Recovery => format!("{value:+.2} s"),
        }
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ErrorRate => "error rate",
            Self::Downtime => "downtime",
            Self::LatencyP95 => "latency p95",
            Self::LatencyP99 => "latency p99",
            Self::Mttr => "MTTR",
            Self::Recovery => "recovery",
        })
    }
}
