//! What a process uses, from `/proc/PID`.

use super::usage::Usage;
use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// A reading that takes longer was interrupted.
const QUICK: Duration = Duration::from_millis(2);
/// How often it is tried to read without being interrupted.
const MOST_TRIES: u32 = 3;

/// The kernel's files about processes.
#[derive(Debug, Clone)]
pub(super) struct Proc {
    root: PathBuf,
    /// Clock ticks per second, the unit of CPU times: `sysconf(_SC_CLK_TCK)`.
    ticks: u64,
    /// The size of `PID/fd` is the number of descriptors: Linux 6.2, `proc_pid_fd(5)`.
    counts_descriptors: bool,
    /// Whether what it says is of now; what only looks like it has no time.
    has_clock: bool,
}

/// What `/proc/PID/stat` says: `proc_pid_stat(5)`, fields 3, 4, 14, 15, 20 and 22.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stat {
    state: char,
    parent: u32,
    ticks: u64,
    threads: u64,
    started: u64,
}

impl Proc {
    /// That of this machine.
    pub(super) fn of_this_machine() -> Self {
        #[cfg(target_os = "linux")]
        let ticks = rustix::param::clock_ticks_per_second();
        #[cfg(not(target_os = "linux"))]
        let ticks = 100;
        Self {
            root: "/proc".into(),
            ticks: ticks.max(1),
            counts_descriptors: true,
            has_clock: true,
        }
    }

    /// Files that look like it, with 100 ticks per second.
    #[cfg(all(test, target_os = "linux"))]
    pub(super) fn at(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            ticks: 100,
            counts_descriptors: false,
            has_clock: false,
        }
    }

    /// What the process uses that has this pid and was started at that tick; none when it is gone or a zombie, whoever
    /// has its pid now.
    pub(super) fn usage(&self, pid: u32, started: u64) -> Option<Usage> {
        let mut usage = self.memory_and_descriptors(pid);
        // Read last: who has the pid now had it all the time.
        let (stat, read) = self.timed(|| self.stat(pid));
        let stat = stat.filter(|stat| stat.started == started)?;
        usage.cpu = Some(ticks(stat.ticks, self.ticks));
        usage.read = read;
        usage.threads = Some(stat.threads);
        Some(usage)
    }

    /// Reads, and says when that was. A reading that was interrupted for long is made again.
    pub(super) fn timed<T>(&self, read: impl Fn() -> T) -> (T, Option<Instant>) {
        let mut tries = 0;
        loop {
            let before = Instant::now();
            let seen = read();
            let took = before.elapsed();
            tries += 1;
            if took < QUICK || tries == MOST_TRIES {
                return (seen, self.has_clock.then(|| before + took / 2));
            }
        }
    }

    /// Whether this very process runs.
    pub(super) fn is_alive(&self, pid: u32, started: u64) -> bool {
        self.stat(pid).is_some_and(|stat| stat.started == started)
    }

    /// Memory, descriptors and threads of whoever has this pid now.
    ///
    /// Memory is `VmRSS` of `PID/status` (`proc_pid_status(5)`), and not `smaps_rollup`, which is more exact and stops the
    /// process from mapping memory while it is read.
    pub(super) fn memory_and_descriptors(&self, pid: u32) -> Usage {
        let dir = self.root.join(pid.to_string());
        let status = fs::read_to_string(dir.join("status")).unwrap_or_default();
        let kib = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            let number = line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?;
            number.checked_mul(1024)
        };
        let threads = status.lines().find_map(|l| l.strip_prefix("Threads:"));
        Usage {
            cpu: None,
            read: None,
            memory: kib("VmRSS:"),
            peak: kib("VmHWM:"),
            descriptors: self.descriptors(&dir.join("fd")).ok(),
            threads: threads.and_then(|n| n.trim().parse().ok()),
        }
    }

    fn descriptors(&self, dir: &Path) -> io::Result<u64> {
        if self.counts_descriptors {
            let count = fs::metadata(dir)?.len();
            if count > 0 {
                return Ok(count);
            }
        }
        Ok(fs::read_dir(dir)?.count() as u64)
    }

    /// Whether `pid` is `ancestor` or descends from it.
    pub(super) fn descends(&self, pid: u32, ancestor: u32) -> bool {
        // Pids are used again while they are read: a chain has an end.
        let mut next = Some(pid);
        for _ in 0..64 {
            match next {
                Some(pid) if pid == ancestor => return true,
                Some(pid @ 1..) => next = self.stat(pid).map(|stat| stat.parent),
                _ => return false,
            }
        }
        false
    }

    /// The path of a process's cgroup in the v2 hierarchy, from its root: `cgroups(7)`.
    pub(super) fn cgroup(&self, pid: u32) -> Option<String> {
        let text = fs::read_to_string(self.root.join(format!("{pid}/cgroup"))).ok()?;
        let path = text.lines().find_map(|line| line.strip_prefix("0::/"))?;
        Some(path.to_owned())
    }

    /// None when it is gone or a zombie.
    fn stat(&self, pid: u32) -> Option<Stat> {
        let text = fs::read(self.root.join(format!("{pid}/stat"))).ok()?;
        let stat = Stat::read(&String::from_utf8_lossy(&text))?;
        (!matches!(stat.state, 'Z' | 'X')).then_some(stat)
    }
}

impl Stat {
    fn read(text: &str) -> Option<Self> {
        // The program's name is in parentheses and may hold spaces and parentheses itself.
        let (_, rest) = text.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        // The first of these is field 3.
        let field = |n: usize| fields.get(n - 3)?.parse::<u64>().ok();
        Some(Self {
            state: fields.first()?.chars().next()?,
            parent: u32::try_from(field(4)?).ok()?,
            ticks: field(14)?.checked_add(field(15)?)?,
            threads: field(20)?,
            started: field(22)?,
        })
    }
}

fn ticks(ticks: u64, per_second: u64) -> Duration {
    let rest = Duration::from_secs(ticks % per_second) / u32::try_from(per_second).unwrap_or(1);
    Duration::from_secs(ticks / per_second) + rest
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::resource::testing::FakeProc;

    #[test]
    fn a_process_is_read_whatever_its_name_is() {
        let fake = FakeProc::new();
        fake.process(7, 1, 5000, "S").name("a) R (b").cpu(150, 50);
        fake.memory(7, 64 << 10, 80 << 10);
        fake.descriptors(7, 12);
        let usage = fake.proc().usage(7, 5000).unwrap();
        let expected = Usage {
            cpu: Some(Duration::from_secs(2)),
            read: None,
            memory: Some(64 << 20),
            peak: Some(80 << 20),
            descriptors: Some(12),
            threads: Some(3),
        };
        assert_eq!(usage, expected);
    }

    #[test]
    fn a_pid_that_is_used_again_is_not_taken_for_the_process() {
        let fake = FakeProc::new();
        fake.process(7, 1, 5000, "S");
        assert!(fake.proc().usage(7, 5000).is_some());
        fake.process(7, 1, 6000, "S");
        assert_eq!(fake.proc().usage(7, 5000), None);
        assert!(!fake.proc().is_alive(7, 5000));
    }

    #[test]
    fn a_zombie_and_nobody_use_nothing() {
        let fake = FakeProc::new();
        fake.process(7, 1, 5000, "Z");
        assert_eq!(fake.proc().usage(7, 5000), None);
        assert_eq!(fake.proc().usage(8, 5000), None);
    }

    #[test]
    fn what_is_hidden_is_unknown() {
        let fake = FakeProc::new();
        fake.process(7, 1, 5000, "R");
        let usage = fake.proc().usage(7, 5000).unwrap();
        assert_eq!((usage.memory, usage.descriptors), (None, None));
        assert_eq!(usage.cpu, Some(Duration::ZERO));
    }

    #[test]
    fn a_line_of_ancestors_is_followed_to_its_end() {
        let fake = FakeProc::new();
        for (pid, parent) in [(1, 0), (5, 1), (6, 5), (7, 6), (9, 1), (20, 21), (21, 20)] {
            fake.process(pid, parent, 1, "S");
        }
        let proc = fake.proc();
        assert!(proc.descends(7, 5) && proc.descends(5, 5));
        assert!(!proc.descends(9, 5) && !proc.descends(5, 7));
        assert!(!proc.descends(20, 5), "a circle is no ancestry");
    }

    #[test]
    fn ticks_of_years_are_no_overflow() {
        assert_eq!(ticks(u64::MAX, 100).as_secs(), u64::MAX / 100);
        assert_eq!(ticks(250, 100), Duration::from_millis(2500));
    }
}
