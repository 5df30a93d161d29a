//! `chaos recover` where something cannot be recovered.

#![cfg(unix)]

use std::{
    fs,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::Path,
    process::{Command, Output},
};

fn recover(state: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_chaos"))
        .arg("recover")
        .args(args)
        .env("CHAOS_STATE_DIR", state)
        .env("NO_COLOR", "1")
        .env_remove("RUST_LOG")
        .output()
        .unwrap()
}

fn told(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[test]
fn a_damaged_log_can_be_given_up() {
    let home = tempfile::tempdir().unwrap();
    let state = home.path().join("state");
    let logs = state.join(chaos_core::machine_id());
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&logs)
        .unwrap();
    let log = logs.join("broken.jsonl");
    fs::write(&log, "{{{{\n").unwrap();
    fs::set_permissions(&log, fs::Permissions::from_mode(0o600)).unwrap();

    let output = recover(&state, &[]);
    assert_eq!(output.status.code(), Some(5), "{}", told(&output));
    for needed in ["broken.jsonl line 1 cannot be read", "--forget LOG"] {
        assert!(told(&output).contains(needed), "{}", told(&output));
    }

    let output = recover(&state, &["--forget", "borken"]);
    assert_eq!(output.status.code(), Some(2), "{}", told(&output));
    assert!(
        told(&output).contains("there are: broken"),
        "{}",
        told(&output)
    );

    let output = recover(&state, &["--forget", "broken"]);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert!(logs.join("forgotten/broken.jsonl").is_file());

    let output = recover(&state, &[]);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert!(
        told(&output).contains("nothing to recover"),
        "{}",
        told(&output)
    );
}

/// A directory with one log, made by `make`; what `chaos recover` says.
fn recover_with(make: impl FnOnce(&Path)) -> Output {
    let home = tempfile::tempdir().unwrap();
    let state = home.path().join("state");
    let logs = state.join(chaos_core::machine_id());
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true).mode(0o700).create(&logs).unwrap();
    make(&logs.join("one.jsonl"));
    recover(&state, &[])
}

#[test]
fn a_log_that_is_a_link_is_told_with_its_cause() {
    let output = recover_with(|log| std::os::unix::fs::symlink("/etc/passwd", log).unwrap());
    assert_eq!(output.status.code(), Some(5), "{}", told(&output));
    for needed in [
        "nothing could be recovered: 1 undo log cannot be read",
        "one.jsonl cannot be trusted: it is a symbolic link",
    ] {
        assert!(told(&output).contains(needed), "{}", told(&output));
    }
}

#[test]
fn a_log_that_others_can_write_is_not_called_recovered() {
    let output = recover_with(|log| {
        fs::write(log, "").unwrap();
        fs::set_permissions(log, fs::Permissions::from_mode(0o666)).unwrap();
    });
    assert_eq!(output.status.code(), Some(5), "{}", told(&output));
    assert!(
        !told(&output).contains("dead injection"),
        "{}",
        told(&output)
    );
    assert!(
        told(&output).contains("its mode is 666"),
        "{}",
        told(&output)
    );
}
