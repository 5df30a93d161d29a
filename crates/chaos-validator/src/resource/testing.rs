//! Directories that look like `/proc` and like a cgroup.

use super::{cgroup::Cgroup, process::Proc};
use std::{cell::RefCell, fs, path::Path, path::PathBuf};

/// A directory that looks like `/proc`.
pub(super) struct FakeProc(tempfile::TempDir);

/// One process in it, that is written again with each change.
pub(super) struct FakeProcess<'a> {
    of: &'a FakeProc,
    pid: u32,
    parent: u32,
    started: u64,
    state: &'static str,
    name: RefCell<String>,
    cpu: RefCell<(u64, u64)>,
}

impl FakeProc {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(super) fn proc(&self) -> Proc {
        Proc::at(self.0.path())
    }

    fn dir(&self, pid: u32) -> PathBuf {
        let dir = self.0.path().join(pid.to_string());
        fs::create_dir_all(&dir).unwrap();
        dir
    }

    /// With three threads and no CPU time.
    pub(super) fn process(
        &self,
        pid: u32,
        parent: u32,
        started: u64,
        state: &'static str,
    ) -> FakeProcess<'_> {
        let process = FakeProcess {
            of: self,
            pid,
            parent,
            started,
            state,
            name: RefCell::new("victim".into()),
            cpu: RefCell::default(),
        };
        process.write();
        process
    }

    pub(super) fn memory(&self, pid: u32, kib: u64, peak: u64) {
        let text =
            format!("Name:\tx\nVmHWM:\t{peak:8} kB\nVmRSS:\t{kib:8} kB\nThreads:\t3\nMems:\t1\n");
        fs::write(self.dir(pid).join("status"), text).unwrap();
    }

    pub(super) fn descriptors(&self, pid: u32, count: u32) {
        let dir = self.dir(pid).join("fd");
        fs::create_dir_all(&dir).unwrap();
        (0..count).for_each(|n| fs::write(dir.join(n.to_string()), "").unwrap());
    }

    pub(super) fn ends(&self, pid: u32) {
        fs::remove_dir_all(self.dir(pid)).unwrap();
    }
}

impl FakeProcess<'_> {
    pub(super) fn name(&self, name: &str) -> &Self {
        *self.name.borrow_mut() = name.to_owned();
        self.write();
        self
    }

    /// User and system time, in hundredths of a second.
    pub(super) fn cpu(&self, user: u64, system: u64) -> &Self {
        *self.cpu.borrow_mut() = (user, system);
        self.write();
        self
    }

    fn write(&self) {
        let (name, (user, system)) = (self.name.borrow(), *self.cpu.borrow());
        let Self {
            pid,
            parent,
            started,
            state,
            ..
        } = self;
        let text = format!(
            "{pid} ({name}) {state} {parent} 1 1 0 -1 4194304 1 2 3 4 {user} {system} 5 6 20 0 3 0 {started} 1 2\n"
        );
        fs::write(self.of.dir(*pid).join("stat"), text).unwrap();
    }
}

/// A directory that looks like a cgroup.
pub(super) struct FakeCgroup(tempfile::TempDir);

impl FakeCgroup {
    pub(super) fn new() -> Self {
        let fake = Self(tempfile::tempdir().unwrap());
        fs::create_dir(fake.dir()).unwrap();
        fake.write("cgroup.events", "populated 1\nfrozen 0\n");
        fake
    }

    pub(super) fn dir(&self) -> PathBuf {
        self.0.path().join("group")
    }

    pub(super) fn open(&self) -> Option<Cgroup> {
        Cgroup::open(&self.dir())
    }

    pub(super) fn write(&self, file: &str, text: &str) -> &Self {
        fs::write(self.dir().join(file), text).unwrap();
        self
    }

    pub(super) fn processes(&self, inside: impl AsRef<Path>, pids: &[u32]) -> &Self {
        let dir = self.dir().join(inside);
        fs::create_dir_all(&dir).unwrap();
        let lines: String = pids.iter().map(|pid| format!("{pid}\n")).collect();
        fs::write(dir.join("cgroup.procs"), lines).unwrap();
        self
    }

    /// As when a service is started again.
    pub(super) fn make_again(&self) {
        // The old one is kept beside, so that its inode is not used again.
        fs::rename(self.dir(), self.0.path().join("old")).unwrap();
        fs::create_dir(self.dir()).unwrap();
        self.write("cgroup.events", "populated 1\nfrozen 0\n");
    }
}
