//! What is promised.

use super::Slo;
use chaos_core::schemars::{self, JsonSchema};
use serde::{Deserialize, Deserializer, Serialize, de::Error};

/// What is promised. An SLO that is left out has its default; one that is `null` is not judged.
///
/// ```
/// use chaos_validator::Slos;
/// let slos: Slos = serde_json::from_str(r#"{ "mttr_seconds": 20, "max_recovery_time_seconds": null }"#)?;
/// assert_eq!(slos.mttr_seconds, Some(20.0));
/// assert_eq!(slos.max_error_rate_percent, Some(5.0));
/// assert_eq!(slos.max_recovery_time_seconds, None);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(crate = "schemars")]
#[non_exhaustive]
pub struct Slos {
    /// The most time that recovering from an outage takes. Default 30.
    #[serde(deserialize_with = "not_negative")]
    #[schemars(range(min = 0))]
    pub mttr_seconds: Option<f64>,
    /// The largest share of requests that fail. Default 5.
    #[serde(deserialize_with = "percent")]
    #[schemars(range(min = 0, max = 100))]
    pub max_error_rate_percent: Option<f64>,
    /// The smallest share of time in which the target is up. Default 95.
    #[serde(deserialize_with = "percent")]
    #[schemars(range(min = 0, max = 100))]
    pub min_availability_percent: Option<f64>,
    /// By how much the p95 of the latency may rise with the fault. Default 500.
    #[serde(deserialize_with = "not_negative")]
    #[schemars(range(min = 0))]
    pub max_latency_degradation_ms: Option<f64>,
    /// The most time from the removal of the fault until things are normal again. Default 10.
    #[serde(deserialize_with = "not_negative")]
    #[schemars(range(min = 0))]
    pub max_recovery_time_seconds: Option<f64>,
}

impl Default for Slos {
    fn default() -> Self {
        Self {
            mttr_seconds: Some(30.0),
            max_error_rate_percent: Some(5.0),
            min_availability_percent: Some(95.0),
            max_latency_degradation_ms: Some(500.0),
            max_recovery_time_seconds: Some(10.0),
        }
    }
}

impl Slos {
    /// Nothing is promised; only hypotheses are judged.
    pub fn none() -> Self {
        Self {
            mttr_seconds: None,
            max_error_rate_percent: None,
            min_availability_percent: None,
            max_latency_degradation_ms: None,
            max_recovery_time_seconds: None,
        }
    }

    /// What a development system promises: MTTR 60 s, 10 % errors, 90 % availability.
    pub fn development() -> Self {
        Self::default()
            .with(Slo::Mttr, 60.0)
            .with(Slo::ErrorRate, 10.0)
            .with(Slo::Availability, 90.0)
    }

    /// What a staging system promises: MTTR 45 s, 5 % errors, 95 % availability.
    pub fn staging() -> Self {
        Self::default()
            .with(Slo::Mttr, 45.0)
            .with(Slo::ErrorRate, 5.0)
            .with(Slo::Availability, 95.0)
    }

    /// What a production system promises: MTTR 30 s, 1 % errors, 99 % availability.
    pub fn production() -> Self {
        Self::default()
            .with(Slo::Mttr, 30.0)
            .with(Slo::ErrorRate, 1.0)
            .with(Slo::Availability, 99.0)
    }

    /// Promises this; in the unit of the SLO's name.
    #[must_use]
    pub fn with(mut self, slo: Slo, threshold: f64) -> Self {
        *self.field(slo) = Some(threshold);
        self
    }

    /// Does not judge this.
    #[must_use]
    pub fn without(mut self, slo: Slo) -> Self {
        *self.field(slo) = None;
        self
    }

    /// The threshold of an SLO, in the unit of its name.
    pub fn threshold(&self, slo: Slo) -> Option<f64> {
        let mut slos = *self;
        *slos.field(slo)
    }

    fn field(&mut self, slo: Slo) -> &mut Option<f64> {
        match slo {
            Slo::Mttr => &mut self.mttr_seconds,
            Slo::ErrorRate => &mut self.max_error_rate_percent,
            Slo::Availability => &mut self.min_availability_percent,
            Slo::LatencyDegradation => &mut self.max_latency_degradation_ms,
            Slo::RecoveryTime => &mut self.max_recovery_time_seconds,
        }
    }
}

fn not_negative<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    let value = Option::<f64>::deserialize(deserializer)?;
    match value {
        Some(v) if !(v >= 0.0 && v.is_finite()) => Err(D::Error::custom(format!(
            "{v} is not a number of 0 or more"
        ))),
        value => Ok(value),
    }
}

fn percent<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    let value = Option::<f64>::deserialize(deserializer)?;
    match value {
        Some(v) if !(0.0..=100.0).contains(&v) => Err(D::Error::custom(format!(
            "{v} % is not between 0 and 100, expected a number from 0 to 100"
        ))),
        value => Ok(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absurd_promises_are_refused() {
        for (text, says) in [
            (r#"{ "max_error_rate_percent": 130 }"#, "between 0 and 100"),
            (r#"{ "mttr_seconds": -1 }"#, "0 or more"),
            (r#"{ "mttr": 1 }"#, "unknown field"),
        ] {
            let error = serde_json::from_str::<Slos>(text).unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
        assert!(
            not_negative(
                serde::de::value::F64Deserializer::<serde::de::value::Error>::new(f64::NAN)
            )
            .is_err()
        );
    }

    #[test]
    fn the_environments_are_the_documented_ones() {
        let three = |slos: Slos| {
            [
                slos.mttr_seconds,
                slos.max_error_rate_percent,
                slos.min_availability_percent,
            ]
            .map(Option::unwrap)
        };
        assert_eq!(three(Slos::default()), [30.0, 5.0, 95.0]);
        assert_eq!(three(Slos::development()), [60.0, 10.0, 90.0]);
        assert_eq!(three(Slos::staging()), [45.0, 5.0, 95.0]);
        assert_eq!(three(Slos::production()), [30.0, 1.0, 99.0]);
    }

    #[test]
    fn the_schema_knows_every_field() {
        let schema = serde_json::to_string(&schemars::schema_for!(Slos)).unwrap();
        for slo in Slo::ALL {
            assert!(schema.contains(slo.field()), "{schema}");
        }
    }
}
