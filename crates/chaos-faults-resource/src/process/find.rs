//! Finds processes in `/proc`.

use super::{Process, target::Which};
use chaos_core::{FaultError, ProcessId, Site, Target, since_boot, watchdog};
use procfs::{
    ProcError,
    net::TcpState,
    process::{FDTarget, Process as Proc, Stat, StatFlags, all_processes},
};
use std::{
    collections::BTreeSet,
    fs,
    io::{self, Read},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

/// How much older than its process a pidfile may look: clocks are set, files are copied.
const PIDFILE_SLACK: Duration = Duration::from_secs(10);

pub(super) fn sites(target: &Process) -> Result<Vec<Site>, FaultError> {
    match &target.0 {
        Which::Pid(pid) => Ok(vec![known(*pid, target)?]),
        Which::Named(name) => named(name, target),
        Which::Port(port) => listening_on(*port, target),
        Which::Pidfile(path) => Ok(vec![of_pidfile(path, target)?]),
    }
}

/// The site of a process, or nothing when it has ended.
fn site(pid: u32) -> Result<Option<Site>, FaultError> {
    let look = |e: io::Error| FaultError::host(format!("look at process {pid}"), e);
    let id = match ProcessId::of(pid) {
        Ok(id) => id,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(look(e)),
    };
    let comm = match fs::read_to_string(format!("/proc/{pid}/comm")) {
        Ok(comm) => comm.trim_end().to_owned(),
        Err(_) if !id.is_alive().map_err(look)? => return Ok(None),
        Err(e) => return Err(look(e)),
    };
    let mut site = Site::named("process", format!("{comm} (pid {pid})"))
        .with_pid(id)
        .with_netns(format!("/proc/{pid}/ns/net"));
    if let Some(cgroup) = cgroup(pid) {
        site = site.with_cgroup(cgroup);
    }
    Ok(Some(site))
}

/// The directory of the process's cgroup in the v2 hierarchy.
fn cgroup(pid: u32) -> Option<PathBuf> {
    let groups = Proc::new(i32::try_from(pid).ok()?).ok()?.cgroups().ok()?;
    let group = groups.into_iter().find(|group| group.hierarchy == 0)?;
    let relative = group.pathname.trim_start_matches('/').to_owned();
    ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"]
        .map(Path::new)
        .into_iter()
        .find(|root| root.join("cgroup.procs").exists())
        .map(|root| root.join(relative))
        .filter(|dir| dir.is_dir())
}

fn known(pid: u32, target: &Process) -> Result<Site, FaultError> {
    site(pid)?
        .ok_or_else(|| FaultError::no_target(target.describe(), "no process has this pid now"))
}

/// Every process now, from the lowest pid up.
fn all() -> Result<Vec<Proc>, FaultError> {
    let failed = |e: ProcError| FaultError::host("list the processes in /proc", e);
    let mut all: Vec<Proc> = all_processes().map_err(failed)?.flatten().collect();
    all.sort_by_key(|process| process.pid);
    Ok(all)
}

fn pid_of(process: &Proc) -> u32 {
    process.pid.unsigned_abs()
}

fn named(name: &str, target: &Process) -> Result<Vec<Site>, FaultError> {
    let mut sites = Vec::new();
    let ancestors = ancestors();
    for process in all()? {
        // What cannot be read has ended or is hidden from us.
        let Ok(stat) = process.stat() else { continue };
        let ours = ancestors.contains(&process.pid) || is_watchdog(&process);
        if !ours && !is_kernel(&stat) && goes_by(name, &process, &stat) {
            sites.extend(site(pid_of(&process))?);
        }
    }
    if sites.is_empty() {
        let why = "no process that can be seen has this command name or program file name";
        return Err(FaultError::no_target(target.describe(), why));
    }
    Ok(sites)
}

/// This process, and those that it was started from: its shell, its test runner.
fn ancestors() -> Vec<i32> {
    let mut pids = Vec::new();
    let mut next = Proc::myself().ok();
    while let Some(process) = next {
        pids.push(process.pid);
        let parent = process.stat().map_or(0, |stat| stat.ppid);
        // Pids are used again: nobody is his own grandfather.
        next = (parent > 0 && !pids.contains(&parent))
            .then(|| Proc::new(parent).ok())
            .flatten();
    }
    pids
}

/// Watchdogs must go on whatever happens.
fn is_watchdog(process: &Proc) -> bool {
    fs::read(format!("/proc/{}/environ", process.pid)).is_ok_and(|environment| {
        environment
            .split(|byte| *byte == 0)
            .filter_map(|variable| variable.split(|byte| *byte == b'=').next())
            .any(|name| name == watchdog::OWNER.as_bytes())
    })
}

pub(super) fn is_kernel(stat: &Stat) -> bool {
    StatFlags::from_bits_truncate(stat.flags).contains(StatFlags::PF_KTHREAD)
}

fn goes_by(name: &str, process: &Proc, stat: &Stat) -> bool {
    stat.comm == name
        || process.cmdline().is_ok_and(|words| {
            words.first().is_some_and(|program| {
                Path::new(program)
                    .file_name()
                    .is_some_and(|file| file == name)
            })
        })
}

fn listening_on(port: u16, target: &Process) -> Result<Vec<Site>, FaultError> {
    let failed = |e: ProcError| FaultError::host("read /proc/net/tcp", e);
    let mut sockets = procfs::net::tcp().map_err(failed)?;
    match procfs::net::tcp6() {
        Ok(more) => sockets.extend(more),
        // A kernel without IPv6.
        Err(ProcError::NotFound(_)) => {}
        Err(e) => return Err(failed(e)),
    }
    sockets.retain(|s| s.state == TcpState::Listen && s.local_address.port() == port);
    let Some(first) = sockets.first() else {
        let why = format!("nothing listens on TCP port {port} in this network namespace");
        return Err(FaultError::no_target(target.describe(), why));
    };
    let owner = first.uid;

    let mut sites = Vec::new();
    for process in all()? {
        // Other users' descriptors are hidden from us, and a process may end at any time.
        let Ok(descriptors) = process.fd() else {
            continue;
        };
        let held: BTreeSet<u64> = descriptors
            .flatten()
            .filter_map(|descriptor| match descriptor.target {
                FDTarget::Socket(inode) => Some(inode),
                _ => None,
            })
            .collect();
        let addresses: BTreeSet<SocketAddr> = sockets
            .iter()
            .filter(|socket| held.contains(&socket.inode))
            .map(|socket| reachable(socket.local_address))
            .collect();
        if !addresses.is_empty()
            && let Some(site) = site(pid_of(&process))?
        {
            sites.push(addresses.into_iter().fold(site, Site::with_address));
        }
    }
    if sites.is_empty() {
        let why = format!(
            "a process of user {owner} listens on TCP port {port} and cannot be seen from here; \
             run as that user or as root"
        );
        return Err(FaultError::no_target(target.describe(), why));
    }
    Ok(sites)
}

/// An address to connect to: who listens everywhere answers on loopback.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

fn of_pidfile(path: &Path, target: &Process) -> Result<Site, FaultError> {
    let missing = |why: String| FaultError::no_target(target.describe(), why);
    let failed = |e: io::Error| FaultError::host(format!("read {}", path.display()), e);
    let mut text = String::new();
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            return Err(missing("the file does not exist".into()));
        }
        Err(e) => return Err(failed(e)),
    };
    let written = file.metadata().and_then(|m| m.modified()).map_err(failed)?;
    match file.take(4096).read_to_string(&mut text) {
        Err(e) if e.kind() != io::ErrorKind::InvalidData => return Err(failed(e)),
        _ => {}
    }
    // Some hold more lines: postgres writes its directory and port into the next ones.
    let first = text.lines().next().unwrap_or_default().trim();
    let pid = first.parse().ok().filter(|pid| *pid > 0);
    let pid: u32 = pid.ok_or_else(|| missing("it does not begin with a pid".to_owned()))?;
    let stale = |why: &str| missing(format!("it is stale: {why}"));
    let site = site(pid)?.ok_or_else(|| stale(&format!("no process has pid {pid}")))?;

    let started = site.pid().map_or(0, |id| id.started);
    let ticks = procfs::ticks_per_second().max(1);
    let age = since_boot().saturating_sub(Duration::from_millis(started * 1000 / ticks));
    // A file from the future says nothing.
    let file_age = written.elapsed().unwrap_or_default();
    if file_age > age + PIDFILE_SLACK {
        return Err(stale(&format!(
            "pid {pid} was started after the file was written"
        )));
    }
    Ok(site)
}
