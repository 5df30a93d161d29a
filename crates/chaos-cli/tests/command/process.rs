//! Runs that stop a real process: signals, a kill -9, and what is left then. Linux only.

use crate::scene::{Scene, TRIES, told, wait_for};
use std::{
    io::{BufRead, BufReader, Read},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

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
        text.replace("baseline: 2500ms", "baseline: 600ms")
            .replace("rate: 100/s", "rate: 200/s"),
    )
    .unwrap();
    file
}

fn paused(scene: &Scene, victim: &Victim, args: &[&str]) -> Child {
    let file = pausing(scene, victim, "60s");
    let args = [&["run", file.to_str().unwrap()], args].concat();
    let mut command = scene.chaos(&args);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = scene.comes_to("the process is stopped", &mut command, || {
        victim.state() == 'T' && scene.has_applied()
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

/// Runs a file until it tells that a phase begins, and asks it to end then.
fn asked_to_end_in(phase: &str, name: &str, scene: &Scene, file: &Path) -> (Output, String) {
    let report = scene.path("report.json");
    let run = [
        "run",
        file.to_str().unwrap(),
        "-o",
        report.to_str().unwrap(),
    ];
    for _ in 0..TRIES {
        let mut command = scene.chaos(&run);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        let begins = format!("  {phase}:");
        while !said.contains(&begins) && stderr.read_line(&mut said).unwrap() > 0 {}
        if said.contains(&begins) {
            signal(&child, name);
        }
        // It is read to its end, so that nothing that is told meets a closed pipe.
        stderr.read_to_string(&mut said).unwrap();
        let output = child.wait_with_output().unwrap();
        if said.contains(&begins) {
            return (output, said);
        }
        // Before the phase it may only have found that the machine is too busy.
        assert_eq!(output.status.code(), Some(3), "it ended early: {said}");
    }
    panic!("this machine is too busy to measure");
}

#[test]
fn asked_to_end_in_the_baseline_it_breaks_nothing_and_exits_130() {
    for (name, by) in [("-INT", "Ctrl-C"), ("-TERM", "SIGTERM")] {
        let scene = Scene::new();
        let victim = Victim::new();
        let file = pausing(&scene, &victim, "60s");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, text.replace("baseline: 600ms", "baseline: 60s")).unwrap();
        let (output, said) = asked_to_end_in("baseline", name, &scene, &file);
        assert_eq!(output.status.code(), Some(130), "{}", told(&output));
        assert!(
            told(&output).contains(&format!("INTERRUPTED: by {by}")),
            "{}",
            told(&output)
        );
        assert!(!said.contains("in place"), "{said}");
        assert_eq!((victim.state(), scene.undo_logs()), ('S', 0));
        let report = std::fs::read_to_string(scene.path("report.json")).unwrap();
        assert!(report.contains("interrupted"), "{report}");
    }
}

/// The fault is gone, and it is watched until things are steady again: here that never comes.
#[test]
fn asked_to_end_in_the_recovery_it_has_put_the_host_back_and_exits_130() {
    for (name, by) in [("-INT", "Ctrl-C"), ("-TERM", "SIGTERM")] {
        let scene = Scene::new();
        let victim = Victim::new();
        let file = pausing(&scene, &victim, "1s");
        // A thing that is steady before the fault and not after it: a file that the test takes away.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        let probe =
            format!("probes:\n  gone: {{ tcp: {{ address: \"{address}\" }}, every: 50ms }}\n");
        let text = text
            .replace("probes:\n", &probe)
            .replace("recovery_limit: 10s", "recovery_limit: 60s");
        std::fs::write(&file, text).unwrap();
        let away = thread::spawn({
            let pid = victim.0.id();
            move || {
                wait_for("the process is stopped", Duration::from_secs(60), || {
                    std::fs::read_to_string(format!("/proc/{pid}/stat"))
                        .is_ok_and(|stat| stat.contains(") T "))
                });
                drop(listener);
            }
        });
        let start = Instant::now();
        let (output, said) = asked_to_end_in("recovery", name, &scene, &file);
        away.join().unwrap();
        assert_eq!(output.status.code(), Some(130), "{}{said}", told(&output));
        assert!(start.elapsed() < Duration::from_secs(55));
        assert!(
            told(&output).contains(&format!("INTERRUPTED: by {by}")),
            "{}",
            told(&output)
        );
        assert!(said.contains("process.pause recovered"), "{said}");
        assert_eq!((victim.state(), scene.undo_logs()), ('S', 0));
        let report = std::fs::read_to_string(scene.path("report.json")).unwrap();
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        assert_eq!(
            (&report["conclusion"], &report["exit_code"]),
            (&"interrupted".into(), &130.into())
        );
    }
}

/// Somebody else has ended the process meanwhile: there is nothing that could be put back.
#[test]
fn a_process_that_somebody_else_has_killed_is_lost_and_not_recovered() {
    let scene = Scene::new();
    let mut victim = Victim::new();
    let child = paused(&scene, &victim, &[]);
    victim.0.kill().unwrap();
    victim.0.wait().unwrap();
    // It is looked every second whether the fault is in place; asked to end before that, it is known, too.
    signal(&child, "-INT");
    let output = child.wait_with_output().unwrap();
    let told = told(&output);
    assert!(told.contains("! process.pause lost"), "{told}");
    assert!(!told.contains("recovered on"), "{told}");
    assert_eq!(scene.undo_logs(), 0);
}

#[test]
fn a_name_of_several_processes_needs_a_radius() {
    let scene = Scene::new();
    let program = scene.path("chaos-namesake");
    std::os::unix::fs::symlink("/bin/sleep", &program).unwrap();
    let start = || Victim(Command::new(&program).arg("1000").spawn().unwrap());
    let victims = [start(), start()];
    let file = |radius: &str| {
        let text = format!(
            "  - {{ name: Pause, type: process.pause, target: namesakes, duration: 1s{radius} }}\n"
        );
        let file = scene.file(&text);
        let target = "targets:\n  namesakes: { process: { name: chaos-namesake } }\n";
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, text.replace("targets:\n", target)).unwrap();
        file
    };
    for command in ["plan", "run"] {
        let output = scene.run(&[command, file("").to_str().unwrap()]);
        let told = told(&output);
        assert_eq!(output.status.code(), Some(4), "{told}");
        for victim in &victims {
            assert!(told.contains(&format!("(pid {})", victim.0.id())), "{told}");
        }
        assert!(
            told.contains("`radius`") && told.contains("`pidfile`"),
            "{told}"
        );
    }
    let output = scene.run(&["plan", file(", radius: one").to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert!(victims.iter().all(|victim| victim.state() == 'S'));
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

#[test]
fn a_run_tells_what_its_target_used_without_being_told_to() {
    let scene = Scene::new();
    let victim = Victim::new();
    let file = pausing(&scene, &victim, "2500ms");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("baseline: 600ms", "baseline: 2500ms")).unwrap();
    let path = |name: &str| scene.path(name).to_str().unwrap().to_owned();
    let (json, html, markdown) = (path("r.json"), path("r.html"), path("r.md"));
    let reports = ["--report", &html, "--report", &markdown];
    let run = ["run", file.to_str().unwrap(), "-o", &json];
    let output = scene.run(&[&run[..], &reports].concat());
    let read = |path: &str| std::fs::read_to_string(path).unwrap();
    let report: serde_json::Value = serde_json::from_str(&read(&json)).unwrap();
    let sites = report["reports"][0]["resources"]["sites"].as_array();
    let [site] = sites.unwrap().as_slice() else {
        panic!("the proxy has nothing to watch, and one process has: {sites:?}");
    };
    let pid = victim.0.id();
    assert_eq!(site["name"], format!("process {pid}"));
    assert_eq!(site["lives"][0]["source"], "process");
    for phase in ["baseline", "fault"] {
        let used = &site[phase];
        assert!(used["memory_max"].as_u64().unwrap() > 0, "{site:#}");
        assert!(used["descriptors_max"].as_u64().unwrap() >= 3, "{site:#}");
        assert!(used["cpu_mean"].as_f64().unwrap() < 0.1, "{site:#}");
        assert_eq!(used["missing"], 0.0);
    }
    let told = told(&output);
    for (name, text) in [
        ("table", &told),
        ("html", &read(&html)),
        ("md", &read(&markdown)),
    ] {
        assert!(text.contains(&format!("process {pid}")), "{name}: {text}");
    }
    assert!(told.contains("most memory"), "{told}");
    assert!(read(&html).contains("Resources of the target"));
}

#[test]
fn a_run_tells_what_its_target_uses_while_it_runs() {
    let scene = Scene::new();
    let victim = Victim::new();
    let file = pausing(&scene, &victim, "60s");
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let run = ["run", file.to_str().unwrap(), "--metrics"];
    let mut command = scene.chaos(&[&run[..], &[&address.to_string()]].concat());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let target = format!(
        "{{scenario=\"Pause\",target=\"process {}\"}}",
        victim.0.id()
    );
    let mut page = String::new();
    let mut child = scene.comes_to("its CPU time is told", &mut command, || {
        page = crate::report::get(address, "/metrics").unwrap_or_default();
        page.contains("# TYPE chaos_target_current_cpu_cores gauge")
    });
    let value = |name: &str| {
        let line = page
            .lines()
            .find_map(|l| l.strip_prefix(&format!("{name}{target} ")));
        line.unwrap_or_else(|| panic!("{name}: {page}"))
            .parse::<f64>()
            .unwrap()
    };
    assert!((value("chaos_target_present") - 1.0).abs() < 1e-9);
    assert!(value("chaos_target_current_memory_bytes") > 1e5);
    assert!(value("chaos_target_current_descriptors") >= 3.0);
    signal(&child, "-INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
}
