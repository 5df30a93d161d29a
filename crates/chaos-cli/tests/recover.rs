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
