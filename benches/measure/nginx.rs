//! A real server that answers at once.

use chaos_benches::{
    Result,
    process::{Process, await_port, free_port},
};
use std::{fs, process::Command};
use tempfile::TempDir;

/// An nginx of one process, which keeps connections for ever.
#[derive(Debug)]
pub(crate) struct Nginx {
    pub(crate) port: u16,
    pub(crate) process: Process,
    _dir: TempDir,
}

impl Nginx {
    /// Starts one; `command` is what nginx is started with.
    pub(crate) fn start(mut command: Command) -> Result<Self> {
        let (dir, port) = (TempDir::new()?, free_port()?);
        let path = dir.path().display();
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .iter()
            .map(|name| format!("{name}_temp_path {path}/{name};"))
            .collect();
        let file = dir.path().join("nginx.conf");
        fs::write(
            &file,
            format!(
                "daemon off; master_process off; pid {path}/pid; error_log stderr;
                 worker_rlimit_nofile 20000; events {{ worker_connections 8000; }}
                 http {{ access_log off; keepalive_requests 1000000000; keepalive_timeout 1h; {temporary}
                   server {{ listen 127.0.0.1:{port} backlog=128; location / {{ return 200 'ok'; }} }} }}"
            ),
        )?;
        command
            .args(["nginx", "-p", &path.to_string(), "-e", "stderr", "-c"])
            .arg(&file);
        let process = Process::start(&mut command)?;
        await_port(port)?;
        Ok(Self {
            port,
            process,
            _dir: dir,
        })
    }

    /// Started as it is.
    pub(crate) fn plain() -> Result<Self> {
        Self::start(Command::new("env"))
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }
}
