//! What no run may do to its users.

use chaos_core::{
    ConfigError,
    schemars::{self, JsonSchema},
};
use chaos_validator::StopCondition;
use serde::{Deserialize, Deserializer, de::Error};

/// For how long an error rate or a latency has to be too high.
const LASTS: &str = "1m";
/// For how long a failure has to have spread.
const SPREAD: &str = "10s";

/// What no run may do to its users. One that is left out has its usual value; one that is `null` is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(
    deny_unknown_fields,
    default,
    expecting = "the fields of `blast_radius_limits`"
)]
#[schemars(crate = "schemars")]
pub(crate) struct BlastRadiusLimits {
    /// How many targets a scenario may hit; and of how many endpoints of the load more than half of the requests may fail for
    /// 10 s. Default 1.
    #[schemars(range(min = 1))]
    pub(crate) max_affected_services: Option<u32>,
    /// How many requests may fail with the fault: each is another user's. Default 100.
    pub(crate) max_affected_users: Option<u32>,
    /// The largest share of requests that may fail for a minute. Default 5.
    #[serde(deserialize_with = "percent")]
    #[schemars(range(min = 0, max = 100))]
    pub(crate) max_error_rate_percent: Option<f64>,
    /// The longest p99 of the latency for a minute. Default 5000.
    pub(crate) max_p99_latency_ms: Option<u32>,
}

impl Default for BlastRadiusLimits {
    fn default() -> Self {
        Self {
            max_affected_services: Some(1),
            max_affected_users: Some(100),
            max_error_rate_percent: Some(5.0),
            max_p99_latency_ms: Some(5000),
        }
    }
}

impl BlastRadiusLimits {
    /// What ends a run that oversteps them.
    pub(crate) fn conditions(&self) -> Result<Vec<StopCondition>, ConfigError> {
        let errors = self
            .max_error_rate_percent
            .filter(|percent| *percent < 100.0);
        let texts = [
            errors.map(|percent| format!("error_rate > {percent}% for {LASTS}")),
            self.max_p99_latency_ms
                .map(|ms| format!("p99 > {ms}ms for {LASTS}")),
            self.max_affected_users
                .map(|n| format!("affected_users > {n}")),
            self.max_affected_services
                .map(|n| format!("affected_endpoints > {n} for {SPREAD}")),
        ];
        texts
            .into_iter()
            .flatten()
            .map(|text| text.parse())
            .collect()
    }

    /// Why a scenario that hits so many targets is not allowed.
    pub(crate) fn problem(&self, targets: usize) -> Option<ConfigError> {
        let most = self.max_affected_services?;
        (targets > most as usize).then(|| {
            let problem = format!(
                "hits {targets} targets; safety.blast_radius_limits.max_affected_services allows {most}"
            );
            ConfigError::new(problem)
        })
    }
}

fn percent<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    match Option::<f64>::deserialize(deserializer)? {
        Some(v) if !(0.0..=100.0).contains(&v) => {
            Err(D::Error::custom(format!("{v} % is not between 0 and 100")))
        }
        value => Ok(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conditions(json: &str) -> Vec<String> {
        let limits: BlastRadiusLimits = serde_json::from_str(json).unwrap();
        let conditions = limits.conditions().unwrap();
        conditions.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_usual_limits_are_the_documented_ones() {
        assert_eq!(
            conditions("{}"),
            [
                "error_rate > 5% for 1m",
                "p99 > 5000ms for 1m",
                "affected_users > 100",
                "affected_endpoints > 1 for 10s",
            ]
        );
    }

    #[test]
    fn what_is_null_is_no_limit() {
        let some = r#"{ "max_affected_users": null, "max_p99_latency_ms": null, "max_error_rate_percent": 100 }"#;
        assert_eq!(conditions(some), ["affected_endpoints > 1 for 10s"]);
        assert!(
            serde_json::from_str::<BlastRadiusLimits>(r#"{ "max_error_rate_percent": 101 }"#)
                .is_err()
        );
    }

    #[test]
    fn a_scenario_on_too_many_targets_is_named() {
        let limits = BlastRadiusLimits::default();
        assert!(limits.problem(1).is_none());
        let problem = limits.problem(2).unwrap().to_string();
        assert!(problem.contains("hits 2 targets"), "{problem}");
    }
}
