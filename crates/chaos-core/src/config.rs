//! Faults, targets and probes by name, from configuration.

use crate::{ConfigError, Fault, FaultError, Probe, Target, read_config};
use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value as Json};
use std::fmt;

/// How strong a fault is, when nothing is said more exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Intensity {
    /// Hardly felt by a healthy system.
    Light,
    /// Felt.
    Medium,
    /// As bad as it gets.
    Heavy,
}

impl fmt::Display for Intensity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Light => "light",
            Self::Medium => "medium",
            Self::Heavy => "heavy",
        })
    }
}

/// The serde configuration of a fault.
///
/// Use `#[serde(deny_unknown_fields)]` and the types of [`units`](crate::units); doc comments of the fields are
/// what `chaos faults KIND` prints.
pub trait FaultConfig: DeserializeOwned + JsonSchema + 'static {
    /// The fault's kind, as it stands in files: `net.latency`.
    const KIND: &'static str;
    /// What it makes.
    type Fault: Fault;
    /// Groups of fields of which only one may be given: an explicit one takes the place of another one that an
    /// intensity stands for.
    const EXCLUSIVE: &'static [&'static [&'static str]] = &[];
    /// The schemes of the targets that it works on, such as `proxy`. Empty: any.
    const TARGETS: &'static [&'static str] = &[];
    /// The parameters that are lists of the names of other targets, such as the other side of a partition. Default: none.
    const OTHERS: &'static [&'static str] = &[];

    /// Parameters with which, together with those of an intensity, one can be made, for kinds that have to be told
    /// something: what `chaos doctor` asks about. Default: none are needed.
    const EXAMPLE: &'static [(&'static str, &'static str)] = &[];

    /// The parameters of an intensity. Explicit parameters win over them. A text that is a number or a
    /// boolean becomes one.
    fn preset(intensity: Intensity) -> &'static [(&'static str, &'static str)];

    /// Checks ranges and makes the fault.
    ///
    /// # Errors
    /// A value out of range, with the field and what is allowed.
    fn build(self) -> Result<Self::Fault, ConfigError>;
}

/// The serde configuration of a target.
#[async_trait]
pub trait TargetConfig: DeserializeOwned + JsonSchema + Send + 'static {
    /// The key in a file: `proxy`, `process`, `container`.
    const SCHEME: &'static str;
    /// What it opens.
    type Target: Target;

    /// Checks what can be checked without opening anything: ranges, and fields that exclude each other.
    ///
    /// # Errors
    /// What is wrong, with the field and what is allowed.
    fn check(&self) -> Result<(), ConfigError> {
        Ok(())
    }

    /// Opens the target; a proxy starts to listen. Dropping the target closes it.
    ///
    /// # Errors
    /// The port is in use, a value is out of range.
    async fn open(self, name: &str) -> Result<Self::Target, FaultError>;
}

/// The serde configuration of a probe.
pub trait ProbeConfig: DeserializeOwned + JsonSchema + 'static {
    /// The key in a file: `http`, `tcp`.
    const KIND: &'static str;
    /// What it makes.
    type Probe: Probe;

    /// Checks ranges and makes the probe.
    ///
    /// # Errors
    /// A value out of range, with the field and what is allowed.
    fn build(self) -> Result<Self::Probe, ConfigError>;
}

/// Parameters by name, as they come from a file.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Parameters(Map<String, Json>);

impl Parameters {
    /// No parameters.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds or replaces one.
    ///
    /// # Panics
    /// When `value` cannot be a JSON value, such as a map with keys that are no text.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Serialize) -> Self {
        #[expect(clippy::expect_used, reason = "documented under Panics")]
        let value = serde_json::to_value(value).expect("a parameter is a JSON value");
        self.0.insert(name.into(), value);
        self
    }

    /// The names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// These parameters, with `preset` under them; a preset's field gives way to another one of its group.
    pub(crate) fn over(&self, preset: &[(&str, &str)], exclusive: &[&[&str]]) -> Self {
        let scalar = |text: &str| serde_json::from_str(text).unwrap_or_else(|_| Json::from(text));
        let gives_way = |name: &str| {
            let groups = exclusive.iter().filter(|group| group.contains(&name));
            groups
                .flat_map(|group| group.iter())
                .any(|other| self.0.contains_key(*other))
        };
        let mut all: Map<String, Json> = preset
            .iter()
            .filter(|(name, _)| !gives_way(name))
            .map(|(name, text)| ((*name).to_owned(), scalar(text)))
            .collect();
        lay_over(&mut all, &self.0);
        Self(all)
    }

    /// Reads them as a `T`; an error names the field.
    pub(crate) fn read<T: DeserializeOwned>(self) -> Result<T, ConfigError> {
        read_config(self.0)
    }
}

/// Lays members over others; of what has members on both sides, each by itself.
fn lay_over(below: &mut Map<String, Json>, above: &Map<String, Json>) {
    for (name, value) in above {
        match (below.get_mut(name), value) {
            (Some(Json::Object(below)), Json::Object(above)) => lay_over(below, above),
            _ => drop(below.insert(name.clone(), value.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn explicit_parameters_win_over_those_of_an_intensity_member_by_member() {
        let preset = [("delay", "50ms"), ("some", r#"{"share":5,"a":1}"#)];
        let said = Parameters::new().with("some", serde_json::json!({ "a": 2, "b": 3 }));
        let all = said.over(&preset, &[]);
        assert_eq!(
            Json::Object(all.0),
            serde_json::json!({ "delay": "50ms", "some": { "share": 5, "a": 2, "b": 3 } })
        );
        let said = Parameters::new().with("delay", "1s").with("some", 7);
        let all = said.over(&preset, &[]);
        assert_eq!(
            Json::Object(all.0),
            serde_json::json!({ "delay": "1s", "some": 7 })
        );
    }
}
