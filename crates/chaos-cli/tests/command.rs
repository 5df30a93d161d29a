//! The command as a person and a pipeline use it: exit codes, messages, signals, and a kill -9.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

/// A directory for files and the undo log, and a small HTTP server to break.
struct Scene {
    dir: tempfile::TempDir,
    server: SocketAddr,
}

impl Scene {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = listener.local_addr().unwrap();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                thread::spawn(move || answer(stream));
            }
        });
        Self {
            dir: tempfile::tempdir().unwrap(),
            server,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn file(&self, scenarios: &str) -> PathBuf {
        self.file_with(
            "slo_targets: { max_recovery_time_seconds: null }",
            scenarios,
        )
    }

    fn file_with(&self, more: &str, scenarios: &str) -> PathBuf {
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let path = self.path("chaos.yaml");
        let server = self.server;
        let text = format!(
            "base_url: http://127.0.0.1:{port}\n\
             targets:\n  web: {{ proxy: {{ listen: \"127.0.0.1:{port}\", upstream: \"{server}\" }} }}\n\
             load: {{ http: {{ url: \"${{base_url}}/\", rate: 100/s, timeout: 500ms }} }}\n\
             probes:\n  health: {{ http: {{ url: \"${{base_url}}/\", status: 200 }}, every: 100ms }}\n\
             baseline: 2500ms\nrecovery_limit: 10s\n{more}\nscenarios:\n{scenarios}"
        );
        std::fs::write(&path, text).unwrap();
        path
    }

    fn chaos(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chaos"));
        command
            .args(args)
            .env("CHAOS_STATE_DIR", self.path("state"))
            .env("NO_COLOR", "1")
            .env_remove("RUST_LOG")
            .stdin(Stdio::null());
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.chaos(args).output().unwrap()
    }

    fn undo_logs(&self) -> usize {
        let logs = |dir: &Path| {
            std::fs::read_dir(dir).map_or(0, |items| {
                items
                    .flatten()
                    .filter(|item| item.path().extension().is_some_and(|e| e == "jsonl"))
                    .count()
            })
        };
        std::fs::read_dir(self.path("state"))
            .map_or(0, |dirs| dirs.flatten().map(|dir| logs(&dir.path())).sum())
    }
}

fn answer(mut stream: TcpStream) {
    stream.set_nodelay(true).ok();
    let mut seen = Vec::new();
    let mut buffer = [0; 1024];
    while let Ok(n @ 1..) = stream.read(&mut buffer) {
        seen.extend_from_slice(&buffer[..n]);
        while let Some(end) = seen.windows(4).position(|w| w == b"\r\n\r\n") {
            seen.drain(..end + 4);
            if stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
                .is_err()
            {
                return;
            }
        }
    }
}

fn told(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn wait_for(what: &str, limit: Duration, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < limit, "{what}: not within {limit:?}");
        thread::sleep(Duration::from_millis(10));
    }
}

const SLOW: &str = "  - { name: Slow, type: net.latency, target: web, duration: 2500ms, parameters: { latency: 50ms } }\n";
const DOWN: &str = "  - { name: Down, type: net.refuse, target: web, duration: 2s }\n";

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
fn a_wrong_file_exits_2_and_points_at_the_line() {
    let scene = Scene::new();
    let file = scene
        .file("  - { name: Slow, type: net.latency, target: web, parameters: { latency: 500 } }\n");
    for command in ["run", "plan", "validate"] {
        let output = scene.run(&[command, file.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(2), "{}", told(&output));
        let told = told(&output);
        assert!(
            told.contains("chaos.yaml:11:") && told.contains("`500` has no unit"),
            "{told}"
        );
    }
    let output = scene.run(&["validate", "/nonexistent.yaml"]);
    assert_eq!(output.status.code(), Some(2));
    let output = scene.run(&["run"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_right_file_is_validated_and_planned_without_touching_anything() {
    let scene = Scene::new();
    let file = scene.file(&format!("{SLOW}{DOWN}"));
    let output = scene.run(&["validate", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    for args in [vec!["plan"], vec!["run", "--dry-run"]] {
        let output = scene.run(&[args.as_slice(), &[file.to_str().unwrap()]].concat());
        let told = told(&output);
        assert_eq!(output.status.code(), Some(0), "{told}");
        assert!(
            told.contains("delay data by 50ms") && told.contains("nothing was changed"),
            "{told}"
        );
    }
    assert!(!scene.path("state").exists());
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
    assert!(start.elapsed() < Duration::from_secs(30));
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

#[test]
fn faults_are_listed_and_explained() {
    let scene = Scene::new();
    let all = told(&scene.run(&["faults"]));
    for kind in [
        "net.latency",
        "net.partition",
        "cpu.burn",
        "process.pause",
        "container.stop",
        "db.down",
    ] {
        assert!(all.contains(kind), "{all}");
    }
    assert!(!all.contains("The configuration of"), "{all}");
    let one = told(&scene.run(&["faults", "net.latency"]));
    assert!(
        one.contains("jitter") && one.contains("heavy") && one.contains("500ms"),
        "{one}"
    );
    let unknown = scene.run(&["faults", "net.latancy"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(told(&unknown).contains("did you mean `net.latency`?"));
}

#[test]
fn the_doctor_knows_every_fault() {
    let scene = Scene::new();
    let output = scene.run(&["doctor"]);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert!(
        told(&output).contains("net.partition") && told(&output).contains("undo log"),
        "{}",
        told(&output)
    );
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
        if command == "run" {
            chaos.args(["-o", report.to_str().unwrap()]);
        }
        let output = chaos
            .env("CHAOS_TEST_TOKEN", "hunter2-hunter2")
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", told(&output));
        assert!(!told(&output).contains("hunter2"), "{}", told(&output));
    }
    assert!(!std::fs::read_to_string(report).unwrap().contains("hunter2"));
}

/// What follows stops a real process, and is Linux only.
#[cfg(target_os = "linux")]
mod process {
    use super::*;

    struct Victim(Child);

    impl Victim {
        fn new() -> Self {
            Self(Command::new("sleep").arg("1000").spawn().unwrap())
        }

        fn state(&self) -> char {
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id())).unwrap();
            stat.rsplit_once(") ").unwrap().1.chars().next().unwrap()
        }
    }

    impl Drop for Victim {
        fn drop(&mut self) {
            self.0.kill().unwrap();
            self.0.wait().unwrap();
        }
    }

    fn pausing(scene: &Scene, victim: &Victim, duration: &str) -> PathBuf {
        let file = scene.file_with(
            "slo_targets: {}",
            &format!(
                "  - {{ name: Pause, type: process.pause, target: victim, duration: {duration} }}\n"
            ),
        );
        let pid = victim.0.id();
        let text = std::fs::read_to_string(&file).unwrap();
        let text = text.replace(
            "targets:\n",
            &format!("targets:\n  victim: {{ process: {{ pid: {pid} }} }}\n"),
        );
        std::fs::write(
            &file,
            text.replace("baseline: 2500ms", "baseline: 300ms")
                .replace("rate: 100/s", "rate: 200/s"),
        )
        .unwrap();
        file
    }

    fn paused(scene: &Scene, victim: &Victim, args: &[&str]) -> Child {
        let file = pausing(scene, victim, "60s");
        let args = [&["run", file.to_str().unwrap()], args].concat();
        let child = scene
            .chaos(&args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        wait_for("the process is stopped", Duration::from_secs(10), || {
            victim.state() == 'T'
        });
        assert_eq!(scene.undo_logs(), 1);
        child
    }

    fn signal(child: &Child, name: &str) {
        assert!(
            Command::new("kill")
                .args([name, &child.id().to_string()])
                .status()
                .unwrap()
                .success()
        );
    }

    #[test]
    fn asked_to_end_it_recovers_reports_and_exits_130() {
        for (name, by) in [("-INT", "Ctrl-C"), ("-TERM", "SIGTERM"), ("-HUP", "SIGHUP")] {
            let scene = Scene::new();
            let victim = Victim::new();
            let report = scene.path("report.json");
            let child = paused(&scene, &victim, &["-o", report.to_str().unwrap()]);
            signal(&child, name);
            let output = child.wait_with_output().unwrap();
            assert_eq!(output.status.code(), Some(130), "{}", told(&output));
            assert!(
                told(&output).contains(&format!("INTERRUPTED: by {by}")),
                "{}",
                told(&output)
            );
            assert_ne!(victim.state(), 'T');
            assert_eq!(scene.undo_logs(), 0);
            assert!(
                std::fs::read_to_string(report)
                    .unwrap()
                    .contains("interrupted")
            );
        }
    }

    #[test]
    fn asked_to_end_in_the_baseline_it_breaks_nothing_and_exits_130() {
        let scene = Scene::new();
        let victim = Victim::new();
        let file = pausing(&scene, &victim, "60s");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, text.replace("baseline: 300ms", "baseline: 60s")).unwrap();
        let args = ["run", file.to_str().unwrap()];
        let mut child = scene
            .chaos(&args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = std::io::BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("baseline:") {
            line.clear();
            assert!(
                std::io::BufRead::read_line(&mut stderr, &mut line).unwrap() > 0,
                "it ended early"
            );
        }
        signal(&child, "-INT");
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130), "{}", told(&output));
        assert!(
            told(&output).contains("INTERRUPTED: by Ctrl-C"),
            "{}",
            told(&output)
        );
        assert_eq!((victim.state(), scene.undo_logs()), ('S', 0));
    }

    #[test]
    fn killed_its_watchdog_recovers() {
        let scene = Scene::new();
        let victim = Victim::new();
        let mut child = paused(&scene, &victim, &[]);
        child.kill().unwrap();
        child.wait().unwrap();
        wait_for("the watchdog recovers", Duration::from_secs(10), || {
            victim.state() != 'T'
        });
        wait_for("the log is gone", Duration::from_secs(10), || {
            scene.undo_logs() == 0
        });
    }

    #[test]
    fn killed_without_a_watchdog_the_next_command_recovers() {
        let scene = Scene::new();
        let victim = Victim::new();
        let mut child = paused(&scene, &victim, &["--no-watchdog"]);
        child.kill().unwrap();
        child.wait().unwrap();
        let doctor = scene.run(&["doctor"]);
        assert_eq!(doctor.status.code(), Some(5), "{}", told(&doctor));
        assert_eq!(
            (victim.state(), scene.undo_logs()),
            ('T', 1),
            "looking changes nothing"
        );
        let recover = scene.run(&["recover"]);
        assert_eq!(recover.status.code(), Some(0), "{}", told(&recover));
        assert!(
            told(&recover).contains("1 change undone"),
            "{}",
            told(&recover)
        );
        assert_ne!(victim.state(), 'T');
        assert_eq!(scene.undo_logs(), 0);
        let again = scene.run(&["recover"]);
        assert!(
            told(&again).contains("nothing to recover"),
            "{}",
            told(&again)
        );
    }

    #[test]
    fn what_cannot_be_recovered_exits_5() {
        let scene = Scene::new();
        let victim = Victim::new();
        let mut child = paused(&scene, &victim, &["--no-watchdog"]);
        child.kill().unwrap();
        child.wait().unwrap();
        // As a newer version would have written it.
        let state = scene.path("state");
        let machine = std::fs::read_dir(&state)
            .unwrap()
            .next()
            .unwrap()
            .unwrap()
            .path();
        let log = std::fs::read_dir(machine)
            .unwrap()
            .flatten()
            .map(|i| i.path())
            .find(|p| p.is_file())
            .unwrap();
        let text = std::fs::read_to_string(&log).unwrap();
        std::fs::write(&log, text.replace("\"version\":1", "\"version\":99")).unwrap();
        let recover = scene.run(&["recover"]);
        assert_eq!(recover.status.code(), Some(5), "{}", told(&recover));
        assert!(told(&recover).contains("version 99"), "{}", told(&recover));
        // Its resource is taken until it is recovered.
        let file = pausing(&scene, &victim, "1s");
        let plan = scene.run(&["run", file.to_str().unwrap(), "--no-watchdog"]);
        assert_eq!(plan.status.code(), Some(4), "{}", told(&plan));
    }

    #[test]
    fn a_protected_process_is_not_touched() {
        let scene = Scene::new();
        let victim = Victim::new();
        let file = pausing(&scene, &victim, "1s");
        let pid = victim.0.id();
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(
            &file,
            text.replace(
                "scenarios:",
                &format!("safety: {{ protected: [\"{pid}\"] }}\nscenarios:"),
            ),
        )
        .unwrap();
        let output = scene.run(&["run", file.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(4), "{}", told(&output));
        assert!(told(&output).contains("protected"), "{}", told(&output));
    }
}
