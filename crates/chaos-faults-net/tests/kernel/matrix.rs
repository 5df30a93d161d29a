//! Killed with SIGKILL at every point, and a second process puts the queues and tables back.

use super::{
    block_on,
    queues::{EMULATED, EVERYWHERE, has_netem, placed},
    world::{World, engine, logs},
};
use chaos_core::testing::crash_points;
use chaos_faults_net::Netns;
use std::{
    env,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Command, ExitCode, Stdio},
};

pub(crate) const ALL: &[(&str, fn())] = &[(
    "every_kind_is_recovered_after_sigkill_at_every_point",
    matrix,
)];

const VICTIM: &str = "CHAOS_TEST_MATRIX_VICTIM";
const STATE: &str = "CHAOS_TEST_MATRIX_STATE";
const KIND: &str = "CHAOS_TEST_MATRIX_KIND";
const PARAMETERS: &str = "CHAOS_TEST_MATRIX_PARAMETERS";

/// Whether this process was started to be killed.
pub(crate) fn is_victim() -> bool {
    env::var_os(VICTIM).is_some()
}

/// Injects and recovers, if it comes so far.
pub(crate) fn victim() -> ExitCode {
    let var = |name: &str| env::var(name).unwrap();
    block_on(async {
        let engine = engine(Path::new(&var(STATE))).await;
        let target = Netns::path(var(VICTIM));
        let placed = placed(&var(KIND), &var(PARAMETERS), &target);
        let injection = engine.inject(placed).await.unwrap();
        injection.recover().await.unwrap();
    });
    ExitCode::SUCCESS
}

/// How many changes a plan has.
fn steps(world: &World, kind: &str, parameters: &str) -> u64 {
    let state = tempfile::tempdir().unwrap();
    block_on(async {
        let engine = engine(state.path()).await;
        let placed = placed(kind, parameters, &world.blue.target());
        let preview = engine.dry_run(placed).await.unwrap();
        u64::try_from(preview.faults[0].changes.len()).unwrap()
    })
}

fn matrix() {
    // In the virtual machine, where everything takes long, only what cannot be tried elsewhere.
    let kinds = match has_netem() {
        true => EMULATED,
        false => EVERYWHERE,
    };
    for (kind, parameters) in kinds {
        let world = World::new();
        let before = world.blue.network();
        let mut killed = 0;
        for point in crash_points(steps(&world, kind, parameters)) {
            let state = tempfile::tempdir().unwrap();
            let ended = Command::new(env::current_exe().unwrap())
                .env(VICTIM, &world.blue.path)
                .env(STATE, state.path())
                .env(KIND, kind)
                .env(PARAMETERS, parameters)
                .env("CHAOS_CRASH_AT", &point)
                .stdout(Stdio::null())
                .status()
                .unwrap();
            assert_eq!(
                ended.signal(),
                Some(9),
                "{kind} {parameters} {point}: {ended}"
            );
            killed += 1;
            block_on(async {
                let engine = engine(state.path()).await;
                let recovered = engine.recover_orphans().await.unwrap();
                assert!(recovered.is_clean(), "{kind} {point}: {recovered:?}");
            });
            assert_eq!(world.blue.network(), before, "{kind} {parameters} {point}");
            assert_eq!(logs(state.path()).len(), 0, "{kind} {point}");
        }
        assert!(killed >= 8, "{kind} {parameters}: killed {killed} times");
        assert!(world.all_reached());
    }
}
