//! What a cgroup uses, from its directory: Documentation/admin-guide/cgroup-v2.rst.

use super::{
    process::Proc,
    usage::{Usage, sum},
};
use std::{
    fs,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

/// Of more processes than this the descriptors are not counted one by one: it would take too long.
const MOST_PROCESSES: usize = 1000;
/// A cgroup with more cgroups inside than this is not walked to its end.
const MOST_GROUPS: usize = 1000;

/// A directory of the v2 hierarchy. One that was removed and made again is another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cgroup {
    dir: PathBuf,
    inode: u64,
}

impl Cgroup {
    /// The cgroup of this directory; none when it is not there, or is the root, which has everything in it.
    pub(super) fn open(dir: &Path) -> Option<Self> {
        // The root has no `cgroup.events`.
        fs::metadata(dir.join("cgroup.events")).ok()?;
        Some(Self {
            dir: dir.to_owned(),
            inode: inode(dir)?,
        })
    }

    /// What all of its processes use; none when it is gone or empty.
    ///
    /// # Behavior
    /// - `cpu.stat` is there in every cgroup. Without the controllers `memory` and `pids`, memory and threads are those of
    ///   its processes, added up; what they share counts more than once then.
    /// - There is no file for descriptors: those of its processes are added up.
    pub(super) fn usage(&self, proc: &Proc) -> Option<Usage> {
        if inode(&self.dir)? != self.inode || self.keyed("cgroup.events", "populated") == Some(0) {
            return None;
        }
        let pids = self.pids();
        let all_known = pids.len() <= MOST_PROCESSES;
        let each: Vec<Usage> = pids
            .iter()
            .take(MOST_PROCESSES)
            .map(|pid| proc.memory_and_descriptors(*pid))
            .collect();
        let added = |of: fn(&Usage) -> Option<u64>| sum(each.iter().map(of)).filter(|_| all_known);
        let (cpu, read) = proc.timed(|| self.keyed("cpu.stat", "usage_usec"));
        Some(Usage {
            cpu: cpu.map(Duration::from_micros),
            read,
            memory: self
                .number("memory.current")
                .or_else(|| added(|u| u.memory)),
            peak: self.number("memory.peak"),
            descriptors: added(|u| u.descriptors),
            threads: self.number("pids.current").or_else(|| added(|u| u.threads)),
        })
    }

    /// The processes in it and in the cgroups inside.
    pub(super) fn pids(&self) -> Vec<u32> {
        let mut pids = Vec::new();
        let mut dirs = vec![self.dir.clone()];
        let mut seen = 0;
        while let Some(dir) = dirs.pop() {
            let text = fs::read_to_string(dir.join("cgroup.procs")).unwrap_or_default();
            pids.extend(text.lines().filter_map(|line| line.parse::<u32>().ok()));
            seen += 1;
            if seen > MOST_GROUPS || pids.len() > MOST_PROCESSES {
                break;
            }
            let inside = fs::read_dir(&dir).into_iter().flatten().flatten();
            let inside = inside.filter(|item| item.file_type().is_ok_and(|t| t.is_dir()));
            dirs.extend(inside.map(|item| item.path()));
        }
        pids
    }

    /// A file of one number.
    fn number(&self, file: &str) -> Option<u64> {
        let text = fs::read_to_string(self.dir.join(file)).ok()?;
        text.trim().parse().ok()
    }

    /// A number of a file of names and numbers.
    fn keyed(&self, file: &str, key: &str) -> Option<u64> {
        let text = fs::read_to_string(self.dir.join(file)).ok()?;
        let mut lines = text.lines().filter_map(|line| line.split_once(' '));
        let (_, value) = lines.find(|(name, _)| *name == key)?;
        u64::from_str(value.trim()).ok()
    }
}

/// The directory of a path in the v2 hierarchy, wherever that is mounted.
pub(super) fn dir_of(path: &str) -> Option<PathBuf> {
    // What is outside of this cgroup namespace cannot be seen.
    if path.is_empty() || path.split('/').any(|part| part == "..") {
        return None;
    }
    ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"]
        .map(Path::new)
        .into_iter()
        .find(|root| root.join("cgroup.procs").exists())
        .map(|root| root.join(path))
}

#[cfg(unix)]
fn inode(dir: &Path) -> Option<u64> {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(dir).ok().map(|found| found.ino())
}

#[cfg(not(unix))]
fn inode(dir: &Path) -> Option<u64> {
    fs::metadata(dir).ok().map(|_| 0)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::resource::testing::{FakeCgroup, FakeProc};

    #[test]
    fn the_files_of_a_cgroup_are_read() {
        let (proc, group) = (FakeProc::new(), FakeCgroup::new());
        group.processes("", &[7]).processes("worker", &[8]);
        group.write("cpu.stat", "usage_usec 1500000\nuser_usec 1000000\n");
        group.write("memory.current", "104857600\n");
        group.write("memory.peak", "209715200\n");
        group.write("pids.current", "9\n");
        for (pid, open) in [(7, 3), (8, 4)] {
            proc.process(pid, 1, 1, "S");
            proc.descriptors(pid, open);
        }
        let usage = group.open().unwrap().usage(&proc.proc()).unwrap();
        let expected = Usage {
            cpu: Some(Duration::from_millis(1500)),
            read: None,
            memory: Some(100 << 20),
            peak: Some(200 << 20),
            descriptors: Some(7),
            threads: Some(9),
        };
        assert_eq!(usage, expected);
    }

    #[test]
    fn without_controllers_the_processes_are_added_up() {
        let (proc, group) = (FakeProc::new(), FakeCgroup::new());
        group
            .processes("", &[7, 8])
            .write("cpu.stat", "usage_usec 5\n");
        for pid in [7, 8] {
            proc.process(pid, 1, 1, "S");
            proc.memory(pid, 1024, 2048);
        }
        let usage = group.open().unwrap().usage(&proc.proc()).unwrap();
        assert_eq!((usage.memory, usage.peak), (Some(2 << 20), None));
        assert_eq!((usage.threads, usage.descriptors), (Some(6), None));
    }

    #[test]
    fn an_empty_one_and_one_made_again_are_gone() {
        let (proc, group) = (FakeProc::new(), FakeCgroup::new());
        group.processes("", &[7]);
        let open = group.open().unwrap();
        assert!(open.usage(&proc.proc()).is_some());
        group.write("cgroup.events", "populated 0\nfrozen 0\n");
        assert_eq!(open.usage(&proc.proc()), None);
        group.make_again();
        assert_eq!(open.usage(&proc.proc()), None);
    }

    #[test]
    fn the_root_is_nobodys_own() {
        let group = FakeCgroup::new();
        fs::remove_file(group.dir().join("cgroup.events")).unwrap();
        assert_eq!(group.open(), None);
        assert_eq!(dir_of(""), None);
        assert_eq!(dir_of("../../etc"), None);
    }
}
