//! Whether a process is alive.

use async_trait::async_trait;
use chaos_core::{
    BoxError, ConfigError, Probe, ProbeConfig, ProcessId, Value,
    schemars::{self, JsonSchema},
};
use serde::Deserialize;
use std::{
    fs, io,
    sync::{Mutex, PoisonError},
};

/// Whether a process is alive, by pid or by name; a zombie is not. Linux only.
///
/// A pid is that of the process that had it at the first sample: another one that gets it later is not taken for it. Of
/// a name any process is right, also one that was started since.
#[derive(Debug)]
pub struct ProcessProbe {
    who: Who,
    /// The one that was seen last.
    seen: Mutex<Option<ProcessId>>,
}

#[derive(Debug)]
enum Who {
    Pid(u32),
    Name(String),
}

impl ProcessProbe {
    /// The process of this pid.
    pub fn pid(pid: u32) -> Self {
        Self::of(Who::Pid(pid))
    }

    /// Any process of this name: that of its program's file, or the one that it has given itself.
    pub fn named(name: impl Into<String>) -> Self {
        Self::of(Who::Name(name.into()))
    }

    fn of(who: Who) -> Self {
        Self {
            who,
            seen: Mutex::default(),
        }
    }
}

#[async_trait]
impl Probe for ProcessProbe {
    async fn sample(&self) -> Result<Value, BoxError> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let alive = match &*seen {
            Some(id) => id.is_alive()?,
            None => false,
        };
        if alive {
            return Ok(Value::Flag(true));
        }
        let found = match &self.who {
            Who::Pid(_) if seen.is_some() => None,
            Who::Pid(pid) => process(*pid)?,
            Who::Name(name) => find(name)?,
        };
        let alive = found.is_some();
        if alive {
            *seen = found;
        }
        Ok(Value::Flag(alive))
    }
}

fn process(pid: u32) -> io::Result<Option<ProcessId>> {
    match ProcessId::of(pid) {
        Ok(id) => Ok(Some(id)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

fn find(name: &str) -> io::Result<Option<ProcessId>> {
    for entry in fs::read_dir("/proc")? {
        let Some(pid) = entry?
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        let proc = format!("/proc/{pid}");
        let own = fs::read_to_string(format!("{proc}/comm")).unwrap_or_default();
        let is_it = own.trim_end() == name
            || fs::read_link(format!("{proc}/exe"))
                .is_ok_and(|exe| exe.file_name().is_some_and(|file| file == name));
        if is_it && let Some(id) = process(pid)? {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

/// Whether a process is alive; exactly one of the fields.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "schemars")]
#[non_exhaustive]
pub struct ProcessProbeConfig {
    /// Its pid.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub pid: Option<u32>,
    /// Its name: that of its program's file, or the one that it has given itself.
    #[serde(default)]
    pub name: Option<String>,
}

impl ProbeConfig for ProcessProbeConfig {
    const KIND: &'static str = "process";
    type Probe = ProcessProbe;

    fn build(self) -> Result<ProcessProbe, ConfigError> {
        match (self.pid, self.name) {
            (Some(0), None) => Err(ConfigError::field("pid", "is 0, which no process has")),
            (Some(pid), None) => Ok(ProcessProbe::pid(pid)),
            (None, Some(name)) if name.trim().is_empty() => {
                Err(ConfigError::field("name", "is empty"))
            }
            (None, Some(name)) => Ok(ProcessProbe::named(name)),
            _ => Err(ConfigError::new(
                "exactly one of `pid` and `name` says which process",
            )),
        }
    }
}
