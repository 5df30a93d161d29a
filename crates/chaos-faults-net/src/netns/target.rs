//! A network namespace as a target.

use chaos_core::{Context, FaultError, ProcessId, Site, Target, async_trait};
use std::path::PathBuf;

/// A network namespace.
///
/// # Examples
/// ```
/// use chaos_core::FaultExt;
/// use chaos_faults_net::{Netns, Partition};
/// let cut_off = Partition::of(["10.0.0.0/8"]).on(&Netns::named("blue"));
/// # drop(cut_off);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Netns(Place);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Named(String),
    Path(PathBuf),
    Pid(u32),
}

impl Netns {
    /// The one that `ip netns` knows by this name: `/run/netns/NAME`.
    pub fn named(name: impl Into<String>) -> Self {
        Self(Place::Named(name.into()))
    }

    /// The one that this file names.
    pub fn path(path: impl Into<PathBuf>) -> Self {
        Self(Place::Path(path.into()))
    }

    /// The one that this process is in.
    pub const fn of_pid(pid: u32) -> Self {
        Self(Place::Pid(pid))
    }

    fn name(&self) -> String {
        match &self.0 {
            Place::Named(name) => name.clone(),
            Place::Path(path) => path.display().to_string(),
            Place::Pid(pid) => format!("of pid {pid}"),
        }
    }

    fn file(&self) -> PathBuf {
        match &self.0 {
            Place::Named(name) => PathBuf::from("/run/netns").join(name),
            Place::Path(path) => path.clone(),
            Place::Pid(pid) => PathBuf::from(format!("/proc/{pid}/ns/net")),
        }
    }
}

#[async_trait]
impl Target for Netns {
    fn describe(&self) -> String {
        format!("netns {}", self.name())
    }

    async fn sites(&self, cx: &Context) -> Result<Vec<Site>, FaultError> {
        let mut site = Site::named("netns", self.name()).with_netns(self.file());
        if let Place::Pid(pid) = self.0 {
            let process = ProcessId::of(pid);
            site = site.with_pid(
                process.map_err(|e| FaultError::no_target(format!("pid {pid}"), e.to_string()))?,
            );
        }
        let (what, file) = (self.describe(), self.file());
        cx.blocking(move || look(&what, &file)).await??;
        Ok(vec![site])
    }
}

/// Sees that there is a namespace.
#[cfg(target_os = "linux")]
fn look(what: &str, file: &std::path::Path) -> Result<(), FaultError> {
    use super::{NetnsFile, Opened};
    match NetnsFile::open(file)? {
        Opened::Namespace(_) => Ok(()),
        Opened::Missing => Err(FaultError::no_target(
            what,
            format!("{} does not exist", file.display()),
        )),
        Opened::Other => Err(FaultError::no_target(
            what,
            format!("{} is not a namespace", file.display()),
        )),
    }
}

#[cfg(not(target_os = "linux"))]
fn look(what: &str, _: &std::path::Path) -> Result<(), FaultError> {
    Err(FaultError::unsupported(
        what,
        "there are network namespaces on Linux only; the in-process proxy works on every system",
    ))
}
