//! A process as a target.

use chaos_core::{Context, FaultError, Site, Target, async_trait};
use std::path::PathBuf;

/// A process, or several: by pid, by name, by the TCP port they listen on, or by pidfile.
///
/// It is looked up anew for each injection, so it may have been restarted since the last one. Each process that
/// matches is a site of its own, from the lowest pid up. A name may be that of processes that nobody thought of: when
/// several have it they are refused, unless the blast radius says how many of them are to be hit. By name this very
/// process, those that it was started from, and its watchdog are never matched.
///
/// # Examples
/// ```
/// use chaos_core::FaultExt;
/// use chaos_faults_resource::{Pause, Process};
/// let hung = Pause::new().on(&Process::listening_on(8000));
/// # drop(hung);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process(pub(super) Which);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Which {
    Pid(u32),
    Named(String),
    Port(u16),
    Pidfile(PathBuf),
}

impl Process {
    /// The process with this pid.
    pub const fn pid(pid: u32) -> Self {
        Self(Which::Pid(pid))
    }

    /// Every process whose command name (`/proc/PID/comm`, at most 15 bytes) or program's file name is exactly
    /// this one.
    pub fn named(name: impl Into<String>) -> Self {
        Self(Which::Named(name.into()))
    }

    /// Every process that holds a socket that listens on this TCP port, in the network namespace of this process.
    pub const fn listening_on(port: u16) -> Self {
        Self(Which::Port(port))
    }

    /// The process whose pid this file holds. A file that is older than the process is stale and refused.
    pub fn pidfile(path: impl Into<PathBuf>) -> Self {
        Self(Which::Pidfile(path.into()))
    }
}

#[async_trait]
impl Target for Process {
    fn describe(&self) -> String {
        match &self.0 {
            Which::Pid(pid) => format!("process {pid}"),
            Which::Named(name) => format!("process {name}"),
            Which::Port(port) => format!("process on port {port}"),
            Which::Pidfile(path) => format!("process of {}", path.display()),
        }
    }

    async fn sites(&self, cx: &Context) -> Result<Vec<Site>, FaultError> {
        let which = self.clone();
        cx.blocking(move || sites(&which)).await?
    }

    fn one_by(&self) -> Option<&'static str> {
        matches!(self.0, Which::Named(_)).then_some("`pid`, `port` or `pidfile`")
    }
}

#[cfg(target_os = "linux")]
fn sites(target: &Process) -> Result<Vec<Site>, FaultError> {
    super::find::sites(target)
}

#[cfg(not(target_os = "linux"))]
fn sites(target: &Process) -> Result<Vec<Site>, FaultError> {
    Err(FaultError::unsupported(
        target.describe(),
        "processes can be told apart on Linux only",
    ))
}
