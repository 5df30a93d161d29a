//! Runs: how they end, and what they tell.

use crate::scene::{DOWN, SLOW, Scene, measured, told};
use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

#[test]
fn a_held_run_exits_0_and_writes_its_report() {
    let scene = Scene::new();
    let file = scene.file(SLOW);
    let report = scene.path("report.json");
    let output = scene.run(&[
        "run",
        file.to_str().unwrap(),
        "--output",
        report.to_str().unwrap(),
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert!(
        told(&output).contains("net.latency in place"),
        "{}",
        told(&output)
    );
    let report: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(report).unwrap()).unwrap();
    let begins = (
        &report["schema"],
        &report["conclusion"],
        &report["exit_code"],
    );
    assert_eq!(begins, (&1.into(), &"held".into(), &0.into()));
    assert_eq!(report["reports"][0]["run"]["name"], "Slow");
    assert!(
        !scene.path("state").exists(),
        "a fault inside the process needs no log"
    );
}

#[test]
fn a_broken_promise_exits_1_and_names_the_number() {
    let scene = Scene::new();
    let file = scene.file(&format!("{SLOW}{DOWN}"));
    let report = scene.path("report.json");
    let output = scene.run(&[
        "run",
        file.to_str().unwrap(),
        "-o",
        report.to_str().unwrap(),
    ]);
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    assert!(
        told(&output).contains("Down: FAIL: error rate"),
        "{}",
        told(&output)
    );
    let summary: chaos_validator::Summary =
        serde_json::from_str(&std::fs::read_to_string(report).unwrap()).unwrap();
    assert_eq!(summary.reports.len(), 2);
}

#[test]
fn only_what_is_wanted_is_run() {
    let scene = Scene::new();
    let file = scene.file(&format!(
        "{SLOW}{DOWN}scenario_groups: {{ gentle: [Slow] }}\n"
    ));
    let output = scene.run(&["run", file.to_str().unwrap(), "--scenario", "gentle"]);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let output = scene.run(&["run", file.to_str().unwrap(), "--scenario", "gentel"]);
    assert_eq!(output.status.code(), Some(2), "{}", told(&output));
    assert!(
        told(&output).contains("did you mean `gentle`?"),
        "{}",
        told(&output)
    );
}

#[test]
fn a_target_that_is_not_there_is_refused_with_4() {
    let scene = Scene::new();
    let more = "slo_targets: {}";
    let text = "  - { name: Gone, type: process.pause, target: gone, duration: 1s }\n";
    let file = scene.file_with(more, text);
    let with_target = std::fs::read_to_string(&file).unwrap().replace(
        "targets:\n",
        "targets:\n  gone: { process: { name: chaos-no-such-process } }\n",
    );
    std::fs::write(&file, with_target).unwrap();
    for command in ["plan", "run"] {
        let output = scene.run(&[command, file.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(4), "{}", told(&output));
        assert!(
            told(&output).contains("chaos-no-such-process"),
            "{}",
            told(&output)
        );
    }
    assert_eq!(scene.undo_logs(), 0);
}

/// One scenario that would be refused keeps all of them from being begun, and the report says which was which.
#[test]
fn what_is_refused_is_known_before_the_first_scenario_and_stands_in_the_report() {
    let scene = Scene::new();
    let gone = "  - { name: Gone, type: process.pause, target: gone, duration: 1s }\n";
    let file = scene.file(&format!("{SLOW}{gone}"));
    let text = std::fs::read_to_string(&file).unwrap();
    let gone = "targets:\n  gone: { process: { name: chaos-no-such-process } }\n";
    std::fs::write(&file, text.replace("targets:\n", gone)).unwrap();
    let report = scene.path("report.json");
    let output = scene.run(&[
        "run",
        file.to_str().unwrap(),
        "-o",
        report.to_str().unwrap(),
    ]);
    let told = told(&output);
    assert_eq!(output.status.code(), Some(4), "{told}");
    assert!(
        told.contains("0 of 2 held") && !told.contains("in place"),
        "{told}"
    );
    let report: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(report).unwrap()).unwrap();
    assert_eq!(
        (&report["conclusion"], &report["exit_code"]),
        (&"refused".into(), &4.into())
    );
    assert_eq!(
        (&report["refused"][0]["name"], &report["not_run"][0]),
        (&"Gone".into(), &"Slow".into())
    );
}

#[test]
fn a_port_in_use_is_refused_with_4() {
    let scene = Scene::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let file = scene.file(SLOW);
    let text = std::fs::read_to_string(&file).unwrap();
    let listen = text
        .split("listen: \"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    std::fs::write(
        &file,
        text.replace(
            &format!("listen: \"{listen}\""),
            &format!("listen: \"{}\"", taken.local_addr().unwrap()),
        ),
    )
    .unwrap();
    let output = scene.run(&["run", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(4), "{}", told(&output));
    assert!(
        told(&output).contains("already in use"),
        "{}",
        told(&output)
    );
}

#[test]
fn what_is_down_from_the_start_is_not_broken_and_exits_4() {
    let scene = Scene::new();
    let file = scene.file(SLOW);
    let text = std::fs::read_to_string(&file)
        .unwrap()
        .replace(&scene.server.to_string(), "127.0.0.1:1");
    std::fs::write(&file, text).unwrap();
    let output = scene.run(&["run", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(4), "{}", told(&output));
    assert!(told(&output).contains("NOT STEADY"), "{}", told(&output));
    assert!(!told(&output).contains("in place"), "{}", told(&output));
}

#[test]
fn an_approval_that_is_asked_for_is_needed() {
    let scene = Scene::new();
    let more = "environments:\n  production: { safety: { require_approval: true } }\nslo_targets: { max_recovery_time_seconds: null }";
    let file = scene.file_with(more, SLOW);
    let output = scene.run(&["run", file.to_str().unwrap(), "--environment", "production"]);
    assert_eq!(output.status.code(), Some(4), "{}", told(&output));
    let output = scene.run(&[
        "run",
        file.to_str().unwrap(),
        "--environment",
        "production",
        "--approve",
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
}

#[test]
fn a_stop_condition_ends_the_run_with_4() {
    let scene = Scene::new();
    let more = "safety: { stop_when: [\"error_rate > 50% for 1s\"] }";
    let file = scene.file_with(
        more,
        "  - { name: Down, type: net.refuse, target: web, duration: 60s }\n",
    );
    let start = Instant::now();
    let output = scene.run(&["run", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(4), "{}", told(&output));
    assert!(
        told(&output).contains("error_rate > 50% for 1s"),
        "{}",
        told(&output)
    );
    assert!(start.elapsed() < Duration::from_secs(50));
}

#[test]
fn a_report_that_cannot_be_written_is_known_before_anything_is_broken() {
    let scene = Scene::new();
    let file = scene.file(SLOW);
    let output = scene.run(&[
        "run",
        file.to_str().unwrap(),
        "-o",
        "/nonexistent/report.json",
    ]);
    assert_eq!(output.status.code(), Some(2), "{}", told(&output));
    assert!(!told(&output).contains("in place"), "{}", told(&output));
}

/// Law 13: a secret that comes in by a variable is in no output, report or log, however much is told.
#[test]
fn a_secret_is_in_no_output_and_no_report() {
    let scene = Scene::new();
    let file = scene.file(SLOW);
    let text = std::fs::read_to_string(&file).unwrap();
    let header = "timeout: 500ms, headers: { authorization: \"Bearer ${CHAOS_TEST_TOKEN}\" }";
    std::fs::write(&file, text.replace("timeout: 500ms", header)).unwrap();
    let report = scene.path("report.json");
    for command in ["validate", "plan", "run"] {
        let mut chaos = scene.chaos(&["-vvv", command, file.to_str().unwrap()]);
        chaos.env("CHAOS_TEST_TOKEN", "hunter2-hunter2");
        if command == "run" {
            chaos.args(["-o", report.to_str().unwrap()]);
        }
        let output = measured(|| chaos.output().unwrap());
        assert_eq!(output.status.code(), Some(0), "{}", told(&output));
        assert!(!told(&output).contains("hunter2"), "{}", told(&output));
    }
    assert!(!std::fs::read_to_string(report).unwrap().contains("hunter2"));
}
