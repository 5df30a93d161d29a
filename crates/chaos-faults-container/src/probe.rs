//! How a container is.

use crate::docker::{Engine, Seen};
use async_trait::async_trait;
use chaos_core::{BoxError, ConfigError, Probe, ProbeConfig, Value, units::Time};
use schemars::JsonSchema;
use serde::Deserialize;
use std::time::Duration;

/// When nothing else is said.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Asks the Docker Engine how a container is. Changes nothing.
///
/// The engine is that of `DOCKER_HOST`, else the local one. A container that is not there, and an engine that does not answer,
/// are no value: the sample is missing, with the reason.
///
/// ```no_run
/// use chaos_faults_container::{ContainerLook, ContainerProbe};
/// let healthy = ContainerProbe::named("db");
/// let restarts = ContainerProbe::named("db").look(ContainerLook::Restarts);
/// ```
#[derive(Debug, Clone)]
pub struct ContainerProbe {
    name: String,
    look: ContainerLook,
    timeout: Duration,
}

/// What the value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ContainerLook {
    /// Whether it runs, is not paused, and its health check, if it has one, says `healthy`: yes or no. While the check is
    /// `starting`: no.
    #[default]
    Healthy,
    /// The engine's word for what it does: `created`, `running`, `paused`, `restarting`, `removing`, `exited`, `dead`.
    Status,
    /// How often the engine has restarted it by its restart policy.
    Restarts,
}

impl ContainerProbe {
    /// Whether the container of this name or id is healthy; timeout 2 s.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            look: ContainerLook::default(),
            timeout: TIMEOUT,
        }
    }

    /// Looks at something else.
    #[must_use]
    pub fn look(mut self, look: ContainerLook) -> Self {
        self.look = look;
        self
    }

    /// Gives up after so long.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

#[async_trait]
impl Probe for ContainerProbe {
    async fn sample(&self) -> Result<Value, BoxError> {
        let engine = Engine::local()?;
        let seen = tokio::time::timeout(self.timeout, engine.look(&self.name)).await;
        let late = || format!("the Docker Engine did not answer within {:?}", self.timeout);
        let seen = seen.map_err(|_| late())??;
        let seen = seen.ok_or_else(|| format!("the engine knows no container {}", self.name))?;
        Ok(value(self.look, &seen))
    }
}

fn value(look: ContainerLook, seen: &Seen) -> Value {
    match look {
        ContainerLook::Healthy => {
            Value::Flag(seen.status == "running" && seen.healthy.unwrap_or(true))
        }
        ContainerLook::Status => Value::Text(seen.status.clone()),
        ContainerLook::Restarts => Value::Number(f64::from(seen.restarts)),
    }
}

/// How a container is, as the Docker Engine says it; exactly one of `name` and `id`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ContainerProbeConfig {
    /// Its name.
    #[serde(default)]
    pub name: Option<String>,
    /// Its id, or the beginning of it.
    #[serde(default)]
    pub id: Option<String>,
    /// What the value is. Default `healthy`: whether it runs and its health check, if it has one, is content.
    #[serde(default)]
    pub look: ContainerLook,
    /// After what time it is given up. Default 2s.
    #[serde(default)]
    pub timeout: Option<Time>,
}

impl ProbeConfig for ContainerProbeConfig {
    const KIND: &'static str = "container";
    type Probe = ContainerProbe;

    fn build(self) -> Result<ContainerProbe, ConfigError> {
        let (field, name) = match (self.name, self.id) {
            (Some(name), None) => ("name", name),
            (None, Some(id)) => ("id", id),
            _ => {
                let problem = "exactly one of `name` and `id` says which container";
                return Err(ConfigError::new(problem).help("such as `container: { name: web }`"));
            }
        };
        if name.trim().is_empty() {
            return Err(ConfigError::field(field, "is empty"));
        }
        let mut probe = ContainerProbe::named(name).look(self.look);
        if let Some(timeout) = self.timeout {
            let timeout = timeout.get();
            if timeout.is_zero() {
                return Err(ConfigError::field(
                    "timeout",
                    "is 0; nothing answers in no time",
                ));
            }
            probe = probe.timeout(timeout);
        }
        Ok(probe)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn build(config: serde_json::Value) -> Result<ContainerProbe, ConfigError> {
        serde_json::from_value::<ContainerProbeConfig>(config)
            .unwrap()
            .build()
    }

    #[test]
    fn a_probe_says_which_container_it_looks_at() {
        let probe = build(json!({ "id": "abc", "look": "status", "timeout": "5s" })).unwrap();
        assert_eq!(
            (probe.name.as_str(), probe.look),
            ("abc", ContainerLook::Status)
        );
        assert_eq!(probe.timeout, Duration::from_secs(5));
        for (config, says) in [
            (json!({}), "exactly one of"),
            (json!({ "name": "a", "id": "b" }), "exactly one of"),
            (json!({ "name": " " }), "name"),
            (json!({ "name": "a", "timeout": "0s" }), "timeout"),
        ] {
            let error = build(config).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
