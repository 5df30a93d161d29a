//! Something to break, and the command that breaks it.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

/// A directory for files and the undo log, and a small HTTP server to break.
pub(crate) struct Scene {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) server: SocketAddr,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = listener.local_addr().unwrap();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                thread::spawn(move || answer(stream));
            }
        });
        Self {
            dir: tempfile::tempdir().unwrap(),
            server,
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn file(&self, scenarios: &str) -> PathBuf {
        self.file_with(
            "slo_targets: { max_recovery_time_seconds: null }",
            scenarios,
        )
    }

    pub(crate) fn file_with(&self, more: &str, scenarios: &str) -> PathBuf {
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let path = self.path("chaos.yaml");
        let server = self.server;
        let text = format!(
            "base_url: http://127.0.0.1:{port}\n\
             targets:\n  web: {{ proxy: {{ listen: \"127.0.0.1:{port}\", upstream: \"{server}\" }} }}\n\
             load: {{ http: {{ url: \"${{base_url}}/\", rate: 100/s, timeout: 500ms }} }}\n\
             probes:\n  health: {{ http: {{ url: \"${{base_url}}/\", status: 200 }}, every: 100ms }}\n\
             baseline: 2500ms\nrecovery_limit: 10s\n{more}\nscenarios:\n{scenarios}"
        );
        std::fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn chaos(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chaos"));
        command
            .args(args)
            .env("CHAOS_STATE_DIR", self.path("state"))
            .env("NO_COLOR", "1")
            .env_remove("RUST_LOG")
            .stdin(Stdio::null());
        command
    }

    /// What the command did, asked again where it could measure nothing.
    pub(crate) fn run(&self, args: &[&str]) -> Output {
        measured(|| self.chaos(args).output().unwrap())
    }

    /// A command that is under way once it has come to something; begun again where it ended with 3 before that.
    pub(crate) fn comes_to(
        &self,
        what: &str,
        command: &mut Command,
        mut there: impl FnMut() -> bool,
    ) -> Child {
        for _ in 0..TRIES {
            let mut child = command.spawn().unwrap();
            let mut ended = None;
            wait_for(what, Duration::from_secs(30), || {
                ended = child.try_wait().unwrap();
                ended.is_some() || there()
            });
            match ended.map(|status| status.code()) {
                None => return child,
                Some(Some(3)) => {}
                Some(_) => panic!("{what}: {}", told(&child.wait_with_output().unwrap())),
            }
        }
        panic!("{what}: this machine is too busy to measure");
    }

    pub(crate) fn undo_logs(&self) -> usize {
        self.logs().len()
    }

    /// Whether a change has been made and was seen to be in place.
    pub(crate) fn has_applied(&self) -> bool {
        let logs = self.logs();
        let mut texts = logs
            .iter()
            .filter_map(|log| std::fs::read_to_string(log).ok());
        texts.any(|text| text.contains("\"applied\""))
    }

    fn logs(&self) -> Vec<PathBuf> {
        let files = |dir: PathBuf| std::fs::read_dir(dir).into_iter().flatten().flatten();
        let logs = files(self.path("state")).flat_map(|dir| files(dir.path()));
        logs.map(|log| log.path())
            .filter(|log| log.extension().is_some_and(|e| e == "jsonl"))
            .collect()
    }
}

/// How often a command is asked that could measure nothing.
pub(crate) const TRIES: usize = 8;

/// What a command did, asked again a few times where the machine was too busy for its load to measure anything.
pub(crate) fn measured(mut once: impl FnMut() -> Output) -> Output {
    for _ in 1..TRIES {
        let output = once();
        if !was_too_busy(&told(&output)) {
            return output;
        }
    }
    once()
}

/// Whether a run blames its instrument, or a baseline that was disturbed, and not the target.
fn was_too_busy(told: &str) -> bool {
    let blames = [
        "the load generator itself was",
        "the load generator could not send",
        "the load generator was too late to send",
        "requests failed in the queue of the load",
        "the two halves of the baseline differs",
    ];
    blames.iter().any(|blame| told.contains(blame))
}

pub(crate) fn answer(mut stream: TcpStream) {
    stream.set_nodelay(true).ok();
    let mut seen = Vec::new();
    let mut buffer = [0; 1024];
    while let Ok(n @ 1..) = stream.read(&mut buffer) {
        seen.extend_from_slice(&buffer[..n]);
        while let Some(end) = seen.windows(4).position(|w| w == b"\r\n\r\n") {
            seen.drain(..end + 4);
            if stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
                .is_err()
            {
                return;
            }
        }
    }
}

pub(crate) fn told(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

pub(crate) fn wait_for(what: &str, limit: Duration, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < limit, "{what}: not within {limit:?}");
        thread::sleep(Duration::from_millis(10));
    }
}

pub(crate) const SLOW: &str = "  - { name: Slow, type: net.latency, target: web, duration: 2500ms, parameters: { latency: 50ms } }\n";
pub(crate) const DOWN: &str = "  - { name: Down, type: net.refuse, target: web, duration: 2s }\n";
