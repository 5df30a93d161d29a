//! No engine, another engine, an engine that is gone in between.

use super::{
    client::Box,
    door::Door,
    trial,
    victim::{Victim, logs, second_process_recovers},
};
use libtest_mimic::Trial;
use std::io::{BufRead, BufReader, Read, Write};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("an_engine_that_is_not_there_is_named", not_there),
        trial(
            "an_engine_that_is_gone_is_tried_again_later",
            gone_in_between,
        ),
    ]
}

async fn not_there() {
    let made = Box::start();
    for (host, expected) in [
        (
            "unix:///nonexistent/docker.sock",
            "/nonexistent/docker.sock",
        ),
        ("tcp://127.0.0.1:1", "tcp://127.0.0.1:1"),
        ("nonsense", "nonsense"),
    ] {
        let state = tempfile::tempdir().unwrap();
        let victim = Victim::new("crash", &state, &[&made, &made]);
        let output = victim.env("DOCKER_HOST", host).spawn();
        let output = output.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(9), "{host}: {said}");
        assert!(said.contains("the host was not touched"), "{said}");
        assert!(
            said.contains("Docker Engine at") && said.contains(expected),
            "{said}"
        );
        assert!(!state.path().join("chaos").exists(), "{host}");
    }
    made.works();
}

/// An engine behind a TCP port that can be shut. Its address is what a record holds.
async fn gone_in_between() {
    let made = Box::start();
    let door = Door::open();
    let state = tempfile::tempdir().unwrap();
    let victim = Victim::new("stop", &state, &[&made]);
    let mut victim = victim.env("DOCKER_HOST", &door.address).spawn();
    let mut said = BufReader::new(victim.stdout.take().unwrap());
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    assert_eq!(line.trim(), "in place");
    assert_eq!(made.status(), "exited");

    door.shut(true);
    victim.stdin.take().unwrap().write_all(b"\n").unwrap();
    line.clear();
    said.read_to_string(&mut line).unwrap();
    assert_eq!(victim.wait().unwrap().code(), Some(8), "{line}");
    assert!(line.contains("the host may still be changed"), "{line}");
    assert!(
        line.contains("docker stop") && line.contains("to retry"),
        "{line}"
    );
    assert_eq!((made.status(), logs(&state)), ("exited".into(), 1));

    door.shut(false);
    second_process_recovers(&state).await;
    made.works();
}
