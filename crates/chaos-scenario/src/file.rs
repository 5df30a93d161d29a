//! The serde form of a scenario file.

use chaos_core::{BlastRadius, FaultSpec, Intensity, OnLost, Parameters, Seed, units::Time};
use chaos_validator::{LoadConfig, Slos};
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::Value as Json;
use std::{collections::BTreeMap, time::Duration};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    /// For `${base_url}`; `--target` replaces it.
    #[serde(default, rename = "base_url")]
    pub(crate) _base_url: Option<String>,
    /// Laid over the file before it is read; here so that errors list it among the known fields.
    #[serde(default, rename = "environments")]
    pub(crate) _environments: Option<Json>,
    #[serde(default)]
    pub(crate) targets: BTreeMap<String, Tagged>,
    #[serde(default)]
    pub(crate) load: Option<LoadConfig>,
    #[serde(default)]
    pub(crate) probes: BTreeMap<String, ProbeSpec>,
    #[serde(default)]
    pub(crate) slo_targets: Slos,
    #[serde(default)]
    pub(crate) safety: Safety,
    #[serde(default)]
    pub(crate) seed: Option<Seed>,
    /// How long normal is watched before each fault.
    #[serde(default)]
    pub(crate) baseline: Option<Span>,
    /// How long is waited after each fault until things are steady again.
    #[serde(default)]
    pub(crate) recovery_limit: Option<Span>,
    pub(crate) scenarios: Vec<ScenarioSpec>,
    #[serde(default)]
    pub(crate) scenario_groups: BTreeMap<String, Group>,
}

/// One scenario: one fault inline, or several under `faults`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScenarioSpec {
    pub(crate) name: String,
    #[serde(default, rename = "description")]
    pub(crate) _description: Option<String>,
    #[serde(default, rename = "type")]
    pub(crate) kind: Option<String>,
    #[serde(default)]
    pub(crate) intensity: Option<Intensity>,
    #[serde(default)]
    pub(crate) target: Option<String>,
    #[serde(default)]
    pub(crate) parameters: Parameters,
    #[serde(default)]
    pub(crate) every: Option<Time>,
    #[serde(default)]
    pub(crate) on_lost: OnLost,
    #[serde(default)]
    pub(crate) radius: Option<BlastRadius>,
    #[serde(default)]
    pub(crate) allow_host: bool,
    #[serde(default)]
    pub(crate) allow_irreversible: bool,
    #[serde(default)]
    pub(crate) faults: Vec<FaultSpec>,
    #[serde(default)]
    pub(crate) duration: Option<Span>,
    #[serde(default)]
    pub(crate) baseline: Option<Span>,
    #[serde(default)]
    pub(crate) recovery_limit: Option<Span>,
    #[serde(default)]
    pub(crate) slo_targets: Option<Slos>,
    #[serde(default)]
    pub(crate) seed: Option<Seed>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Safety {
    #[serde(default)]
    pub(crate) protected: Vec<String>,
    #[serde(default)]
    pub(crate) stop_when: Vec<String>,
    #[serde(default)]
    pub(crate) max_duration: Option<Span>,
    #[serde(default)]
    pub(crate) require_approval: bool,
    #[serde(default)]
    pub(crate) allow_host: bool,
    #[serde(default)]
    pub(crate) allow_irreversible: bool,
}

/// A list of scenarios, or all of them.
#[derive(Debug, Clone)]
pub(crate) enum Group {
    All,
    These(Vec<String>),
}

impl<'de> Deserialize<'de> for Group {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Json::deserialize(deserializer)? {
            Json::String(text) if text == "all" => Ok(Self::All),
            list @ Json::Array(_) => serde_json::from_value(list)
                .map(Self::These)
                .map_err(D::Error::custom),
            _ => Err(D::Error::custom("expected a list of scenarios, or `all`")),
        }
    }
}

/// A time with a unit, or a bare number of seconds where the field has always meant seconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span(pub(crate) Duration);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Json::deserialize(deserializer)? {
            Json::Number(seconds) => seconds
                .as_f64()
                .filter(|seconds| *seconds <= 366.0 * 86400.0)
                .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
                .map(Self)
                .ok_or_else(|| {
                    D::Error::custom(format!(
                        "{seconds} is not a number of seconds from 0 to 366 days"
                    ))
                }),
            other => serde_json::from_value(other)
                .map(|time: Time| Self(time.get()))
                .map_err(D::Error::custom),
        }
    }
}

/// Exactly one key, which says what the value is: `{ proxy: { … } }`.
#[derive(Debug, Clone)]
pub(crate) struct Tagged {
    pub(crate) tag: String,
    pub(crate) parameters: Parameters,
}

impl<'de> Deserialize<'de> for Tagged {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let map: BTreeMap<String, Option<Parameters>> = Deserialize::deserialize(deserializer)?;
        let mut entries = map.into_iter();
        match (entries.next(), entries.next()) {
            (Some((tag, parameters)), None) => Ok(Self {
                tag,
                parameters: parameters.unwrap_or_default(),
            }),
            _ => Err(D::Error::custom(
                "expected exactly one kind, such as `{ proxy: { … } }`",
            )),
        }
    }
}

/// A probe's kind with its parameters, and how it is asked and judged.
#[derive(Debug, Clone)]
pub(crate) struct ProbeSpec {
    pub(crate) probe: Tagged,
    pub(crate) every: Duration,
    /// When nothing is said: true, or a status of success.
    pub(crate) expect: Option<Json>,
    pub(crate) during_fault: bool,
}

impl<'de> Deserialize<'de> for ProbeSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        fn part<T: for<'a> Deserialize<'a>, E: Error>(
            map: &mut serde_json::Map<String, Json>,
            name: &str,
        ) -> Result<Option<T>, E> {
            let part = map.remove(name).map(serde_json::from_value).transpose();
            part.map_err(|e| E::custom(format!("{name}: {e}")))
        }
        let mut map: serde_json::Map<String, Json> = Deserialize::deserialize(deserializer)?;
        let every: Option<Time> = part(&mut map, "every")?;
        let expect: Option<Json> = part(&mut map, "expect")?;
        let during_fault: Option<bool> = part(&mut map, "during_fault")?;
        let probe: Tagged = serde_json::from_value(Json::Object(map)).map_err(D::Error::custom)?;
        Ok(Self {
            probe,
            every: every.map_or(Duration::from_millis(500), Time::get),
            expect,
            during_fault: during_fault.unwrap_or_default(),
        })
    }
}
