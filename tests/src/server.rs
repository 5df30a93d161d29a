//! Real servers, started for one test and ended with it.

mod chromedriver;
mod container;
mod dnsmasq;
mod nginx;
mod postgres;
mod prometheus;
mod redis;

pub use chromedriver::Chromedriver;
pub use container::RedisContainer;
pub use dnsmasq::Dnsmasq;
pub use nginx::Nginx;
pub use postgres::Postgres;
pub use prometheus::Prometheus;
pub use redis::Redis;

use chaos_core::BoxError;
use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, Uid, User},
};
use std::{
    env,
    ffi::OsStr,
    fs::{self, File},
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// Longer than any server takes to start or to end.
const PATIENCE: Duration = Duration::from_secs(30);
/// Another program may take a free port before the server does.
const TRIES: u32 = 3;

/// A server program in its own directory, on a free loopback port. Dropping it ends the process and removes the
/// directory; the process also ends with the thread that started it.
#[derive(Debug)]
pub struct Server {
    running: Running,
    address: SocketAddr,
    program: PathBuf,
    arguments: Vec<String>,
    dir: TempDir,
}

impl Server {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process; of several, the main one.
    pub fn pid(&self) -> u32 {
        self.running.child.id()
    }

    /// What it has on disk.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Sends a signal to its main process.
    ///
    /// # Errors
    /// The process has ended.
    pub fn signal(&self, signal: Signal) -> Result<(), BoxError> {
        self.running.signal(signal)
    }

    /// Kills its process, as `kill -9` does, and waits until it is gone.
    ///
    /// # Errors
    /// The process has ended.
    pub fn kill(&mut self) -> Result<(), BoxError> {
        self.running.child.kill()?;
        self.running.child.wait()?;
        Ok(())
    }

    /// Starts it again, on the same port, once it was killed. Does not wait until it answers.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start_again(&mut self) -> Result<(), BoxError> {
        let end_by = self.running.end_by;
        let child = spawn(&self.program, end_by, &self.arguments, self.dir.path())?;
        self.running = Running { child, end_by };
        Ok(())
    }

    /// Starts `program` in `dir` on a free port; `arguments` are for that port. Waits until `answers` says so.
    #[expect(
        clippy::future_not_send,
        reason = "a server belongs to the thread of its test"
    )]
    async fn start(
        dir: TempDir,
        program: &Path,
        end_by: Signal,
        arguments: impl Fn(u16) -> Vec<String>,
        answers: impl AsyncFn(SocketAddr) -> Result<(), BoxError>,
    ) -> Result<Self, BoxError> {
        let log = dir.path().join("log");
        for _ in 0..TRIES {
            let address = free_address()?;
            let arguments = arguments(address.port());
            let child = spawn(program, end_by, &arguments, dir.path())?;
            let mut running = Running { child, end_by };
            if running.comes_up(|| answers(address)).await? {
                return Ok(Self {
                    running,
                    address,
                    program: program.to_owned(),
                    arguments,
                    dir,
                });
            }
        }
        let said = fs::read_to_string(&log).unwrap_or_default();
        Err(format!("{} does not start: {said}", program.display()).into())
    }
}

/// Starts a program, which writes what it says to `log` in the directory.
fn spawn(
    program: &Path,
    end_by: Signal,
    arguments: &[String],
    dir: &Path,
) -> Result<Child, BoxError> {
    let mut command = as_user(program, end_by)?;
    let output = File::create(dir.join("log"))?;
    command
        .args(arguments)
        .stdout(output.try_clone()?)
        .stderr(output);
    Ok(command.spawn()?)
}

/// A process that ends when it is dropped.
#[derive(Debug)]
struct Running {
    child: Child,
    end_by: Signal,
}

impl Running {
    /// Whether it answers; no, when it has ended.
    async fn comes_up(
        &mut self,
        answers: impl AsyncFn() -> Result<(), BoxError>,
    ) -> Result<bool, BoxError> {
        let start = Instant::now();
        while self.child.try_wait()?.is_none() {
            match answers().await {
                Ok(()) => return Ok(true),
                Err(error) if start.elapsed() > PATIENCE => return Err(error),
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
        Ok(false)
    }

    fn signal(&self, signal: Signal) -> Result<(), BoxError> {
        let pid = Pid::from_raw(i32::try_from(self.child.id())?);
        Ok(kill(pid, signal)?)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A child that nobody has waited for: its pid is nobody else's.
        if matches!(self.child.try_wait(), Ok(None)) {
            // One that was stopped would not hear of its end.
            for signal in [self.end_by, Signal::SIGCONT] {
                self.signal(signal).ok();
            }
        }
        let start = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) {
            if start.elapsed() > PATIENCE {
                self.child.kill().ok();
            }
            thread::sleep(Duration::from_millis(10));
        }
    }
}

fn free_address() -> Result<SocketAddr, BoxError> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// An empty directory that belongs to the user of [`as_user`].
fn directory() -> Result<TempDir, BoxError> {
    let dir = tempfile::Builder::new().prefix("chaos-tests-").tempdir()?;
    if let Some(user) = other_user()? {
        let (uid, gid) = (user.uid.as_raw(), user.gid.as_raw());
        std::os::unix::fs::chown(dir.path(), Some(uid), Some(gid))?;
    }
    Ok(dir)
}

/// A command as a user without privileges, which gets a signal when this thread ends.
fn as_user(program: &Path, at_end: Signal) -> Result<Command, BoxError> {
    let mut command = Command::new("setpriv");
    let at_end = at_end.as_str().trim_start_matches("SIG");
    command.args(["--pdeathsig", at_end]);
    if let Some(user) = other_user()? {
        command.arg(format!("--reuid={}", user.uid));
        command.arg(format!("--regid={}", user.gid));
        command.arg("--clear-groups");
    }
    command.arg("--").arg(program);
    command.env_remove("LD_PRELOAD").current_dir("/");
    Ok(command)
}

/// Root runs servers as somebody else: PostgreSQL insists.
fn other_user() -> Result<Option<User>, BoxError> {
    if !Uid::effective().is_root() {
        return Ok(None);
    }
    for name in ["postgres", "nobody"] {
        if let Some(user) = User::from_name(name)? {
            return Ok(Some(user));
        }
    }
    Err("there is neither a user `postgres` nor `nobody`".into())
}

/// A program on the PATH or in one of these directories.
fn find(name: &str, more: Vec<PathBuf>, package: &str) -> Result<PathBuf, BoxError> {
    let path = env::var_os("PATH").unwrap_or_default();
    let dirs = more.into_iter().chain(env::split_paths(&path));
    dirs.map(|dir| dir.join(name))
        .find(|program| program.is_file())
        .ok_or_else(|| format!("needs `{name}` (apt-get install {package})").into())
}

/// Whether somebody accepts connections there.
async fn connects(address: SocketAddr) -> Result<(), BoxError> {
    tokio::net::TcpStream::connect(address).await?;
    Ok(())
}

fn text(path: &Path) -> String {
    AsRef::<OsStr>::as_ref(path).to_string_lossy().into_owned()
}
