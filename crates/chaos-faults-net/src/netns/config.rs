//! A network namespace as an entry under `targets:`.

use super::Netns;
use chaos_core::{ConfigError, FaultError, TargetConfig, async_trait};
use schemars::JsonSchema;
use serde::Deserialize;
use std::path::PathBuf;

/// A network namespace, as an entry of a scenario file: by exactly one of `name`, `path` and `pid`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct NetnsConfig {
    /// The name that `ip netns` knows it by.
    #[serde(default)]
    pub name: Option<String>,
    /// The file that names it, such as /run/docker/netns/default.
    #[serde(default)]
    pub path: Option<PathBuf>,
    /// A process that is in it: a pid from 1.
    #[serde(default)]
    pub pid: Option<u32>,
}

impl NetnsConfig {
    fn target(self) -> Result<Netns, ConfigError> {
        match (self.name, self.path, self.pid) {
            (Some(name), None, None) => {
                if name.is_empty() || name.starts_with('.') || name.contains('/') {
                    let problem = format!("`{name}` is not the name of a namespace");
                    return Err(ConfigError::field("name", problem)
                        .help("a file name in /run/netns; for any other file use `path`"));
                }
                Ok(Netns::named(name))
            }
            (None, Some(path), None) if path.is_absolute() => Ok(Netns::path(path)),
            (None, Some(path), None) => {
                let problem = format!("`{}` is not an absolute path", path.display());
                Err(ConfigError::field("path", problem).help("start it with `/`"))
            }
            (None, None, Some(0)) => {
                Err(ConfigError::field("pid", "0 is not a process").help("1 or more"))
            }
            (None, None, Some(pid)) => Ok(Netns::of_pid(pid)),
            _ => Err(ConfigError::new(
                "exactly one of `name`, `path` and `pid` says which namespace",
            )
            .help("such as `netns: { name: blue }`")),
        }
    }
}

#[async_trait]
impl TargetConfig for NetnsConfig {
    const SCHEME: &'static str = "netns";
    type Target = Netns;

    fn check(&self) -> Result<(), ConfigError> {
        self.clone().target().map(drop)
    }

    async fn open(self, _: &str) -> Result<Netns, FaultError> {
        Ok(self.target()?)
    }
}
