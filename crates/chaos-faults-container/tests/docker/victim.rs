//! This program started again, to be killed or to see another engine.

use super::{client::Box, engine_in, registry};
use chaos_core::{Chain, Engine, FaultExt, Placed};
use chaos_faults_container::{Container, Kill, Pause, Restart, Stop};
use std::{
    ffi::OsString,
    fmt, io,
    path::PathBuf,
    process::{Child, Command, ExitCode, Stdio},
    time::Duration,
};

/// What to do; only set for a victim.
const TASK: &str = "CHAOS_TEST_TASK";
const STATE: &str = "CHAOS_TEST_STATE";
const CONTAINERS: &str = "CHAOS_TEST_CONTAINERS";

pub(crate) fn is_victim() -> bool {
    std::env::var_os(TASK).is_some()
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(future)
}

/// A victim to come.
#[derive(Debug)]
pub(crate) struct Victim(Command);

impl Victim {
    pub(crate) fn new(task: &str, state: &tempfile::TempDir, containers: &[&Box]) -> Self {
        let names: Vec<&str> = containers.iter().map(|made| made.name.as_str()).collect();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .env(TASK, task)
            .env(STATE, state.path())
            .env(CONTAINERS, names.join(","))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit());
        Self(command)
    }

    pub(crate) fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.0.env(name, value.into());
        self
    }

    pub(crate) fn spawn(mut self) -> Child {
        self.0.spawn().unwrap()
    }
}

/// How many undo logs there are.
pub(crate) fn logs(state: &tempfile::TempDir) -> usize {
    let dir = state.path().join("chaos").join(chaos_core::machine_id());
    std::fs::read_dir(dir).map_or(0, |items| {
        let log = |path: PathBuf| path.extension().is_some_and(|e| e == "jsonl");
        items.flatten().filter(|item| log(item.path())).count()
    })
}

#[expect(clippy::print_stdout, reason = "this is how a victim tells the test")]
fn say(what: impl fmt::Display) {
    println!("{what}");
}

pub(crate) fn run() -> ExitCode {
    let var = |name: &str| std::env::var(name).unwrap_or_default();
    let containers = var(CONTAINERS);
    let mut targets = containers.split(',').map(Container::named);
    let mut next = || targets.next().unwrap();
    let faults: Vec<Placed> = match var(TASK).as_str() {
        "restart" => {
            let restart = Restart::new();
            vec![restart.on(&next()).allow_irreversible()]
        }
        "stop" => vec![Stop::new().on(&next())],
        "kill" => vec![Kill::new().on(&next())],
        "pause" => vec![Pause::new().on(&next())],
        _ => vec![Pause::new().on(&next()), Stop::new().on(&next())],
    };
    block_on(async {
        let builder = Engine::builder()
            .registry(registry())
            .state_dir(PathBuf::from(var(STATE)).join("chaos"))
            .step_limit(Duration::from_secs(20));
        let engine = builder.open().await.unwrap();
        let injection = match engine.inject(faults).await {
            Ok(injection) => injection,
            Err(error) => {
                say(Chain(&error));
                return ExitCode::from(9);
            }
        };
        if var(TASK) == "stop" {
            say("in place");
            io::stdin().read_line(&mut String::new()).unwrap();
        }
        match injection.recover().await {
            Ok(_) => ExitCode::SUCCESS,
            Err(error) => {
                say(Chain(&error));
                ExitCode::from(8)
            }
        }
    })
}

/// A second process: a fresh engine that knows nothing but the log. Opening it recovers.
pub(crate) async fn second_process_recovers(state: &tempfile::TempDir) {
    let engine = engine_in(state).await;
    let again = engine.recover_orphans().await.unwrap();
    assert_eq!((again.changes(), again.is_clean()), (0, true), "{again:?}");
    assert_eq!(logs(state), 0);
}
