//! What a second process does after the first was killed, and what a forged record cannot do.

use super::{
    block_on,
    ownership::add,
    world::{Space, World, engine, logs},
};
use chaos_core::{FaultExt, Recovered};
use chaos_faults_net::{Netns, Partition};
use std::{
    env, fs,
    io::{BufRead, BufReader},
    os::unix::fs::symlink,
    path::Path,
    process::{Command, ExitCode, Stdio},
};

pub(crate) const ALL: &[(&str, fn())] = &[
    ("a_second_process_recovers_after_sigkill", sigkill),
    ("a_forged_record_deletes_nothing_of_others", forged),
    ("a_namespace_is_found_where_it_is_now", moved),
    ("a_namespace_that_is_gone_took_its_table_along", gone),
];

const VICTIM: &str = "CHAOS_TEST_VICTIM";
const STATE: &str = "CHAOS_TEST_VICTIM_STATE";

/// Whether this process was started to be killed.
pub(crate) fn is_victim() -> bool {
    env::var_os(VICTIM).is_some()
}

/// Cuts a namespace off and waits to be killed.
#[expect(clippy::print_stdout, reason = "this is how it says that it is ready")]
pub(crate) fn victim() -> ExitCode {
    let (path, state) = (env::var_os(VICTIM), env::var_os(STATE));
    block_on(async {
        let engine = engine(Path::new(&state.unwrap())).await;
        let target = Netns::path(path.unwrap());
        let placed = Partition::all().on(&target);
        let _injection = engine.inject(placed).await.unwrap();
        println!("in place");
        tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    });
    ExitCode::FAILURE
}

/// Leaves a partition behind whose owner was killed with SIGKILL.
fn leave_behind(path: &Path, state: &Path) {
    let mut child = Command::new(env::current_exe().unwrap())
        .env(VICTIM, path)
        .env(STATE, state)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    output.read_line(&mut said).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(said, "in place\n");
}

/// What the next engine does.
fn recover(state: &Path) -> Recovered {
    block_on(async { engine(state).await.recover_orphans().await.unwrap() })
}

fn sigkill() {
    let world = World::new();
    let before = world.blue.ruleset();
    let state = tempfile::tempdir().unwrap();
    leave_behind(&world.blue.path, state.path());
    assert!(world.blue.ruleset() != before);
    assert!(!world.all_reached());
    recover(state.path());
    assert!(world.blue.ruleset() == before);
    assert!(world.all_reached());
    assert_eq!(logs(state.path()).len(), 0);
}

/// Rewrites the only log.
fn forge(state: &Path, change: impl Fn(&str) -> String) {
    let logs = logs(state);
    assert_eq!(logs.len(), 1);
    let text = fs::read_to_string(&logs[0]).unwrap();
    let forged = change(&text);
    assert_ne!(forged, text);
    fs::write(&logs[0], forged).unwrap();
}

/// The value of a field of the record.
fn field(text: &str, name: &str) -> String {
    let record = &text[text.find("net.del_table").unwrap()..];
    let from = record.find(&format!("\"{name}\":")).unwrap() + name.len() + 3;
    let value = record[from..].split([',', '}']).next().unwrap();
    value.trim_matches('"').to_owned()
}

fn forged() {
    // Each time a victim leaves a table behind, and its record is changed so that it means something else.
    let world = World::new();
    for name in ["filter", "chaos-somebody"] {
        add(&world.blue, 1, name);
    }
    for (name, forged) in [
        ("table", "filter"),
        // It sounds like one of ours, but does not carry our mark.
        ("table", "chaos-somebody"),
        ("cookie", "1"),
        ("path", "/etc/passwd"),
    ] {
        let before = world.blue.ruleset();
        let red = world.red.ruleset();
        let state = tempfile::tempdir().unwrap();
        leave_behind(&world.blue.path, state.path());
        let during = world.blue.ruleset();
        forge(state.path(), |text| {
            text.replace(&field(text, name), forged)
        });
        recover(state.path());
        // Wherever the record says that it was: the very namespace is found, and our table in it.
        let expected = if name == "path" { &before } else { &during };
        assert!(world.blue.ruleset() == *expected, "{name} {forged}");
        assert!(world.red.ruleset() == red, "{name} {forged}");
    }
}

fn moved() {
    let world = World::new();
    let before = world.blue.ruleset();
    let state = tempfile::tempdir().unwrap();
    let link = state.path().join("netns");
    symlink(&world.blue.path, &link).unwrap();
    leave_behind(&link, state.path());
    // Now another namespace has the path.
    fs::remove_file(&link).unwrap();
    symlink(&world.red.path, &link).unwrap();
    let red = world.red.ruleset();
    recover(state.path());
    assert!(world.blue.ruleset() == before);
    assert!(world.red.ruleset() == red);
    assert!(world.all_reached());
}

fn gone() {
    let space = Space::new();
    let path = space.path.clone();
    let state = tempfile::tempdir().unwrap();
    leave_behind(&path, state.path());
    drop(space);
    recover(state.path());
    assert_eq!(logs(state.path()).len(), 0, "there is nothing left to do");
}
