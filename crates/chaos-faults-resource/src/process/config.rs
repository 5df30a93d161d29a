//! A process as an entry under `targets:`.

use super::Process;
use chaos_core::{ConfigError, FaultError, TargetConfig, async_trait};
use schemars::JsonSchema;
use serde::Deserialize;
use std::path::PathBuf;

/// A process, as an entry of a scenario file: by exactly one of `pid`, `name`, `port` and `pidfile`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ProcessConfig {
    /// The process with this pid: 1 or more.
    #[serde(default)]
    pub pid: Option<u32>,
    /// The process whose command name, or program's file name, is exactly this one. When there are several, the fault's
    /// `radius` has to say how many of them are hit.
    #[serde(default)]
    pub name: Option<String>,
    /// Every process that listens on this TCP port: 1 to 65535.
    #[serde(default)]
    pub port: Option<u16>,
    /// The process whose pid this file holds: an absolute path.
    #[serde(default)]
    pub pidfile: Option<PathBuf>,
}

impl ProcessConfig {
    fn target(self) -> Result<Process, ConfigError> {
        match (self.pid, self.name, self.port, self.pidfile) {
            (Some(0), None, None, None) => {
                Err(ConfigError::field("pid", "0 is not a process").help("1 or more"))
            }
            (Some(pid), None, None, None) => Ok(Process::pid(pid)),
            (None, Some(name), None, None) if name.is_empty() || name.contains('/') => {
                let problem = format!("`{name}` is not the name of a program");
                Err(ConfigError::field("name", problem).help("the file name alone, such as nginx"))
            }
            (None, Some(name), None, None) => Ok(Process::named(name)),
            (None, None, Some(0), None) => {
                Err(ConfigError::field("port", "nobody listens on port 0").help("1 to 65535"))
            }
            (None, None, Some(port), None) => Ok(Process::listening_on(port)),
            (None, None, None, Some(path)) if !path.is_absolute() => {
                let problem = format!("`{}` is not an absolute path", path.display());
                Err(ConfigError::field("pidfile", problem).help("start it with `/`"))
            }
            (None, None, None, Some(path)) => Ok(Process::pidfile(path)),
            _ => Err(ConfigError::new(
                "exactly one of `pid`, `name`, `port` and `pidfile` says which process",
            )
            .help("such as `process: { port: 8000 }`")),
        }
    }
}

#[async_trait]
impl TargetConfig for ProcessConfig {
    const SCHEME: &'static str = "process";
    type Target = Process;

    fn check(&self) -> Result<(), ConfigError> {
        self.clone().target().map(drop)
    }

    async fn open(self, _: &str) -> Result<Process, FaultError> {
        Ok(self.target()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_one_field_says_which_process() {
        let says = |json: &str| {
            let config: ProcessConfig = serde_json::from_str(json).unwrap();
            config.target().map_err(|e| e.to_string())
        };
        for (json, target) in [
            (r#"{ "pid": 7 }"#, Process::pid(7)),
            (r#"{ "name": "nginx" }"#, Process::named("nginx")),
            (r#"{ "port": 8000 }"#, Process::listening_on(8000)),
            (
                r#"{ "pidfile": "/run/x.pid" }"#,
                Process::pidfile("/run/x.pid"),
            ),
        ] {
            assert_eq!(says(json), Ok(target));
        }
        for (json, problem) in [
            ("{}", "exactly one of"),
            (r#"{ "pid": 7, "port": 8000 }"#, "exactly one of"),
            (r#"{ "pid": 0 }"#, "pid: 0 is not a process (1 or more)"),
            (r#"{ "pid": 0, "name": "x" }"#, "exactly one of"),
            (r#"{ "name": "" }"#, "not the name of a program"),
            (r#"{ "name": "/usr/sbin/nginx" }"#, "the file name alone"),
            (r#"{ "port": 0 }"#, "1 to 65535"),
            (r#"{ "pidfile": "x.pid" }"#, "not an absolute path"),
        ] {
            let said = says(json).unwrap_err();
            assert!(said.contains(problem), "{json}: {said}");
        }
        for json in [
            r#"{ "port": 65536 }"#,
            r#"{ "pid": -1 }"#,
            r#"{ "user": "x" }"#,
        ] {
            assert!(
                serde_json::from_str::<ProcessConfig>(json).is_err(),
                "{json}"
            );
        }
    }
}
