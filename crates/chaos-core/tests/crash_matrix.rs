//! Killed with SIGKILL at every point, and the host is put back: by a second process, or by the watchdog alone.
//!
//! Its own `main`, because a watchdog is this very program started again.

#![expect(
    clippy::print_stdout,
    reason = "what a victim says is read by the test"
)]

use chaos_core::{
    Engine, EngineError, Watchdog,
    testing::{World, crash_points},
    watchdog,
};
use libtest_mimic::{Arguments, Failed, Trial};
use std::{
    path::PathBuf,
    process::{Child, Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

/// Set for a victim: where to litter, where the undo log is, how to be guarded, and what to do.
const HOST: &str = "CHAOS_TEST_HOST";
const STATE: &str = "CHAOS_TEST_STATE";
const GUARD: &str = "CHAOS_TEST_GUARD";
const TASK: &str = "CHAOS_TEST_TASK";

const STEPS: u64 = 3;

fn main() -> ExitCode {
    if let Some(code) = watchdog::run_if_asked(&World::registry()) {
        return code;
    }
    if std::env::var_os(HOST).is_some() {
        return victim();
    }
    if cfg!(not(unix)) {
        return ExitCode::SUCCESS;
    }
    let kernel = std::env::var_os("CHAOS_TEST_KERNEL").is_some_and(|asked| asked == "1");
    let trials = vec![
        trial(
            "killed_at_every_point_a_second_process_recovers",
            killed_at_every_point,
        ),
        trial(
            "killed_at_any_time_a_second_process_recovers",
            killed_at_any_time,
        ),
        trial(
            "killed_at_every_point_the_watchdog_alone_recovers",
            killed_with_watchdog,
        ),
        trial(
            "an_owner_that_hangs_is_killed_when_it_has_agreed",
            hung_and_killed,
        ),
        trial(
            "an_owner_that_hangs_is_taken_over_and_stops",
            hung_and_taken_over,
        ),
        trial(
            "an_owner_that_was_stopped_finds_its_fault_gone",
            stopped_and_taken_over,
        ),
        trial(
            "a_watchdog_that_cannot_undo_a_change_is_told_before",
            wrong_watchdog,
        ),
        trial("a_program_that_is_no_watchdog_is_told_before", no_watchdog),
        trial("a_watchdog_ends_with_its_engine", watchdog_ends),
        trial(
            "a_watchdog_that_is_stopped_or_killed_keeps_nobody_waiting",
            watchdog_stopped,
        ),
        // Needs root, to give a file to somebody else.
        trial(
            "a_log_of_another_user_is_not_carried_out",
            log_of_another_user,
        )
        .with_ignored_flag(!kernel),
        // Needs `strace`, which is not everywhere: asked for with the kernel's tests.
        trial(
            "the_record_is_on_disk_before_the_change_by_the_kernels_own_account",
            order_of_system_calls,
        )
        .with_ignored_flag(!kernel),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn trial(name: &'static str, test: fn()) -> Trial {
    Trial::test(name, move || {
        std::panic::catch_unwind(test).map_err(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            Failed::from(
                text.or_else(|| panic.downcast_ref::<&str>().map(|t| (*t).to_owned()))
                    .unwrap_or_default(),
            )
        })
    })
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

/// What a killed process was doing: it injects, waits, recovers.
fn victim() -> ExitCode {
    let var = |name: &str| std::env::var(name).unwrap_or_default();
    let (task, guard) = (var(TASK), var(GUARD));
    let limit = match (&*guard, &*task) {
        ("", _) => 600_000,
        // Who stops it comes before the limit.
        (_, "hold") => 1500,
        _ => 300,
    };
    let mut builder = Engine::builder()
        .registry(World::registry())
        .state_dir(var(STATE))
        .max_duration(Duration::from_millis(limit))
        .step_limit(Duration::from_secs(60));
    if !guard.is_empty() {
        let watchdog = Watchdog::reexec().unwrap();
        builder = builder.watchdog(if guard == "kill" {
            watchdog.kill_hung_owner()
        } else {
            watchdog
        });
    }
    block_on(async {
        use chaos_core::{
            FaultExt,
            testing::{Litter, LitterConfig, Yard},
        };
        let engine = builder.open().await.unwrap();
        let mut config = LitterConfig::default();
        config.pieces = usize::try_from(STEPS).unwrap();
        if task == "block" {
            config.block_ms_at = Some((1, 6_000));
        }
        let fault = || Litter::with(config.clone()).on(&Yard::new(var(HOST)));
        loop {
            match engine.inject(fault()).await {
                Ok(injection) => {
                    if task == "hold" {
                        println!("in place");
                        tokio::time::sleep(Duration::from_secs(8)).await;
                    }
                    let recovered = injection.recover().await.unwrap();
                    if task == "hold" {
                        println!("lost: {:?}", recovered.lost);
                    }
                }
                Err(error) => {
                    println!("error: {}", chaos_core::Chain(&error));
                    return ExitCode::from(9);
                }
            }
            if task != "loop" {
                return ExitCode::SUCCESS;
            }
        }
    })
}

struct Scene {
    world: World,
    command: Command,
}

impl Scene {
    fn new(task: &str, guard: &str) -> Self {
        let world = World::new();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .env(HOST, world.host())
            .env(STATE, world.state())
            .env(GUARD, guard)
            .env(TASK, task)
            .stdout(Stdio::piped());
        Self { world, command }
    }

    fn spawn(&mut self) -> Victim {
        Victim(Some(self.command.spawn().unwrap()))
    }

    fn dies_at(&mut self, point: &str) {
        let status = self.command.env("CHAOS_CRASH_AT", point).status().unwrap();
        assert_killed(status, point);
    }

    /// A second process: a fresh engine, that knows nothing but the log.
    fn second_process_recovers(&self, point: &str) {
        block_on(async {
            // Opening recovers, so this finds nothing more to do.
            let engine = self.world.engine().await;
            let again = engine.recover_orphans().await.unwrap();
            assert_eq!((again.changes(), again.is_clean()), (0, true), "{point}");
        });
        assert_eq!(self.world.left(), (0, 0), "{point}");
    }

    fn comes_clean(&self, within: Duration, what: &str) {
        let start = Instant::now();
        while self.world.pieces() > 0 || self.logs() > 0 {
            assert!(
                start.elapsed() < within,
                "{what}: {:?} left after {within:?}",
                self.world.left()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Logs only: claims are locks, and free when their owner is dead.
    fn logs(&self) -> usize {
        let dir: PathBuf = self.world.logs();
        std::fs::read_dir(dir).map_or(0, |items| {
            items
                .flatten()
                .filter(|item| item.path().extension().is_some_and(|e| e == "jsonl"))
                .count()
        })
    }
}

/// A running victim. A test that fails must not leave it behind, perhaps stopped.
struct Victim(Option<Child>);

impl Victim {
    fn id(&self) -> u32 {
        self.0.as_ref().unwrap().id()
    }

    fn kill(mut self) {
        let mut child = self.0.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// What it has said, once it has ended by itself.
    fn said(mut self) -> String {
        let output = self.0.take().unwrap().wait_with_output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            child.kill().and_then(|()| child.wait()).ok();
        }
    }
}

#[cfg(unix)]
fn assert_killed(status: std::process::ExitStatus, point: &str) {
    use std::os::unix::process::ExitStatusExt;
    assert_eq!(
        status.signal(),
        Some(9),
        "the victim was to be killed at {point}, but ended with {status}"
    );
}

#[cfg(not(unix))]
fn assert_killed(_: std::process::ExitStatus, _: &str) {}

/// How many pieces lie around when the victim is killed at a point.
fn pieces_at(point: &str) -> usize {
    let (at, n) = point.split_once(':').unwrap();
    let n: usize = n.parse().unwrap();
    match at {
        "after-intent" => n,
        "after-apply" | "after-applied" | "before-undo" => n + 1,
        "after-undo" | "after-undone" => n,
        _ => 0,
    }
}

fn killed_at_every_point() {
    for _ in 0..6 {
        for point in crash_points(STEPS) {
            let mut scene = Scene::new("", "");
            scene.dies_at(&point);
            assert_eq!(scene.world.pieces(), pieces_at(&point), "{point}");
            scene.second_process_recovers(&point);
        }
    }
}

fn killed_at_any_time() {
    let mut pause = 0x2545_f491_4f6c_dd1d_u64;
    for round in 0..60 {
        let mut scene = Scene::new("loop", "");
        let child = scene.spawn();
        while !scene.world.logs().exists() {
            std::thread::sleep(Duration::from_micros(200));
        }
        pause ^= pause << 13;
        pause ^= pause >> 7;
        pause ^= pause << 17;
        std::thread::sleep(Duration::from_micros(pause % 20_000));
        child.kill();
        scene.second_process_recovers(&format!("round {round}"));
    }
}

fn killed_with_watchdog() {
    for _ in 0..2 {
        for point in crash_points(STEPS) {
            let mut scene = Scene::new("", "guard");
            scene.dies_at(&point);
            scene.comes_clean(Duration::from_secs(5), &point);
        }
    }
}

fn hung_and_killed() {
    let mut scene = Scene::new("block", "kill");
    let status = scene.command.status().unwrap();
    assert_killed(status, "the time limit");
    scene.comes_clean(Duration::from_secs(5), "after the hung owner was killed");
}

fn hung_and_taken_over() {
    let mut scene = Scene::new("block", "guard");
    let child = scene.spawn();
    let start = Instant::now();
    while scene.world.pieces() < 2 {
        assert!(
            start.elapsed() < Duration::from_secs(5),
            "the victim never came to its second step"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    while scene.world.pieces() > 0 {
        assert!(
            start.elapsed() < Duration::from_secs(5),
            "the watchdog did not take over"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    // The owner wakes in the middle of its plan, finds out, and stops.
    let said = child.said();
    assert!(said.contains("watchdog has taken over"), "{said}");
    scene.comes_clean(Duration::from_secs(5), "after the owner has stopped");
}

/// As a suspended laptop or a debugger would: the owner sleeps through its time limit.
#[cfg(unix)]
fn stopped_and_taken_over() {
    let mut scene = Scene::new("hold", "guard");
    let child = scene.spawn();
    let start = Instant::now();
    while scene.world.pieces() < 3 {
        assert!(start.elapsed() < Duration::from_secs(5), "never in place");
        std::thread::sleep(Duration::from_millis(1));
    }
    let signal = |name: &str| {
        assert!(
            Command::new("kill")
                .args([name, &child.id().to_string()])
                .status()
                .unwrap()
                .success()
        );
    };
    signal("-STOP");
    while scene.world.pieces() > 0 {
        assert!(
            start.elapsed() < Duration::from_secs(10),
            "the watchdog did not take over"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(scene.logs(), 1, "the log stays as long as its owner lives");
    signal("-CONT");
    let said = child.said();
    // Stopped while it held its fault, or in the very last moment of its injection, before it had seen all of it.
    let found_out = said.contains("time limit") || said.contains("the watchdog has taken over");
    assert!(found_out, "{said}");
    scene.comes_clean(Duration::from_secs(5), "after the owner has ended");
}

#[cfg(not(unix))]
fn stopped_and_taken_over() {}

fn wrong_watchdog() {
    // A program that announces no undo at all.
    let world = World::new();
    let echo = Watchdog::command("sh")
        .arg("-c")
        .arg(r#"echo '{"undos":[]}'; cat"#);
    block_on(async {
        let engine = Engine::builder()
            .registry(World::registry())
            .state_dir(world.state())
            .watchdog(echo);
        let engine = engine.open().await.unwrap();
        let error = engine.inject(world.litter()).await.unwrap_err();
        assert!(matches!(error, EngineError::Refused(_)), "{error}");
        assert!(
            error
                .to_string()
                .contains("watchdog cannot undo `test.pick_up`"),
            "{error}"
        );
    });
    assert_eq!(world.left(), (0, 0));
}

fn no_watchdog() {
    let world = World::new();
    for program in ["true", "/nonexistent/watchdog"] {
        let builder = Engine::builder()
            .state_dir(world.state())
            .watchdog(Watchdog::command(program));
        let error = block_on(builder.open()).unwrap_err();
        assert!(matches!(error, EngineError::Watchdog(_)), "{error}");
    }
}

fn watchdog_ends() {
    let world = World::new();
    let start = Instant::now();
    block_on(async {
        let builder = Engine::builder()
            .registry(World::registry())
            .state_dir(world.state());
        let engine = builder
            .watchdog(Watchdog::reexec().unwrap())
            .open()
            .await
            .unwrap();
        engine
            .inject(world.litter())
            .await
            .unwrap()
            .recover()
            .await
            .unwrap();
    });
    // Dropping the engine waits for its watchdog.
    assert!(start.elapsed() < Duration::from_secs(5));
    assert_eq!(world.left(), (0, 0));
}

/// Law 1 as the kernel sees it: the log is created, filled, synced, named, its directory synced; each record is written
/// and synced; and only then is the piece created.
fn order_of_system_calls() {
    let scene = Scene::new("", "");
    let trace = scene.world.host().with_extension("trace");
    let status = Command::new("strace")
        .args([
            "-f",
            "-y",
            "-s",
            "200",
            "-e",
            "trace=openat,write,fdatasync,fsync,rename,renameat2,unlink,unlinkat",
            "-o",
        ])
        .arg(&trace)
        .arg(std::env::current_exe().unwrap())
        .envs([(HOST, scene.world.host()), (STATE, scene.world.state())])
        .envs([(GUARD, ""), (TASK, "")])
        .status()
        .unwrap_or_else(|e| panic!("strace could not be started: {e}; install it"));
    assert!(status.success());
    let text = std::fs::read_to_string(&trace).unwrap();
    std::fs::remove_file(&trace).unwrap();
    let host = scene.world.host().display().to_string();
    let mut told = Vec::new();
    for line in text.lines() {
        let is = |parts: &[&str]| parts.iter().all(|part| line.contains(part));
        if is(&["openat(", ".new\"", "O_EXCL"]) {
            told.push("log created");
        } else if is(&["write(", "\\\"entry\\\":\\\"opened\\\""]) {
            told.push("header written");
        } else if is(&["write(", "\\\"entry\\\":\\\"intent\\\""]) {
            told.push("record written");
        } else if is(&["fdatasync("]) && (line.contains(".new>") || line.contains(".jsonl>")) {
            told.push("log synced");
        } else if is(&["rename", ".new\""]) {
            told.push("log named");
        } else if is(&["fsync("])
            && line.contains(&chaos_core::machine_id())
            && told.contains(&"log named")
        {
            told.push("directory synced");
        } else if line.contains(&format!("\"{host}/chaos-")) && is(&["O_EXCL"]) {
            told.push("piece created");
        } else if is(&["unlink", ".jsonl\""]) {
            told.push("log removed");
        }
    }
    let step = ["record written", "log synced", "piece created"];
    let mut expected = vec![
        "log created",
        "header written",
        "log synced",
        "log named",
        "directory synced",
    ];
    expected.extend(step.into_iter().cycle().take(9));
    expected.extend(["log removed", "directory synced"]);
    assert_eq!(told, expected, "{text}");
}

/// Whoever could place a file there could also own it: it is not carried out, and neither is a directory of theirs used.
#[cfg(unix)]
fn log_of_another_user() {
    let mut scene = Scene::new("", "");
    scene.dies_at("after-applied:2");
    let log = std::fs::read_dir(scene.world.logs())
        .unwrap()
        .flatten()
        .map(|item| item.path())
        .find(|p| p.is_file());
    let nobody = Some(65534);
    std::os::unix::fs::chown(log.unwrap(), nobody, nobody).unwrap();
    block_on(async {
        let recovered = scene.world.engine().await.recover_orphans().await.unwrap();
        assert_eq!(
            (recovered.changes(), recovered.unreadable.len()),
            (0, 1),
            "{recovered:?}"
        );
        assert!(
            recovered.unreadable[0].contains("belongs to user 65534"),
            "{recovered:?}"
        );
    });
    assert_eq!(scene.world.pieces(), 3);
    std::os::unix::fs::chown(scene.world.state(), nobody, nobody).unwrap();
    let error = block_on(Engine::builder().state_dir(scene.world.state()).open()).unwrap_err();
    assert!(
        chaos_core::Chain(&error)
            .to_string()
            .contains("belongs to user 65534"),
        "{error}"
    );
}

#[cfg(not(unix))]
fn log_of_another_user() {}

/// The watchdog of an engine with this world's undo log: other tests have theirs at the same time.
#[cfg(target_os = "linux")]
fn watchdog_of(world: &World) -> Option<u32> {
    let mark = format!("CHAOS_WATCHDOG_STATE_DIR={}\0", world.state().display());
    let processes = std::fs::read_dir("/proc").ok()?.flatten();
    processes
        .filter_map(|process| process.file_name().to_str()?.parse().ok())
        .find(|pid: &u32| {
            let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment
                .windows(mark.len())
                .any(|window| window == mark.as_bytes())
        })
}

/// Somebody stops the watchdog, or kills it: its owner ends all the same, and says that it was alone.
#[cfg(target_os = "linux")]
fn watchdog_stopped() {
    use chaos_core::Experiment;
    for signal in ["-STOP", "-KILL"] {
        let world = World::new();
        let start = Instant::now();
        let run = block_on(async {
            let builder = Engine::builder()
                .registry(World::registry())
                .state_dir(world.state());
            let engine = builder
                .watchdog(Watchdog::reexec().unwrap())
                .open()
                .await
                .unwrap();
            let watchdog = watchdog_of(&world).expect("a watchdog");
            // Ctrl-C goes to a whole process group.
            let group = |pid: &dyn std::fmt::Display| {
                let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
                let (_, rest) = stat.rsplit_once(") ").unwrap();
                rest.split(' ').nth(2).unwrap().to_owned()
            };
            assert_ne!(group(&watchdog), group(&std::process::id()));
            assert!(
                Command::new("kill")
                    .args([signal, &watchdog.to_string()])
                    .status()
                    .unwrap()
                    .success()
            );
            let experiment = Experiment::named("alone")
                .baseline(Duration::ZERO)
                .hold(Duration::from_millis(1500))
                .fault(world.litter());
            engine.run(&experiment).await
        });
        assert!(start.elapsed() < Duration::from_secs(15), "{signal}");
        match (signal, run) {
            // Found before anything was changed, or in the middle; never kept silent.
            ("-KILL", Ok(run)) => assert!(
                run.warnings
                    .iter()
                    .any(|w| w.contains("watchdog has ended")),
                "{run:?}"
            ),
            ("-KILL", Err(error)) => {
                assert!(error.to_string().contains("watchdog has ended"), "{error}")
            }
            (_, run) => {
                let run = run.unwrap();
                assert_eq!(run.outcome, chaos_core::Outcome::Held);
                let told = |w: &String| w.contains("watchdog was stopped");
                assert!(run.warnings.iter().any(told), "{run:?}");
                // Nobody waits for it at the end, either.
                assert!(
                    start.elapsed() < Duration::from_secs(4),
                    "{:?}",
                    start.elapsed()
                );
            }
        }
        assert_eq!(world.left(), (0, 0));
    }
}

#[cfg(not(target_os = "linux"))]
fn watchdog_stopped() {}
