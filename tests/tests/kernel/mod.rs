//! Victims, scenes, and what is looked at afterwards.

mod cgroup;

use chaos_core::{
    BoxError, Engine, FaultExt, Host, Placed, Registry, Watchdog, machine_id,
    testing::crash_points, watchdog,
};
use chaos_faults_net::{Netns, Partition};
use chaos_faults_resource::{DiskFill, Pause, Process};
use libtest_mimic::{Failed, Trial};
use std::{
    fs,
    os::unix::process::ExitStatusExt,
    path::PathBuf,
    process::{Child, Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

/// Set for a victim: the directory of its scene, the pid of the process to stop, the pid in the namespace, and whether
/// a watchdog guards it.
const DIR: &str = "CHAOS_TEST_DIR";
const STOPPED: &str = "CHAOS_TEST_STOPPED";
const NAMESPACE: &str = "CHAOS_TEST_NAMESPACE";
const GUARDED: &str = "CHAOS_TEST_GUARDED";

/// How many rounds of every point.
const ROUNDS: usize = 5;

fn registry() -> Registry {
    let mut registry = Registry::new();
    chaos_faults_net::register(&mut registry);
    chaos_faults_resource::register(&mut registry);
    registry
}

/// Is the watchdog or the victim, if this process was started as one.
pub(crate) fn part_asked_for() -> Option<ExitCode> {
    watchdog::run_if_asked(&registry()).or_else(|| {
        let dir = PathBuf::from(std::env::var_os(DIR)?);
        Some(match block_on(victim(dir)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        })
    })
}

pub(crate) fn trials() -> Vec<Trial> {
    let trial = |name, test: fn() -> Result<(), BoxError>| {
        Trial::test(name, move || {
            test().map_err(|e| Failed::from(e.to_string()))
        })
    };
    vec![
        trial(
            "killed_at_every_point_a_second_process_recovers_all_of_it",
            by_second_process,
        ),
        trial(
            "killed_at_every_point_the_watchdog_alone_recovers_all_of_it",
            by_watchdog,
        ),
        trial(
            "a_cgroup_of_its_own_is_watched_with_all_that_is_in_it",
            cgroup::is_watched,
        ),
    ]
}

fn by_second_process() -> Result<(), BoxError> {
    every_point(ROUNDS, "", |scene, point| {
        block_on(second_process(scene))?;
        scene.is_clean().map_err(|e| format!("{point}: {e}").into())
    })
}

fn by_watchdog() -> Result<(), BoxError> {
    every_point(1, "1", |scene, point| {
        let start = Instant::now();
        while let Err(left) = scene.is_clean() {
            if start.elapsed() > Duration::from_secs(10) {
                return Err(format!("{point}: {left}").into());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    })
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(future)
}

async fn victim(dir: PathBuf) -> Result<(), BoxError> {
    let number = |name: &str| -> Result<u32, BoxError> { Ok(std::env::var(name)?.parse()?) };
    let mut builder = Engine::builder()
        .registry(registry())
        .state_dir(dir.join("state"));
    if !std::env::var(GUARDED)?.is_empty() {
        builder = builder.watchdog(Watchdog::reexec()?);
    }
    let engine = builder.open().await?;
    engine
        .inject(faults(&dir, number(STOPPED)?, number(NAMESPACE)?))
        .await?
        .recover()
        .await?;
    Ok(())
}

/// Three changes, one of each kind, in one injection.
fn faults(dir: &std::path::Path, stopped: u32, namespace: u32) -> Vec<Placed> {
    let size = "64KiB".parse().expect("a size");
    vec![
        DiskFill::size(dir.join("fill"), size)
            .on(&Host)
            .allow_host(),
        Pause::new().on(&Process::pid(stopped)),
        Partition::all().on(&Netns::of_pid(namespace)),
    ]
}

/// A directory to fill, a process to stop, a process in a namespace of its own.
struct Scene {
    dir: tempfile::TempDir,
    stopped: Child,
    namespace: Child,
}

impl Scene {
    fn new() -> Result<Self, BoxError> {
        let dir = tempfile::tempdir()?;
        fs::create_dir(dir.path().join("fill"))?;
        let sleep = |program: &str, args: &[&str]| {
            Command::new(program)
                .args(args)
                .stdin(Stdio::null())
                .spawn()
        };
        let scene = Self {
            dir,
            stopped: sleep("sleep", &["1000"])?,
            namespace: sleep("unshare", &["--net", "sleep", "1000"])?,
        };
        let ours = fs::read_link("/proc/self/ns/net")?;
        let start = Instant::now();
        while fs::read_link(format!("/proc/{}/ns/net", scene.namespace.id()))? == ours {
            if start.elapsed() > Duration::from_secs(10) {
                return Err("there is no namespace for the test; this needs root".into());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(scene)
    }

    fn dies_at(&self, point: &str, guarded: &str) -> Result<(), BoxError> {
        let status = Command::new(std::env::current_exe()?)
            .env(DIR, self.dir.path())
            .env(STOPPED, self.stopped.id().to_string())
            .env(NAMESPACE, self.namespace.id().to_string())
            .env(GUARDED, guarded)
            .env("CHAOS_CRASH_AT", point)
            .status()?;
        match status.signal() {
            Some(9) => Ok(()),
            _ => Err(
                format!("the victim was to be killed at {point}, and ended with {status}").into(),
            ),
        }
    }

    /// What is on the host: files, whether the process is stopped, tables; with other eyes than ours.
    fn seen(&self) -> Result<(usize, bool, usize), BoxError> {
        let files = fs::read_dir(self.dir.path().join("fill"))?.count();
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.stopped.id()))?;
        let stopped = stat
            .rsplit_once(") ")
            .is_some_and(|(_, rest)| rest.starts_with('T'));
        let pid = self.namespace.id().to_string();
        let listed = Command::new("nsenter")
            .args(["--net", "--target", &pid, "nft", "list", "tables"])
            .output()?;
        if !listed.status.success() {
            return Err(format!("nft: {}", String::from_utf8_lossy(&listed.stderr)).into());
        }
        Ok((
            files,
            stopped,
            String::from_utf8_lossy(&listed.stdout).lines().count(),
        ))
    }

    fn is_clean(&self) -> Result<(), BoxError> {
        let logs =
            fs::read_dir(self.dir.path().join("state").join(machine_id())).map_or(0, |items| {
                items
                    .flatten()
                    .filter(|i| i.path().extension().is_some_and(|e| e == "jsonl"))
                    .count()
            });
        match (self.seen()?, logs) {
            ((0, false, 0), 0) => Ok(()),
            ((files, stopped, tables), logs) => Err(format!(
                "left: {files} files, stopped {stopped}, {tables} tables, {logs} logs"
            )
            .into()),
        }
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        for child in [&mut self.stopped, &mut self.namespace] {
            child.kill().and_then(|()| child.wait()).ok();
        }
    }
}

/// How many of the three changes are in place when the victim dies at a point.
fn in_place_at(point: &str) -> usize {
    let (at, n) = point.split_once(':').unwrap_or((point, "0"));
    let n: usize = n.parse().unwrap_or(0);
    match at {
        "after-intent" | "after-undo" | "after-undone" => n,
        "after-apply" | "after-applied" | "before-undo" => n + 1,
        _ => 0,
    }
}

fn every_point(
    rounds: usize,
    guarded: &str,
    recovers: impl Fn(&Scene, &str) -> Result<(), BoxError>,
) -> Result<(), BoxError> {
    for _ in 0..rounds {
        for point in crash_points(3) {
            let scene = Scene::new()?;
            scene.dies_at(&point, guarded)?;
            if guarded.is_empty() {
                let (files, stopped, tables) = scene.seen()?;
                let n = in_place_at(&point);
                let expected = (usize::from(n > 0), n > 1, usize::from(n > 2));
                if (files, stopped, tables) != expected {
                    return Err(format!(
                        "{point}: {files} {stopped} {tables} instead of {expected:?}"
                    )
                    .into());
                }
            }
            recovers(&scene, &point)?;
        }
    }
    Ok(())
}

/// A fresh engine, that knows nothing but the log.
async fn second_process(scene: &Scene) -> Result<(), BoxError> {
    let engine = Engine::builder()
        .registry(registry())
        .state_dir(scene.dir.path().join("state"))
        .open()
        .await?;
    let again = engine.recover_orphans().await?;
    match (again.changes(), again.is_clean()) {
        (0, true) => Ok(()),
        _ => Err(format!("opening had left something: {again:?}").into()),
    }
}
