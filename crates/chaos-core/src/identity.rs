//! Names that survive: who a process is and which boot this is, when pids and inodes are used again.

use serde::{Deserialize, Serialize};
use std::{fmt, io, time::Duration};

/// A process by pid and start time, so that another one that got the same pid is not taken for it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ProcessId {
    /// The pid, as this process sees it.
    pub pid: u32,
    /// When it started, in clock ticks since boot: `/proc/PID/stat`, field 22 (`man 5 proc_pid_stat`).
    pub started: u64,
    /// The boot that pid and start time belong to.
    pub boot: String,
}

impl ProcessId {
    /// The process that has this pid now.
    ///
    /// # Errors
    /// No such process, or (elsewhere than on Linux) no way to know its start time.
    pub fn of(pid: u32) -> io::Result<Self> {
        Ok(Self {
            pid,
            started: start_time(pid)?,
            boot: boot_id()?,
        })
    }

    /// Whether this very process still runs. A zombie does not.
    ///
    /// # Errors
    /// The process could not be looked at; that says nothing about it.
    pub fn is_alive(&self) -> io::Result<bool> {
        if boot_id()? != self.boot {
            return Ok(false);
        }
        match start_time(self.pid) {
            Ok(started) => Ok(started == self.started),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(e) => Err(e),
        }
    }
}

impl fmt::Display for ProcessId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pid {}", self.pid)
    }
}

#[cfg(target_os = "linux")]
fn start_time(pid: u32) -> io::Result<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).map_err(|e| {
        // ESRCH: the process ended between open and read.
        if e.raw_os_error() == Some(3) {
            io::Error::from(io::ErrorKind::NotFound)
        } else {
            e
        }
    })?;
    // The program's name is in parentheses and may hold spaces and parentheses itself.
    let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let mut fields = rest.split_whitespace();
    if matches!(fields.next(), Some("Z" | "X")) {
        return Err(io::ErrorKind::NotFound.into());
    }
    fields
        .nth(18)
        .and_then(|field| field.parse().ok())
        .ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidData,
                format!("/proc/{pid}/stat: {stat}"),
            )
        })
}

#[cfg(not(target_os = "linux"))]
fn start_time(_: u32) -> io::Result<u64> {
    Err(io::Error::new(
        io::ErrorKind::Unsupported,
        "processes are only identified on Linux",
    ))
}

/// Which boot this is; empty where the system does not say.
///
/// # Errors
/// The boot id could not be read.
pub fn boot_id() -> io::Result<String> {
    if cfg!(target_os = "linux") {
        std::fs::read_to_string("/proc/sys/kernel/random/boot_id").map(|id| id.trim().to_owned())
    } else {
        Ok(String::new())
    }
}

/// Which machine this is, for state in a home directory that several machines share.
pub fn machine_id() -> String {
    ["/etc/machine-id", "/var/lib/dbus/machine-id"]
        .iter()
        .filter_map(|path| std::fs::read_to_string(path).ok())
        .map(|id| id.trim().to_owned())
        .find(|id| !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric()))
        .unwrap_or_else(|| "this-machine".to_owned())
}

/// Time since boot, suspend included: a clock that every process of this boot shares.
pub fn since_boot() -> Duration {
    #[cfg(target_os = "linux")]
    {
        use nix::time::{ClockId, clock_gettime};
        clock_gettime(ClockId::CLOCK_BOOTTIME)
            .map(Duration::from)
            .unwrap_or_default()
    }
    #[cfg(not(target_os = "linux"))]
    {
        std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default()
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_known_by_pid_and_start_time() {
        let me = ProcessId::of(std::process::id()).unwrap();
        assert!(me.is_alive().unwrap());
        let impostor = ProcessId {
            started: me.started + 1,
            ..me.clone()
        };
        assert!(!impostor.is_alive().unwrap());
        let before_reboot = ProcessId {
            boot: "another".into(),
            ..me
        };
        assert!(!before_reboot.is_alive().unwrap());
    }

    #[test]
    fn a_zombie_is_not_alive() {
        let mut child = std::process::Command::new("sleep")
            .arg("100")
            .spawn()
            .unwrap();
        let id = ProcessId::of(child.id()).unwrap();
        child.kill().unwrap();
        while id.is_alive().unwrap() {
            std::thread::yield_now();
        }
        child.wait().unwrap();
        assert!(ProcessId::of(child.id()).is_err());
    }
}
