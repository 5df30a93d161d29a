//! What a fault needs before it may touch anything.

use crate::Site;
use std::{collections::BTreeSet, fmt, path::PathBuf, sync::Arc};

/// A Linux capability. See `man 7 capabilities`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Capability {
    /// `CAP_KILL`: signal other users' processes.
    Kill,
    /// `CAP_NET_ADMIN`: change interfaces, queues and packet filters.
    NetAdmin,
    /// `CAP_NET_RAW`: raw sockets.
    NetRaw,
    /// `CAP_SYS_ADMIN`: enter namespaces, mount.
    SysAdmin,
    /// `CAP_SYS_PTRACE`: look into other users' processes.
    SysPtrace,
    /// `CAP_SYS_RESOURCE`: override resource limits.
    SysResource,
    /// `CAP_SYS_TIME`: set clocks.
    SysTime,
    /// `CAP_DAC_OVERRIDE`: write other users' files.
    DacOverride,
}

impl Capability {
    /// The kernel's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kill => "CAP_KILL",
            Self::NetAdmin => "CAP_NET_ADMIN",
            Self::NetRaw => "CAP_NET_RAW",
            Self::SysAdmin => "CAP_SYS_ADMIN",
            Self::SysPtrace => "CAP_SYS_PTRACE",
            Self::SysResource => "CAP_SYS_RESOURCE",
            Self::SysTime => "CAP_SYS_TIME",
            Self::DacOverride => "CAP_DAC_OVERRIDE",
        }
    }

    /// Whether the calling thread has it in its effective set.
    pub fn is_held(self) -> bool {
        #[cfg(target_os = "linux")]
        {
            use caps::{CapSet, Capability as Caps};
            let capability = match self {
                Self::Kill => Caps::CAP_KILL,
                Self::NetAdmin => Caps::CAP_NET_ADMIN,
                Self::NetRaw => Caps::CAP_NET_RAW,
                Self::SysAdmin => Caps::CAP_SYS_ADMIN,
                Self::SysPtrace => Caps::CAP_SYS_PTRACE,
                Self::SysResource => Caps::CAP_SYS_RESOURCE,
                Self::SysTime => Caps::CAP_SYS_TIME,
                Self::DacOverride => Caps::CAP_DAC_OVERRIDE,
            };
            caps::has_cap(None, CapSet::Effective, capability).unwrap_or(false)
        }
        #[cfg(not(target_os = "linux"))]
        false
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

type Try = Arc<dyn Fn(&Site) -> Result<(), String> + Send + Sync>;

/// A kernel or service feature that is found by trying.
#[derive(Clone)]
struct Feature {
    name: &'static str,
    fix: &'static str,
    works: Try,
}

impl fmt::Debug for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// What a fault needs before it may touch anything.
///
/// ```
/// use chaos_core::{Capability, Needs};
/// let needs = Needs::none().linux().capability(Capability::NetAdmin).program("tc", "apt install iproute2");
/// ```
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct Needs {
    os: Option<&'static str>,
    capabilities: BTreeSet<Capability>,
    programs: BTreeSet<(&'static str, &'static str)>,
    features: Vec<Feature>,
}

impl Needs {
    /// Nothing: the fault works everywhere.
    pub fn none() -> Self {
        Self::default()
    }

    /// Linux.
    pub fn linux(mut self) -> Self {
        self.os = Some("linux");
        self
    }

    /// A Unix-like system.
    pub fn unix(mut self) -> Self {
        self.os = Some("unix");
        self
    }

    /// A capability of the calling process.
    pub fn capability(mut self, capability: Capability) -> Self {
        self.capabilities.insert(capability);
        self
    }

    /// A program on the `PATH`, and how to get it.
    pub fn program(mut self, name: &'static str, fix: &'static str) -> Self {
        self.programs.insert((name, fix));
        self
    }

    /// A feature that is found by trying, and how to get it.
    pub fn feature(
        mut self,
        name: &'static str,
        fix: &'static str,
        works: impl Fn(&Site) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        self.features.push(Feature {
            name,
            fix,
            works: Arc::new(works),
        });
        self
    }

    /// The needs of both.
    pub fn and(mut self, other: Self) -> Self {
        self.os = self.os.or(other.os);
        self.capabilities.extend(other.capabilities);
        self.programs.extend(other.programs);
        self.features.extend(other.features);
        self
    }

    /// The capabilities.
    pub fn capabilities(&self) -> impl Iterator<Item = Capability> {
        self.capabilities.iter().copied()
    }

    /// Everything that is missing for this site, all at once. Asks about the calling thread.
    pub fn missing(&self, site: &Site) -> Vec<Missing> {
        let linux = cfg!(target_os = "linux") || self.os != Some("linux");
        let unix = cfg!(unix) || self.os != Some("unix");
        let here = linux && unix;
        if !here {
            let os = self.os.unwrap_or_default();
            return vec![Missing::new(
                format!("{os} (this is {})", std::env::consts::OS),
                "the in-process proxy works on every system",
            )];
        }
        let capabilities = self.capabilities.iter().filter(|c| !c.is_held()).map(|c| {
            Missing::new(
                c.name(),
                format!(
                    "run as root, or `setcap {}+ep` on this program",
                    c.name().to_lowercase()
                ),
            )
        });
        let programs = self
            .programs
            .iter()
            .filter(|(name, _)| find_program(name).is_none())
            .map(|(name, fix)| Missing::new(format!("the program `{name}` on the PATH"), *fix));
        let features = self.features.iter().filter_map(|feature| {
            (feature.works)(site)
                .err()
                .map(|said| Missing::new(format!("{} ({said})", feature.name), feature.fix))
        });
        capabilities.chain(programs).chain(features).collect()
    }
}

/// Something a fault needs and the host has not, and what would change that.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Missing {
    /// What is missing.
    pub what: String,
    /// What would change that.
    pub fix: String,
}

impl Missing {
    /// What is missing, and what would change that.
    pub fn new(what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            fix: fix.into(),
        }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "needs {} ({})", self.what, self.fix)
    }
}

/// Where `name` is on the `PATH`.
fn find_program(name: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|dir| dir.join(name))
        .find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_missing_is_reported_at_once() {
        let needs = Needs::none()
            .program("chaos-no-such-program", "none")
            .feature("netem", "modprobe sch_netem", |_| Err("ENOENT".into()))
            .feature("loopback", "", |_| Ok(()));
        let missing = needs.missing(&Site::named("test", "here"));
        assert_eq!(missing.len(), 2, "{missing:?}");
        assert!(missing[1].to_string().contains("modprobe sch_netem"));
    }
}
