//! Where to break it.

use crate::{Context, FaultError, identity::ProcessId, seed::Seed};
use async_trait::async_trait;
use rand::seq::SliceRandom;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{
    any::Any,
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Where to break it: a proxy, a process, a container, a network namespace, the host.
///
/// A fault never parses whom it hits: the engine resolves a target to [`Site`]s before it plans.
#[async_trait]
pub trait Target: fmt::Debug + Send + Sync + 'static {
    /// The target in words: `process on port 8000`.
    fn describe(&self) -> String;

    /// Resolves the target now. Only reads; may be asked again after a restart.
    ///
    /// # Errors
    /// The target is not there, or cannot be looked at.
    async fn sites(&self, cx: &Context) -> Result<Vec<Site>, FaultError>;

    /// How to say which one is meant, when the target may match several by chance, such as a process by its name:
    /// then several are refused unless a blast radius says how many are wished for. `None`: several are meant.
    fn one_by(&self) -> Option<&'static str> {
        None
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Target for Arc<dyn Target> {
    fn describe(&self) -> String {
        self.as_ref().describe()
    }

    async fn sites(&self, cx: &Context) -> Result<Vec<Site>, FaultError> {
        self.as_ref().sites(cx).await
    }

    fn one_by(&self) -> Option<&'static str> {
        self.as_ref().one_by()
    }
}

/// A target resolved: one proxy, one process, one container.
#[derive(Clone)]
#[non_exhaustive]
pub struct Site {
    scheme: &'static str,
    name: String,
    pid: Option<ProcessId>,
    netns: Option<PathBuf>,
    cgroup: Option<PathBuf>,
    addresses: Vec<SocketAddr>,
    handle: Option<Arc<dyn Any + Send + Sync>>,
}

impl Site {
    /// A site of a kind of target (`proxy`, `process`, `container`, `netns`, `host`), with a name for people.
    pub fn named(scheme: &'static str, name: impl Into<String>) -> Self {
        Self {
            scheme,
            name: name.into(),
            pid: None,
            netns: None,
            cgroup: None,
            addresses: Vec::new(),
            handle: None,
        }
    }

    /// Adds the process.
    #[must_use]
    pub fn with_pid(mut self, pid: ProcessId) -> Self {
        self.pid = Some(pid);
        self
    }

    /// Adds the file that names the network namespace: `/proc/PID/ns/net`, `/run/netns/NAME`.
    #[must_use]
    pub fn with_netns(mut self, path: impl Into<PathBuf>) -> Self {
        self.netns = Some(path.into());
        self
    }

    /// Adds the cgroup's directory.
    #[must_use]
    pub fn with_cgroup(mut self, path: impl Into<PathBuf>) -> Self {
        self.cgroup = Some(path.into());
        self
    }

    /// Adds an address under which the target answers.
    #[must_use]
    pub fn with_address(mut self, address: SocketAddr) -> Self {
        self.addresses.push(address);
        self
    }

    /// Adds a live handle that the crate of the target and its faults share.
    #[must_use]
    pub fn with_handle<T: Any + Send + Sync>(mut self, handle: Arc<T>) -> Self {
        self.handle = Some(handle);
        self
    }

    /// The kind of target this came from.
    pub fn scheme(&self) -> &'static str {
        self.scheme
    }

    /// The name for people.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The process, by pid and start time.
    pub fn pid(&self) -> Option<&ProcessId> {
        self.pid.as_ref()
    }

    /// The file that names the network namespace.
    pub fn netns(&self) -> Option<&Path> {
        self.netns.as_deref()
    }

    /// The cgroup's directory.
    pub fn cgroup(&self) -> Option<&Path> {
        self.cgroup.as_deref()
    }

    /// The addresses under which the target answers.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The live handle, if it is a `T`.
    pub fn handle<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.handle.clone()?.downcast().ok()
    }
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Site")
            .field("scheme", &self.scheme)
            .field("name", &self.name)
            .field("pid", &self.pid)
            .field("netns", &self.netns)
            .field("cgroup", &self.cgroup)
            .field("addresses", &self.addresses)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.scheme, self.name)
    }
}

/// How many of a target's sites are hit. The choice is seeded: the same seed hits the same sites.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BlastRadius {
    /// Every site.
    #[default]
    All,
    /// One site.
    One,
    /// This many sites, or all if there are fewer.
    Count(#[schemars(range(min = 1))] usize),
    /// This share of the sites, 0 to 100, rounded up.
    Percent(#[schemars(range(min = 0, max = 100))] f64),
}

impl BlastRadius {
    /// Chooses among `sites`, in their order.
    pub(crate) fn choose(self, mut sites: Vec<Site>, seed: Seed) -> Vec<Site> {
        let wanted = match self {
            Self::All => sites.len(),
            Self::One => 1,
            Self::Count(n) => n,
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                clippy::cast_precision_loss,
                reason = "a share of a small count, clamped below"
            )]
            Self::Percent(share) => {
                (sites.len() as f64 * share.clamp(0.0, 100.0) / 100.0).ceil() as usize
            }
        };
        if wanted >= sites.len() {
            return sites;
        }
        let mut order: Vec<usize> = (0..sites.len()).collect();
        order.shuffle(&mut seed.rng());
        order.truncate(wanted);
        let mut at = 0;
        sites.retain(|_| {
            at += 1;
            order.contains(&(at - 1))
        });
        sites
    }
}

/// This machine, for faults that reach all of it. Needs `allow_host`.
#[derive(Debug, Clone, Copy, Default)]
#[expect(
    clippy::exhaustive_structs,
    reason = "there is one host and nothing to say about it"
)]
pub struct Host;

#[async_trait]
impl Target for Host {
    fn describe(&self) -> String {
        "host".into()
    }

    async fn sites(&self, _: &Context) -> Result<Vec<Site>, FaultError> {
        Ok(vec![Site::named("host", "this machine")])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sites(n: usize) -> Vec<Site> {
        (0..n).map(|i| Site::named("test", i.to_string())).collect()
    }

    #[test]
    fn the_blast_radius_is_seeded_and_keeps_the_order() {
        let names = |seed| -> Vec<String> {
            BlastRadius::Percent(30.0)
                .choose(sites(10), Seed::new(seed))
                .iter()
                .map(|s| s.name().to_owned())
                .collect()
        };
        assert_eq!(names(1).len(), 3);
        assert_eq!(names(1), names(1));
        assert!((2..20).any(|seed| names(seed) != names(1)));
        assert!(names(1).is_sorted());
        assert_eq!(BlastRadius::One.choose(sites(0), Seed::new(1)).len(), 0);
        assert_eq!(
            BlastRadius::Percent(1.0)
                .choose(sites(10), Seed::new(1))
                .len(),
            1
        );
        assert_eq!(
            BlastRadius::Count(20).choose(sites(10), Seed::new(1)).len(),
            10
        );
    }
}
