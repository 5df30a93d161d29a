//! Commands that only look: what there is, and whether a file is right.

use crate::scene::{DOWN, SLOW, Scene, told};

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
fn everything_that_is_wrong_is_told_in_one_go_with_2() {
    let scene = Scene::new();
    let file = scene.file_with(
        "environments: { production: { slo_target: {} } }",
        "  - { name: Slow, type: net.latency, target: web, parameters: { latency: 500 } }\n  \
         - { name: Burn, type: cpu.burn, target: web, duration: -5, parameters: { load: 130 } }\n",
    );
    let output = scene.run(&["validate", file.to_str().unwrap()]);
    let told = told(&output);
    assert_eq!(output.status.code(), Some(2), "{told}");
    for error in [
        "chaos.yaml:11:74: scenarios[0].parameters.latency: `500` has no unit",
        "chaos.yaml:12:43: scenarios[1].target: cpu.burn does not work on a target `proxy`",
        "help: it works on: host, process",
        "chaos.yaml:12:58: scenarios[1].duration: -5 is not a number of seconds",
        "chaos.yaml:12:82: scenarios[1].parameters.load: 130",
        "4 errors; nothing was touched",
    ] {
        assert!(told.contains(error), "{error}\n{told}");
    }
    // A file that is right but for an environment that nobody has chosen is not right.
    let file = scene.file_with("environments: { production: { slo_target: {} } }", SLOW);
    let output = scene.run(&["validate", file.to_str().unwrap()]);
    let told = crate::scene::told(&output);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(
        told.contains("with --environment production:")
            && told.contains("did you mean `slo_targets`?"),
        "{told}"
    );
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
fn targets_and_probes_are_listed_and_explained() {
    let scene = Scene::new();
    let targets = told(&scene.run(&["targets"]));
    let probes = told(&scene.run(&["probes"]));
    for scheme in [
        "proxy",
        "dns_proxy",
        "process",
        "container",
        "netns",
        "host",
    ] {
        assert!(targets.contains(scheme), "{targets}");
    }
    assert!(
        probes.contains("http") && probes.contains("tcp"),
        "{probes}"
    );
    let proxy = told(&scene.run(&["targets", "proxy"]));
    for word in [
        "upstream",
        "required",
        "127.0.0.1:0",
        "net.latency",
        "db.down",
    ] {
        assert!(proxy.contains(word), "{word}\n{proxy}");
    }
    assert!(!proxy.contains("process.pause"), "{proxy}");
    let http = told(&scene.run(&["probes", "http"]));
    let (_, beside) = http.split_once("beside it").unwrap();
    for field in [
        "every",
        "timeout",
        "delay",
        "retries",
        "mode",
        "expect",
        "during_fault",
        "stop_on_failure",
    ] {
        let is_listed = beside.lines().any(|l| l.trim_start().starts_with(field));
        assert!(is_listed, "{field}: {http}");
    }
    assert!(beside.contains("such as \"250ms\""), "{http}");
    for word in ["url", "timeout", "2s", "every", "500ms", "during_fault"] {
        assert!(http.contains(word), "{word}\n{http}");
    }
    for (command, unknown, near) in [("targets", "proxi", "proxy"), ("probes", "htpp", "http")] {
        let output = scene.run(&[command, unknown]);
        assert_eq!(output.status.code(), Some(2), "{}", told(&output));
        assert!(told(&output).contains(&format!("did you mean `{near}`?")));
    }
    let pause = told(&scene.run(&["faults", "process.pause"]));
    assert!(pause.contains("targets: process, container"), "{pause}");
}

#[test]
fn the_schema_is_json_and_knows_every_fault() {
    let scene = Scene::new();
    let output = scene.run(&["schema"]);
    let schema: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(schema["$defs"]["net.latency"]["properties"]["jitter"].is_object());
    assert_eq!(schema["title"], "A chaos scenario file");
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
    let said = told(&output);
    // What works on one kind of target may need something on another.
    let on_a_proxy = said
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .find(|words| words.get(1) == Some(&"net.latency"));
    assert!(
        on_a_proxy.is_some_and(|words| words[0] == "✓" && words[2].starts_with("proxy")),
        "{said}"
    );
    for kind in chaos_cli::registry().fault_kinds() {
        assert!(said.contains(kind), "{kind}: {said}");
    }
    assert!(!said.contains("a mistake in this program"), "{said}");
}

#[test]
fn what_cannot_be_said_is_an_error_unless_nobody_listens() {
    let scene = Scene::new();
    let file = scene.file(SLOW);
    let file = file.to_str().unwrap();
    for arguments in [
        &["schema"][..],
        &["faults"],
        &["validate", file],
        &["plan", file],
        &["report", "--help"],
        &["--version"],
    ] {
        let full = std::fs::File::create("/dev/full").unwrap();
        let output = scene.chaos(arguments).stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(70), "{arguments:?}");
        let told = told(&output);
        assert!(
            told.contains("standard output could not be written: No space left"),
            "{told}"
        );
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = scene.chaos(arguments).stdout(writer).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert!(!crate::scene::told(&output).contains("standard output"));
    }
}

#[test]
fn a_target_that_changes_nothing_or_is_no_url_is_refused() {
    let scene = Scene::new();
    let file = scene.file(SLOW);
    let file = file.to_str().unwrap();
    let with = |target: &str| scene.run(&["validate", file, "--target", target]);
    let output = with("http://127.0.0.1:9");
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let output = with("127.0.0.1:9");
    assert_eq!(output.status.code(), Some(2));
    let said = told(&output);
    assert!(
        said.contains("is no URL") && said.contains("http://localhost:8000"),
        "{said}"
    );
    let text = std::fs::read_to_string(file).unwrap();
    std::fs::write(file, text.replace("${base_url}", "http://127.0.0.1:9")).unwrap();
    let output = with("http://127.0.0.1:9");
    assert_eq!(output.status.code(), Some(2));
    let said = told(&output);
    assert!(said.contains("--target changes nothing"), "{said}");
}
