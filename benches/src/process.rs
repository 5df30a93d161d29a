//! Programs that are measured, and what they use.

use crate::Result;
use std::{
    fs, io,
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// A program that ends with this value.
#[derive(Debug)]
pub struct Process(Child);

impl Process {
    /// Starts a program that says nothing.
    ///
    /// # Errors
    /// There is no such program.
    pub fn start(command: &mut Command) -> Result<Self> {
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null());
        let child = quiet.stderr(Stdio::null()).spawn();
        Ok(Self(child.map_err(|e| format!("{command:?}: {e}"))?))
    }

    /// One that was started already.
    pub fn of(child: Child) -> Self {
        Self(child)
    }

    /// Its pid.
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// Its pid and those of its descendants.
    fn pids(&self) -> Vec<u32> {
        let all = parents();
        let mut pids = vec![self.0.id()];
        let mut next = 0;
        while let Some(parent) = pids.get(next).copied() {
            let children = all.iter().filter(|(_, of)| *of == parent);
            pids.extend(children.map(|(pid, _)| *pid));
            next += 1;
        }
        pids
    }

    /// The processor time it has used so far, in seconds.
    pub fn cpu(&self) -> f64 {
        let threads = self.pids().into_iter().flat_map(|pid| {
            fs::read_dir(format!("/proc/{pid}/task"))
                .into_iter()
                .flatten()
        });
        let nanos = threads.flatten().filter_map(|thread| {
            let stat = fs::read_to_string(thread.path().join("schedstat")).ok()?;
            stat.split(' ').next()?.parse::<f64>().ok()
        });
        nanos.sum::<f64>() / 1e9
    }

    /// Its share of the memory, in bytes.
    pub fn memory(&self) -> f64 {
        let shares = self.pids().into_iter().filter_map(|pid| {
            let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
            let line = rollup.lines().find(|line| line.starts_with("Pss:"))?;
            line.split_whitespace().nth(1)?.parse::<f64>().ok()
        });
        shares.sum::<f64>() * 1024.0
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let pids = self.pids();
        // Asked first, because some start their children again when these are killed.
        signal("-TERM", &pids[..1]);
        let start = Instant::now();
        while matches!(self.0.try_wait(), Ok(None)) && start.elapsed() < Duration::from_secs(2) {
            thread::sleep(Duration::from_millis(10));
        }
        self.0.kill().ok();
        self.0.wait().ok();
        // What a program that was asked to end leaves behind.
        signal("-KILL", &pids[1..]);
    }
}

fn signal(signal: &str, pids: &[u32]) {
    if !pids.is_empty() {
        let mut kill = Command::new("kill");
        kill.arg(signal).args(pids.iter().map(u32::to_string));
        kill.stderr(Stdio::null()).status().ok();
    }
}

/// Every process with its parent.
fn parents() -> Vec<(u32, u32)> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let parent = |entry: fs::DirEntry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        // After the name, which may contain anything: the state and the parent.
        let (_, rest) = stat.rsplit_once(") ")?;
        Some((pid, rest.split(' ').nth(1)?.parse().ok()?))
    };
    entries.filter_map(parent).collect()
}

/// A port that is free right now.
///
/// # Errors
/// There is none.
pub fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Waits until somebody listens.
///
/// # Errors
/// Nobody does within ten seconds.
pub fn await_port(port: u16) -> Result<()> {
    let start = Instant::now();
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    while TcpStream::connect(address).is_err() {
        if start.elapsed() > Duration::from_secs(10) {
            return Err(format!("nobody listens on port {port}").into());
        }
        thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}
