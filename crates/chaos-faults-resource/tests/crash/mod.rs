//! The one that is killed, and the one that recovers.

use super::world::{Victim, engine, letter};
use chaos_core::{FaultExt, Host, Placed, testing::crash_points, units::Size};
use chaos_faults_resource::{DiskFill, Pause, Process};
use libtest_mimic::{Arguments, Trial};
use std::{
    env, fs,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

/// Set for the one that is killed: the directory to fill, the pid to stop, where the undo log is.
const DIR: &str = "CHAOS_TEST_DIR";
const PID: &str = "CHAOS_TEST_PID";
const STATE: &str = "CHAOS_TEST_STATE";

const ROUNDS: usize = 8;
const SIZE: u64 = 1 << 20;

pub(crate) fn main() -> ExitCode {
    if let Some(dir) = env::var_os(DIR) {
        return injects_and_recovers(Path::new(&dir));
    }
    let trial = Trial::test("killed_at_every_point_a_second_process_recovers", || {
        killed_at_every_point();
        Ok(())
    });
    libtest_mimic::run(&Arguments::from_args(), vec![trial]).exit_code()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().unwrap().block_on(future)
}

fn faults(dir: &Path, pid: u32) -> [Placed; 2] {
    let fill = DiskFill::size(dir, Size::Bytes(SIZE));
    [
        fill.on(&Host).allow_host(),
        Pause::new().on(&Process::pid(pid)),
    ]
}

fn injects_and_recovers(dir: &Path) -> ExitCode {
    let state = PathBuf::from(env::var_os(STATE).unwrap());
    let pid = env::var(PID).unwrap().parse().unwrap();
    block_on(async {
        let engine = engine(&state).await;
        let injection = engine.inject(faults(dir, pid)).await.unwrap();
        injection.recover().await.unwrap();
    });
    ExitCode::SUCCESS
}

/// Whether the disk is filled and the process stopped.
fn seen(dir: &Path, victim: &Victim) -> (bool, bool) {
    let filled = fs::read_dir(dir).unwrap().flatten().count() == 1;
    (filled, letter(victim.pid()) == 'T')
}

/// What is seen when its maker has died at this point.
fn expected(point: &str) -> (bool, bool) {
    let (at, n) = point.split_once(':').unwrap();
    let n: usize = n.parse().unwrap();
    let steps = match at {
        "after-intent" | "after-undo" | "after-undone" => n,
        "after-apply" | "after-applied" | "before-undo" => n + 1,
        _ => 0,
    };
    (steps > 0, steps > 1)
}

fn killed_at_every_point() {
    let victim = Victim::sleeping();
    let mut kills = 0;
    for _ in 0..ROUNDS {
        for point in crash_points(2) {
            let (dir, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
            let status = Command::new(env::current_exe().unwrap())
                .env(DIR, dir.path())
                .env(PID, victim.pid().to_string())
                .env(STATE, state.path())
                .env("CHAOS_CRASH_AT", &point)
                .status()
                .unwrap();
            assert_eq!(status.signal(), Some(9), "{point}: {status}");
            assert_eq!(seen(dir.path(), &victim), expected(&point), "{point}");
            kills += 1;

            block_on(async {
                // Opening recovers, so there is nothing more to do then.
                let engine = engine(state.path()).await;
                let again = engine.recover_orphans().await.unwrap();
                assert_eq!((again.changes(), again.is_clean()), (0, true), "{point}");
            });
            assert_eq!(seen(dir.path(), &victim), (false, false), "{point}");
        }
    }
    assert!(kills >= 100, "{kills} kills");
}
