//! What the tests share: processes of their own, and looks at the host from outside.

use chaos_core::{Engine, Registry};
use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

pub(crate) fn registry() -> Registry {
    let mut registry = Registry::new();
    chaos_faults_resource::register(&mut registry);
    registry
}

/// An engine with an undo log of its own.
pub(crate) async fn engine(state: &Path) -> Engine {
    let builder = Engine::builder().registry(registry());
    builder.state_dir(state.join("undo")).open().await.unwrap()
}

/// A child process. Dropping it ends it, also when it is stopped.
#[derive(Debug)]
pub(crate) struct Victim(pub(crate) Child);

impl Victim {
    /// Sleeps for longer than any test.
    pub(crate) fn sleeping() -> Self {
        Self(Command::new("sleep").arg("1000").spawn().unwrap())
    }

    /// Runs a script, whose standard output is a pipe.
    pub(crate) fn running(script: &str) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", script]).stdout(Stdio::piped());
        Self(command.spawn().unwrap())
    }

    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Sends a signal as somebody else would.
    pub(crate) fn signal(&self, name: &str) {
        signal(self.pid(), name);
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

pub(crate) fn signal(pid: u32, name: &str) {
    let status = Command::new("kill").args([name, &pid.to_string()]).status();
    assert!(status.unwrap().success());
}

/// The state letter of `/proc/PID/stat`: S, R, T, Z.
pub(crate) fn letter(pid: u32) -> char {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let (_, rest) = stat.rsplit_once(')').unwrap();
    rest.trim_start().chars().next().unwrap()
}

/// Waits until it is so.
pub(crate) fn eventually(what: &str, so: impl Fn() -> bool) {
    let start = Instant::now();
    while !so() {
        assert!(start.elapsed() < Duration::from_secs(20), "never: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The threads of this process that have this name. A thread that is about to vanish is given the time to.
pub(crate) fn threads(name: &str) -> Vec<String> {
    let start = Instant::now();
    loop {
        let mut found = Vec::new();
        for task in fs::read_dir("/proc/self/task").unwrap().flatten() {
            let comm = fs::read_to_string(task.path().join("comm")).unwrap_or_default();
            if comm.trim_end() == name {
                found.push(task.file_name().into_string().unwrap());
            }
        }
        if found.is_empty() || start.elapsed() > Duration::from_millis(50) {
            return found;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}
