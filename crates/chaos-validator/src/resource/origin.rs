//! Where the numbers of a site come from: a cgroup of its own, or its process.

use super::{
    cgroup::{Cgroup, dir_of},
    process::Proc,
    usage::Usage,
};
use chaos_core::{ProcessId, Site};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Where the numbers of a site come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ResourceSource {
    /// A cgroup that nobody else is in: `cpu.stat`, `memory.current`, `memory.peak` and `pids.current` of
    /// Documentation/admin-guide/cgroup-v2.rst. Memory has the page cache in it.
    Cgroup,
    /// One process, without its children: `/proc/PID`. Memory is what is resident.
    Process,
}

impl fmt::Display for ResourceSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cgroup => "cgroup",
            Self::Process => "process",
        })
    }
}

/// Where the numbers of one site come from, as long as that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) site: String,
    process: Option<ProcessId>,
    cgroup: Option<Cgroup>,
}

impl Origin {
    /// None when a site has neither a process nor a cgroup: a proxy, the host.
    pub(super) fn of(site: &Site, proc: &Proc) -> Option<Self> {
        let process = site.pid().cloned();
        let cgroup = own_cgroup(site, proc);
        (process.is_some() || cgroup.is_some()).then(|| Self {
            site: site.name().to_owned(),
            process,
            cgroup,
        })
    }

    pub(super) fn process(&self) -> Option<&ProcessId> {
        self.process.as_ref()
    }

    pub(super) fn source(&self) -> ResourceSource {
        match self.cgroup {
            Some(_) => ResourceSource::Cgroup,
            None => ResourceSource::Process,
        }
    }

    /// What it uses now; none when it is gone.
    pub(super) fn usage(&self, proc: &Proc) -> Option<Usage> {
        match (&self.cgroup, &self.process) {
            (Some(cgroup), Some(id)) if proc.is_alive(id.pid, id.started) => cgroup.usage(proc),
            (Some(cgroup), None) => cgroup.usage(proc),
            (None, Some(id)) => proc.usage(id.pid, id.started),
            _ => None,
        }
    }
}

/// The cgroup of a site, if nobody else is in it: that of a container, one that was given without a process, one whose
/// processes are the site's process and its descendants.
fn own_cgroup(site: &Site, proc: &Proc) -> Option<Cgroup> {
    let of_pid = || dir_of(&proc.cgroup(site.pid()?.pid)?);
    let container = site.scheme() == "container";
    let dir = match site.cgroup() {
        Some(dir) => dir.to_owned(),
        None if container => of_pid()?,
        None => return None,
    };
    let cgroup = Cgroup::open(&dir)?;
    let own = match site.pid() {
        Some(id) if !container => {
            let pids = cgroup.pids();
            let descends = |pid: &u32| proc.descends(*pid, id.pid);
            pids.contains(&id.pid) && pids.iter().all(descends)
        }
        _ => true,
    };
    own.then_some(cgroup)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::resource::testing::{FakeCgroup, FakeProc};

    fn id(pid: u32) -> ProcessId {
        let mut id = ProcessId::of(std::process::id()).unwrap();
        (id.pid, id.started) = (pid, 1);
        id
    }

    #[test]
    fn a_cgroup_is_a_sites_own_when_only_its_descendants_are_in_it() {
        let (proc, group) = (FakeProc::new(), FakeCgroup::new());
        proc.process(7, 1, 1, "S");
        proc.process(8, 7, 1, "S");
        proc.process(9, 1, 1, "S");
        let source = |site: Site| Origin::of(&site, &proc.proc()).unwrap().source();
        let site = || {
            Site::named("process", "web")
                .with_pid(id(7))
                .with_cgroup(group.dir())
        };
        group.processes("", &[7, 8]);
        assert_eq!(source(site()), ResourceSource::Cgroup);
        group.processes("", &[7, 8, 9]);
        assert_eq!(source(site()), ResourceSource::Process);
        // It was moved to another one since it was found.
        group.processes("", &[8]);
        assert_eq!(source(site()), ResourceSource::Process);
        let container = Site::named("container", "web")
            .with_pid(id(7))
            .with_cgroup(group.dir());
        assert_eq!(source(container), ResourceSource::Cgroup);
        let given = Site::named("service", "web").with_cgroup(group.dir());
        assert_eq!(source(given), ResourceSource::Cgroup);
    }

    #[test]
    fn a_site_is_gone_with_its_process_though_its_cgroup_is_there() {
        let (proc, group) = (FakeProc::new(), FakeCgroup::new());
        proc.process(7, 1, 1, "S");
        group.processes("", &[7]);
        let site = Site::named("process", "web")
            .with_pid(id(7))
            .with_cgroup(group.dir());
        let origin = Origin::of(&site, &proc.proc()).unwrap();
        assert!(origin.usage(&proc.proc()).is_some());
        proc.ends(7);
        assert_eq!(origin.usage(&proc.proc()), None);
    }

    #[test]
    fn a_proxy_has_nothing_to_watch() {
        let proc = FakeProc::new().proc();
        assert_eq!(Origin::of(&Site::named("proxy", "web"), &proc), None);
    }
}
