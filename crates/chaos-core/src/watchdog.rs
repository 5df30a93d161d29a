//! A second process that recovers when this one is killed or hangs.
//!
//! It is a new program, not a fork: it inherits no lock and no memory. It knows what to do from the undo log
//! alone, learns of the owner's death from the end of its standard input and from the log's lock, and ends when
//! the owner has ended without leaving anything.

use crate::{
    Chain, EngineError, Registry,
    engine::{Shared, Warden, recover_found, take_over},
    identity,
    undo_log::{Found, Scan, StateDir},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeSet,
    ffi::OsString,
    io::{self, BufRead, BufReader, Read, Write},
    path::PathBuf,
    process::{Child, Command, ExitCode, Stdio},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
    time::Duration,
};
use tokio::{sync::watch, time::timeout};

/// Set for the watchdog: the directory of the undo log.
const STATE_DIR: &str = "CHAOS_WATCHDOG_STATE_DIR";
/// Set for the watchdog: the pid of its owner. A process that has it in its environment is a watchdog.
pub const OWNER: &str = "CHAOS_WATCHDOG_OWNER";
/// How often the logs are looked at.
const TICK: Duration = Duration::from_millis(100);
/// How long a watchdog may take to end when its owner has nothing left to watch.
const END_LIMIT: Duration = Duration::from_secs(5);
/// How long a watchdog may take to announce itself.
const START_LIMIT: Duration = Duration::from_secs(10);

/// How to start the watchdog.
#[derive(Debug, Clone)]
#[must_use = "give it to `EngineBuilder::watchdog`"]
pub struct Watchdog {
    program: PathBuf,
    args: Vec<OsString>,
    kill_hung_owner: bool,
}

impl Watchdog {
    /// This very program, whose `main` begins with [`run_if_asked`].
    ///
    /// # Errors
    /// The program's own path is not known.
    pub fn reexec() -> io::Result<Self> {
        std::env::current_exe().map(Self::command)
    }

    /// Another program that calls [`run_if_asked`], such as `chaos`.
    pub fn command(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            kill_hung_owner: false,
        }
    }

    /// Adds an argument for the program.
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Lets the watchdog kill this process (SIGKILL) when it is still there past the time limit of an
    /// injection. Without it the watchdog undoes the changes behind this process's back and tells it through
    /// the log.
    pub fn kill_hung_owner(mut self) -> Self {
        self.kill_hung_owner = true;
        self
    }

    /// Starts it, and waits until it has said what it can undo.
    pub(crate) fn start(self, dir: &StateDir) -> Result<Running, EngineError> {
        let failed = |why: String| EngineError::Watchdog(why.into());
        let mut command = Command::new(&self.program);
        command
            .args(&self.args)
            .env(STATE_DIR, dir.base())
            .env(OWNER, std::process::id().to_string())
            .env_remove("CHAOS_CRASH_AT")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        // Ctrl-C goes to a whole process group; the watchdog is to outlive it.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn().map_err(|e| {
            failed(format!(
                "{} could not be started: {e}",
                self.program.display()
            ))
        })?;

        let stdout = child.stdout.take();
        let (tx, rx) = mpsc::channel();
        let reader = move || {
            let mut line = String::new();
            // Not by `read_line`, which a program with endless output and no newline would feed for ever.
            if let Some(stdout) = stdout {
                BufReader::new(stdout.take(1 << 20))
                    .read_line(&mut line)
                    .ok();
            }
            tx.send(line).ok();
        };
        let spawned = thread::Builder::new()
            .name("chaos-watchdog".into())
            .spawn(reader);
        let line = spawned
            .ok()
            .and_then(|_| rx.recv_timeout(START_LIMIT).ok())
            .unwrap_or_default();
        match serde_json::from_str::<Announcement>(&line) {
            Ok(announcement) => Ok(Running {
                child: Mutex::new(child),
                undos: announcement.undos,
                kill_hung_owner: self.kill_hung_owner,
            }),
            Err(_) => {
                child.kill().and_then(|()| child.wait()).ok();
                Err(failed(format!(
                    "{} did not announce itself as a watchdog; its `main` must begin with `watchdog::run_if_asked`",
                    self.program.display()
                )))
            }
        }
    }
}

/// What a watchdog says first.
#[derive(Debug, Serialize, Deserialize)]
struct Announcement {
    undos: BTreeSet<(String, u32)>,
}

/// A watchdog that runs. Its standard input is open as long as this process lives.
#[derive(Debug)]
pub(crate) struct Running {
    child: Mutex<Child>,
    undos: BTreeSet<(String, u32)>,
    kill_hung_owner: bool,
}

impl Running {
    pub(crate) fn can_undo(&self, kind: &str, version: u32) -> Result<(), String> {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        if let Ok(Some(status)) = child.try_wait() {
            return Err(format!("the watchdog has ended ({status})"));
        }
        if self.undos.iter().any(|(k, v)| k == kind && *v == version) {
            Ok(())
        } else {
            Err(format!(
                "the watchdog cannot undo `{kind}` version {version}; register it before `run_if_asked`"
            ))
        }
    }

    /// Says when it has ended before its owner, or cannot act.
    pub(crate) fn trouble(&self) -> Option<String> {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        let what = match child.try_wait() {
            Ok(Some(status)) => format!("has ended ({status})"),
            Ok(None) if is_stopped(child.id()) => "was stopped by a signal".to_owned(),
            _ => return None,
        };
        Some(format!(
            "the watchdog {what}; from then on nobody would have recovered after a kill"
        ))
    }

    pub(crate) fn kills_hung_owner(&self) -> bool {
        self.kill_hung_owner
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let child = self.child.get_mut().unwrap_or_else(PoisonError::into_inner);
        // Its end of input: it looks once more and ends. One that is stopped is not waited for, one that hangs not long.
        drop(child.stdin.take());
        let start = std::time::Instant::now();
        while matches!(child.try_wait(), Ok(None)) {
            if start.elapsed() > END_LIMIT || is_stopped(child.id()) {
                child.kill().and_then(|()| child.wait()).ok();
                return;
            }
            thread::sleep(Duration::from_millis(2));
        }
    }
}

/// Whether a process was stopped by a signal, where the system tells it.
fn is_stopped(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name of the program may hold anything; it ends with the last `)`.
    stat.rsplit_once(") ")
        .is_some_and(|(_, rest)| rest.starts_with('T'))
}

/// Makes this process a watchdog, if it was started as one. The first line of `main`:
///
/// ```no_run
/// use chaos_core::{Registry, watchdog};
/// use std::process::ExitCode;
///
/// fn main() -> ExitCode {
///     let registry = Registry::new(); // and every fault crate's `register`
///     if let Some(code) = watchdog::run_if_asked(&registry) {
///         return code;
///     }
///     // the program
///     ExitCode::SUCCESS
/// }
/// ```
///
/// `None`: it was not. It may be called inside and outside a runtime.
pub fn run_if_asked(registry: &Registry) -> Option<ExitCode> {
    let base = std::env::var_os(STATE_DIR)?;
    let owner = std::env::var(OWNER).ok()?.parse().ok()?;
    match stand_by(registry, PathBuf::from(base), owner) {
        Ok(true) => Some(ExitCode::SUCCESS),
        Ok(false) => Some(ExitCode::from(5)),
        Err(error) => {
            tracing::error!(error = %Chain(&error), "the watchdog ends");
            Some(ExitCode::from(70))
        }
    }
}

/// Watches until the owner has ended and left nothing. `false`: something could not be undone.
fn stand_by(registry: &Registry, base: PathBuf, owner: u32) -> Result<bool, EngineError> {
    let dir = StateDir::new(Some(base)).map_err(EngineError::UndoLog)?;
    let warden = Warden::start()?;
    let shared = Arc::new(Shared {
        registry: Arc::new(registry.clone()),
        dir,
        warden: warden.clone(),
        step_limit: Duration::from_secs(10),
        drop_grace: Duration::from_secs(30),
        max_duration: Duration::from_secs(600),
        protected: Vec::new(),
        watchdog: None,
    });
    let (owner_gone, gone) = watch::channel(false);
    let announcement = Announcement {
        undos: registry
            .undo_kinds()
            .map(|(kind, version)| (kind.to_owned(), version))
            .collect(),
    };
    let mut line = serde_json::to_vec(&announcement).unwrap_or_default();
    line.push(b'\n');
    let said = io::stdout()
        .write_all(&line)
        .and_then(|()| io::stdout().flush());
    said.map_err(|e| EngineError::Watchdog(e.into()))?;

    thread::Builder::new()
        .name("chaos-owner".into())
        .spawn(move || {
            io::copy(&mut io::stdin(), &mut io::sink()).ok();
            owner_gone.send_replace(true);
        })
        .map_err(EngineError::Warden)?;

    let (tx, rx) = mpsc::channel();
    warden.spawn(async move {
        tx.send(look_after(&shared, owner, gone).await).ok();
    });
    rx.recv().map_err(|_| EngineError::WardenGone)
}

async fn look_after(shared: &Shared, owner: u32, mut owner_gone: watch::Receiver<bool>) -> bool {
    let mut clean = true;
    let mut taken_over: BTreeSet<PathBuf> = BTreeSet::new();
    loop {
        // Asked before the look, so that the last look comes after the owner's last write.
        let over = *owner_gone.borrow_and_update();
        let mut alive = false;
        match Scan::orphans_of(&shared.dir, owner) {
            Ok(scan) => {
                for found in scan
                    .found
                    .into_iter()
                    .filter(|found| found.header.pid == owner)
                {
                    if found.orphan.is_some() {
                        clean = recover_found(shared, found).await.is_clean();
                        continue;
                    }
                    alive = true;
                    if identity::since_boot() > found.header.deadline
                        && !taken_over.contains(&found.path)
                    {
                        // What failed is tried again at the next look.
                        match end_hung(shared, &found).await {
                            Ok(ended) => {
                                clean &= ended;
                                taken_over.insert(found.path);
                            }
                            Err(error) => {
                                tracing::error!(error = %Chain(&error), "could not take over");
                            }
                        }
                    }
                }
            }
            Err(error) => tracing::error!(error = %Chain(&error), "the undo log cannot be read"),
        }
        if over && !alive {
            return clean;
        }
        // The sender is gone only after it has said so.
        timeout(TICK, owner_gone.changed()).await.ok();
        if over {
            tokio::time::sleep(TICK).await;
        }
    }
}

/// The owner still holds changes past their deadline. Whether all of them are gone, or will be by the next look.
async fn end_hung(shared: &Shared, found: &Found) -> Result<bool, EngineError> {
    #[cfg(unix)]
    if found.header.kill_hung_owner
        && let Some(owner) = &found.header.owner
        && owner.is_alive().unwrap_or(false)
    {
        use nix::{sys::signal, unistd::Pid};
        tracing::error!(
            pid = owner.pid,
            "the owner hangs past its time limit and is killed"
        );
        let pid = Pid::from_raw(i32::try_from(owner.pid).unwrap_or_default());
        // Its logs are orphans from now on; the next look recovers them.
        if pid.as_raw() > 1 && signal::kill(pid, signal::Signal::SIGKILL).is_ok() {
            return Ok(true);
        }
        // It may not be killed, so it is treated as one that has not agreed to it.
    }
    tracing::error!(
        pid = found.header.pid,
        "the owner is past its time limit; its changes are undone"
    );
    Ok(take_over(shared, found).await?.is_clean())
}
