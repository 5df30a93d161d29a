//! Killed with SIGKILL at every point, and a second process puts the queues, tables and ports back.

use super::{
    block_on,
    netem::has_netem,
    port,
    queues::{EMULATED, EVERYWHERE, placed},
    world::{World, engine, logs},
};
use chaos_core::testing::crash_points;
use chaos_faults_net::Netns;
use std::{
    env,
    io::{BufRead, BufReader},
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Command, ExitCode, ExitStatus, Stdio},
};

pub(crate) const ALL: &[(&str, fn())] = &[(
    "every_kind_is_recovered_after_sigkill_at_every_point",
    matrix,
)];

/// Faults that make no queue.
const OTHERS: &[(&str, &str)] = &[
    ("net.partition", "{}"),
    (
        "net.partition",
        r#"{ "addresses": ["10.9.0.2", "fd09::/64"], "protocol": "tcp", "remote_ports": ["7"], "reject": true,
             "keep_established": true }"#,
    ),
    ("net.port", port::TCP),
    ("net.port", port::UDP),
];

/// Killed while the fault is there, which is not one of the engine's own points.
const IN_PLACE: &str = "in-place:0";

const VICTIM: &str = "CHAOS_TEST_MATRIX_VICTIM";
const STATE: &str = "CHAOS_TEST_MATRIX_STATE";
const KIND: &str = "CHAOS_TEST_MATRIX_KIND";
const PARAMETERS: &str = "CHAOS_TEST_MATRIX_PARAMETERS";
const POINT: &str = "CHAOS_CRASH_AT";

/// Whether this process was started to be killed.
pub(crate) fn is_victim() -> bool {
    env::var_os(VICTIM).is_some()
}

/// Injects and recovers, if it comes so far.
#[expect(clippy::print_stdout, reason = "this is how it says that it is ready")]
pub(crate) fn victim() -> ExitCode {
    let var = |name: &str| env::var(name).unwrap();
    block_on(async {
        let engine = engine(Path::new(&var(STATE))).await;
        let target = Netns::path(var(VICTIM));
        let placed = placed(&var(KIND), &var(PARAMETERS), &target);
        let injection = engine.inject(placed).await.unwrap();
        if var(POINT) == IN_PLACE {
            println!("in place");
            tokio::time::sleep(std::time::Duration::from_secs(60)).await;
        }
        injection.recover().await.unwrap();
    });
    ExitCode::SUCCESS
}

/// At which points a process is killed. What is gone with the process itself is in no log, so there are few.
fn points(world: &World, kind: &str, parameters: &str) -> Vec<String> {
    let state = tempfile::tempdir().unwrap();
    let steps = block_on(async {
        let engine = engine(state.path()).await;
        let placed = placed(kind, parameters, &world.blue.target());
        let preview = engine.dry_run(placed).await.unwrap();
        u64::try_from(preview.faults[0].changes.len()).unwrap()
    });
    let mut points = crash_points(steps);
    if kind == "net.port" {
        points.retain(|point| point.starts_with("before-close"));
    }
    points.push(IN_PLACE.to_owned());
    points
}

/// Starts a process that is killed at this point. `there` is called while the fault is, if it is killed only then.
fn killed(command: &mut Command, there: impl FnOnce()) -> ExitStatus {
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    output.read_line(&mut said).unwrap();
    if said == "in place\n" {
        there();
        child.kill().unwrap();
    }
    child.wait().unwrap()
}

fn matrix() {
    // In the virtual machine, where everything takes long, only what cannot be tried elsewhere.
    let kinds = match has_netem() {
        true => EMULATED.to_vec(),
        false => [EVERYWHERE, OTHERS].concat(),
    };
    for (kind, parameters) in kinds {
        let world = World::new();
        let seen = || (world.blue.network(), port::is_free(&world));
        let before = seen();
        let points = points(&world, kind, parameters);
        assert!(points.len() >= 9 || kind == "net.port", "{points:?}");
        for point in points {
            let state = tempfile::tempdir().unwrap();
            let mut command = Command::new(env::current_exe().unwrap());
            command
                .env(VICTIM, &world.blue.path)
                .env(STATE, state.path())
                .env(KIND, kind)
                .env(PARAMETERS, parameters)
                .env(POINT, &point);
            let ended = killed(&mut command, || {
                assert_ne!(seen(), before, "{kind} {parameters}");
            });
            let at = format!("{kind} {parameters} {point}");
            assert_eq!(ended.signal(), Some(9), "{at}: {ended}");
            block_on(async {
                let engine = engine(state.path()).await;
                let recovered = engine.recover_orphans().await.unwrap();
                assert!(recovered.is_clean(), "{at}: {recovered:?}");
            });
            assert_eq!(seen(), before, "{at}");
            assert_eq!(logs(state.path()).len(), 0, "{at}");
        }
        assert!(world.all_reached());
    }
}
