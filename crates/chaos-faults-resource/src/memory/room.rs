//! How much memory there is for this process, by the kernel and by its cgroups.

use chaos_core::FaultError;
use procfs::{Current, Meminfo, ProcError, process::Process};
use std::{fs, path::Path};

/// What is left for everybody else at least: this, or 5 % of all if that is more.
const RESERVE: u64 = 64 << 20;

/// The memory that this process may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Room {
    /// All of it: what the host has, or the lowest limit of a cgroup.
    pub(super) total: u64,
    /// What can be had without swapping and without waking the OOM killer.
    pub(super) available: u64,
}

impl Room {
    pub(super) fn look() -> Result<Self, FaultError> {
        let failed = |e: ProcError| FaultError::host("read how much memory there is", e);
        let memory = Meminfo::current().map_err(failed)?;
        let host = Self {
            total: memory.mem_total,
            available: memory.mem_available.unwrap_or(memory.mem_free),
        };
        let groups = Process::myself().and_then(|me| me.cgroups());
        let limits = groups.map_err(failed)?.into_iter().filter_map(|group| {
            if group.controllers.iter().any(|name| name == "memory") {
                V1.tightest(Path::new("/sys/fs/cgroup/memory"), &group.pathname)
            } else if group.hierarchy == 0 {
                V2.tightest(Path::new("/sys/fs/cgroup"), &group.pathname)
            } else {
                None
            }
        });
        Ok(limits.fold(host, Self::within))
    }

    /// What is not to be taken.
    pub(super) fn reserve(self) -> u64 {
        RESERVE.max(self.total / 20)
    }

    fn within(self, other: Self) -> Self {
        Self {
            total: self.total.min(other.total),
            available: self.available.min(other.available),
        }
    }
}

/// The files of one version of cgroups.
struct Version {
    limit: &'static str,
    used: &'static str,
    /// The line of `memory.stat` that says how much of it is a cache that can be dropped.
    cache: &'static str,
}

const V1: Version = Version {
    limit: "memory.limit_in_bytes",
    used: "memory.usage_in_bytes",
    cache: "total_inactive_file",
};
const V2: Version = Version {
    limit: "memory.max",
    used: "memory.current",
    cache: "inactive_file",
};

impl Version {
    /// The tightest limit of a group and those above it. In a container its own group stands at the root.
    fn tightest(&self, root: &Path, group: &str) -> Option<Room> {
        let dir = root.join(group.trim_start_matches('/'));
        dir.ancestors()
            .take_while(|dir| dir.starts_with(root))
            .filter_map(|dir| self.limit_of(dir))
            .reduce(Room::within)
    }

    fn limit_of(&self, dir: &Path) -> Option<Room> {
        let number = |file| -> Option<u64> {
            let text = fs::read_to_string(dir.join(file)).ok()?;
            text.trim().parse().ok()
        };
        let (total, used) = (number(self.limit)?, number(self.used)?);
        let stat = fs::read_to_string(dir.join("memory.stat")).unwrap_or_default();
        let cache: Option<u64> = stat
            .lines()
            .find_map(|line| line.strip_prefix(self.cache)?.trim().parse().ok());
        let used = used.saturating_sub(cache.unwrap_or(0));
        let available = total.saturating_sub(used);
        Some(Room { total, available })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tightest_limit_counts() {
        let root = tempfile::tempdir().unwrap();
        let inner = root.path().join("a/b");
        fs::create_dir_all(&inner).unwrap();
        let write = |path: &str, text: &str| fs::write(root.path().join(path), text).unwrap();
        write("a/memory.max", "1000\n");
        write("a/memory.current", "900\n");
        write("a/memory.stat", "anon 500\ninactive_file 300\n");
        write("a/b/memory.max", "max\n");
        write("a/b/memory.current", "10\n");
        let room = |total, available| Some(Room { total, available });
        assert_eq!(V2.tightest(root.path(), "/a/b"), room(1000, 400));
        write("a/b/memory.max", "500\n");
        assert_eq!(V2.tightest(root.path(), "/a/b"), room(500, 400));
        assert_eq!(V2.tightest(root.path(), "/"), None);
        assert_eq!(V1.tightest(root.path(), "/a/b"), None);

        // What a container sees: the path of the host, and its own group at the root.
        write("memory.limit_in_bytes", "100\n");
        write("memory.usage_in_bytes", "30\n");
        assert_eq!(V1.tightest(root.path(), "/docker/4711"), room(100, 70));
    }

    #[test]
    fn this_host_has_memory() {
        let room = Room::look().unwrap();
        assert!(0 < room.available && room.available <= room.total);
        assert!(room.reserve() >= RESERVE);
    }
}
