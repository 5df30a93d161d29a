//! The serde form of a scenario file.

use crate::{limits::BlastRadiusLimits, probe::ProbeSpec, schema, span::Span};
use chaos_core::{
    BlastRadius, FaultSpec, Intensity, OnLost, Parameters, Seed,
    schemars::{self, JsonSchema, Schema, SchemaGenerator, json_schema},
    units::Time,
};
use chaos_validator::{LoadConfig, Slos};
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::Value as Json;
use std::{borrow::Cow, collections::BTreeMap};

/// What to break, where, under what load, and what is promised.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a scenario file")]
#[schemars(crate = "schemars", title = "A chaos scenario file")]
pub(crate) struct File {
    /// For `${base_url}`; the command's `--target` replaces it.
    #[serde(default, rename = "base_url")]
    pub(crate) _base_url: Option<String>,
    // Laid over the file before it is read; here so that errors list it among the known fields.
    /// By name, each laid over the file when it is chosen: maps are merged, everything else is replaced.
    #[serde(default, rename = "environments")]
    #[schemars(schema_with = "schema::environments")]
    pub(crate) _environments: Option<Json>,
    /// By name, each with its kind: `{ proxy: { … } }`. `host` is always there.
    #[serde(default)]
    #[schemars(schema_with = "schema::targets")]
    pub(crate) targets: BTreeMap<String, Tagged>,
    /// The requests by which the users' side is measured.
    #[serde(default)]
    pub(crate) load: Option<LoadConfig>,
    /// By name, each with its kind, how often it is asked, and what it must see.
    #[serde(default)]
    #[schemars(schema_with = "schema::probes")]
    pub(crate) probes: BTreeMap<String, ProbeSpec>,
    /// What is promised.
    #[serde(default)]
    pub(crate) slo_targets: Slos,
    /// What keeps an experiment within bounds.
    #[serde(default)]
    pub(crate) safety: Safety,
    /// Repeats the random choices of an earlier run.
    #[serde(default)]
    pub(crate) seed: Option<Seed>,
    /// How long normal is watched before each fault: a time, or a number of seconds. Default 5s.
    #[serde(default)]
    pub(crate) baseline: Option<Span>,
    /// How long is waited after each fault until things are steady again: a time, or a number of seconds. Default 30s.
    #[serde(default)]
    pub(crate) recovery_limit: Option<Span>,
    /// What is broken, one after the other.
    #[schemars(length(min = 1))]
    pub(crate) scenarios: Vec<ScenarioSpec>,
    /// By name, a list of scenarios, or `all`.
    #[serde(default)]
    pub(crate) scenario_groups: BTreeMap<String, Group>,
}

/// One scenario: one fault inline, or several under `faults`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a scenario")]
#[schemars(crate = "schemars")]
pub(crate) struct ScenarioSpec {
    /// Its name; no other scenario has it.
    pub(crate) name: String,
    /// What it is for, in words.
    #[serde(default, rename = "description")]
    pub(crate) _description: Option<String>,
    /// The fault's kind: `net.latency`.
    #[serde(default, rename = "type")]
    pub(crate) kind: Option<String>,
    /// How strong, when the parameters do not say.
    #[serde(default)]
    pub(crate) intensity: Option<Intensity>,
    /// The name of the target under `targets`, or `host`.
    #[serde(default)]
    pub(crate) target: Option<String>,
    /// The fault's parameters.
    #[serde(default)]
    pub(crate) parameters: Parameters,
    /// Injects again every so often: 100ms or more.
    #[serde(default)]
    pub(crate) every: Option<Time>,
    /// What to do when the fault is gone before its time. Default: report it.
    #[serde(default)]
    pub(crate) on_lost: Option<OnLost>,
    /// How many of the target's sites are hit: all, one, { count: 2 } or { percent: 30 }. Default: all, and a target
    /// that may match several by chance, such as a process by its name, has to match one.
    #[serde(default)]
    pub(crate) radius: Option<BlastRadius>,
    /// Allows changes that everything on this machine feels.
    #[serde(default)]
    pub(crate) allow_host: bool,
    /// Allows changes that cannot be reversed.
    #[serde(default)]
    pub(crate) allow_irreversible: bool,
    /// Several faults, in place of `type` and `target`.
    #[serde(default)]
    pub(crate) faults: Vec<FaultSpec>,
    /// How long the fault phase lasts: a time, or a number of seconds. Default: until the last of the faults is over, when
    /// each has a `hold` and no `every`, and 30s otherwise.
    #[serde(default)]
    pub(crate) duration: Option<Span>,
    /// How long normal is watched before the fault: a time, or a number of seconds. Default: the file's.
    #[serde(default)]
    pub(crate) baseline: Option<Span>,
    /// How long is waited after the fault until things are steady again: a time, or a number of seconds. Default: the
    /// file's.
    #[serde(default)]
    pub(crate) recovery_limit: Option<Span>,
    /// What is promised in this scenario. Default: the file's.
    #[serde(default)]
    pub(crate) slo_targets: Option<Slos>,
    /// Repeats the random choices of an earlier run.
    #[serde(default)]
    pub(crate) seed: Option<Seed>,
}

/// What keeps an experiment within bounds.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "the fields of `safety`")]
#[schemars(crate = "schemars")]
pub(crate) struct Safety {
    /// What no fault may touch: targets whose name or description has one of these as a whole word; `*` stands for any
    /// part of a word.
    #[serde(default)]
    pub(crate) protected: Vec<String>,
    /// Ends a run: `error_rate > 50% for 5s`, `p95 > 2s for 10s`.
    #[serde(default)]
    pub(crate) stop_when: Vec<String>,
    /// What no run may do to its users; each ends it. `{}` for the usual limits.
    #[serde(default)]
    pub(crate) blast_radius_limits: Option<BlastRadiusLimits>,
    /// The longest time that a fault may be in place: a time, or a number of seconds. Default 5m.
    #[serde(default)]
    pub(crate) max_duration: Option<Span>,
    /// Whether `chaos run` asks for `--approve`.
    #[serde(default)]
    pub(crate) require_approval: bool,
    /// Allows changes that everything on this machine feels, in every scenario.
    #[serde(default)]
    pub(crate) allow_host: bool,
    /// Allows changes that cannot be reversed, in every scenario.
    #[serde(default)]
    pub(crate) allow_irreversible: bool,
}

/// A list of scenarios, or all of them.
#[derive(Debug, Clone)]
pub(crate) enum Group {
    All,
    These(Vec<String>),
}

impl JsonSchema for Group {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "group".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "const": "all" }, { "type": "array", "items": { "type": "string" } }] })
    }
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
