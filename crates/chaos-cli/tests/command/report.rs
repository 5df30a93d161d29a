//! What is made of a run's report.

use crate::scene::{DOWN, SLOW, Scene, measured, told};
use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Output, Stdio},
};

/// A run of one scenario, with its reports in these files.
fn run(scene: &Scene, scenarios: &str, more: &[&str]) -> (String, Output) {
    let (file, json) = (scene.file(scenarios), scene.path("report.json"));
    let (file, json) = (file.to_str().unwrap(), json.to_str().unwrap());
    let mut arguments = vec!["run", file, "--seed", "7", "--output", json];
    arguments.extend(more);
    let output = scene.run(&arguments);
    (json.to_owned(), output)
}

#[test]
fn a_report_is_rendered_again_in_every_form() {
    let scene = Scene::new();
    let path = |name: &str| scene.path(name).to_str().unwrap().to_owned();
    let (html, junit, github) = (
        path("a.html"),
        path("a.xml"),
        format!("github={}", path("a")),
    );
    let (json, output) = run(
        &scene,
        DOWN,
        &["--report", &html, "--report", &junit, "--report", &github],
    );
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    let written = |path: &str| fs::read_to_string(path).unwrap();
    assert!(written(&html).starts_with("<!DOCTYPE html>"));
    assert!(written(&junit).contains("<failure"), "{}", written(&junit));
    assert!(written(&path("a")).starts_with("::error title=Down::"));

    let again = |arguments: &[&str]| {
        let output = scene.run(&[&["report", &json], arguments].concat());
        assert_eq!(output.status.code(), Some(0), "{}", told(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(again(&[]).contains("Down: FAIL"));
    assert!(again(&["--format", "prometheus"]).contains("chaos_slo_kept{scenario=\"Down\""));
    let markdown = again(&["-f", "markdown"]);
    assert!(markdown.starts_with("<!-- chaos-report -->"), "{markdown}");
    assert!(markdown.contains("exponential backoff"), "{markdown}");
    assert!(
        markdown.contains("--scenario Down") && markdown.contains("--seed 7"),
        "{markdown}"
    );
    let measured_on = format!(
        "{} processor",
        std::thread::available_parallelism().unwrap()
    );
    assert!(markdown.contains(&measured_on), "{markdown}");
    again(&["--output", &path("b.html")]);
    assert_eq!(written(&path("b.html")), written(&html));
    // Nothing is left beside them.
    let left = fs::read_dir(scene.dir.path()).unwrap().flatten();
    let hidden = left.filter(|e| e.file_name().to_string_lossy().starts_with('.'));
    assert_eq!(hidden.count(), 0);
}

#[test]
fn a_workflow_has_annotations_and_a_summary_of_its_step() {
    let scene = Scene::new();
    let (json, _) = run(&scene, DOWN, &[]);
    let summary = scene.path("summary");
    fs::write(&summary, "before\n").unwrap();
    let output = scene
        .chaos(&["report", &json, "--format", "github"])
        .env("GITHUB_STEP_SUMMARY", &summary)
        .output()
        .unwrap();
    assert!(
        told(&output).starts_with("::error title=Down::FAIL"),
        "{}",
        told(&output)
    );
    let summary = fs::read_to_string(summary).unwrap();
    assert!(
        summary.starts_with("before\n<!-- chaos-report -->"),
        "{summary}"
    );
}

#[test]
fn what_cannot_be_a_report_is_told_before_the_run() {
    let scene = Scene::new();
    let file = scene.file(SLOW);
    let file = file.to_str().unwrap();
    for (arguments, says) in [
        (
            vec!["run", file, "--report", "report.pdf"],
            "does not say the form",
        ),
        (
            vec!["run", file, "--report", "/nowhere/a.html"],
            "/nowhere/a.html",
        ),
        (vec!["report", file], "chaos.yaml"),
        (vec!["report", "/nowhere/a.json"], "/nowhere/a.json"),
        (vec!["report", file, "--format", "pdf"], "is not one of"),
        (vec!["report"], "FILE"),
        (vec!["faults", "latency"], "did you mean `net.latency`"),
    ] {
        let output = scene.run(&arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(told(&output).contains(says), "{}", told(&output));
    }
}

#[test]
fn two_builds_are_compared() {
    let scene = Scene::new();
    let (json, output) = run(&scene, SLOW, &[]);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let good = scene.path("good.json").to_str().unwrap().to_owned();
    fs::rename(&json, &good).unwrap();
    let (bad, _) = run(&scene, &DOWN.replace("Down", "Slow"), &[]);
    let output = scene.run(&["report", "compare", &good, &bad]);
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    assert!(told(&output).contains("WORSE"), "{}", told(&output));
    let output = scene.run(&["report", "compare", &bad, &good, "--format", "json"]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let errors = &json["changes"][0];
    assert_eq!(
        (&errors["measure"], &errors["trend"]),
        (&"error_rate".into(), &"better".into())
    );
    let output = scene.run(&["report", "compare", &good, &good, "--format", "junit"]);
    assert_eq!(output.status.code(), Some(2), "{}", told(&output));
    let output = scene.run(&["report", &good, "--output", "report.junit"]);
    assert_eq!(output.status.code(), Some(2), "{}", told(&output));
    assert!(told(&output).contains("add `--format"), "{}", told(&output));
}

pub(crate) fn get(address: SocketAddr, path: &str) -> Option<String> {
    let mut client = TcpStream::connect(address).ok()?;
    write!(client, "GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").ok()?;
    let mut answer = String::new();
    client.read_to_string(&mut answer).ok()?;
    Some(answer)
}

#[test]
fn a_run_tells_what_is_going_on_while_it_runs() {
    let scene = Scene::new();
    let file = scene.file(SLOW);
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    // It tells the same, whether its load has measured anything or not; that only its end says.
    let ended = measured(|| watched(&scene, file.to_str().unwrap(), free));
    assert_eq!(ended.status.code(), Some(0), "{}", told(&ended));
}

/// What a run did that told its numbers at this address.
fn watched(scene: &Scene, file: &str, free: SocketAddr) -> Output {
    let mut command = scene.chaos(&["run", file, "--metrics", &free.to_string()]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    // A client that says nothing is in nobody's way.
    let mut silent = None;
    let mut last = String::new();
    let child = scene.comes_to("the fault is told", &mut command, || {
        last = get(free, "/metrics").unwrap_or_default();
        silent = silent.take().or_else(|| TcpStream::connect(free).ok());
        last.contains(
            "chaos_faults_in_place{scenario=\"Slow\",fault=\"net.latency\",target=\"proxy web",
        ) && last.contains("phase=\"fault\"} 1")
    });
    assert!(last.contains("version=0.0.4"), "{last}");
    let value = |name: &str| {
        let line = last.lines().find(|line| line.starts_with(name)).unwrap();
        line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()
    };
    let good = value("chaos_load_requests_total{scenario=\"Slow\",result=\"good\"}");
    assert!(good > 100.0, "{last}");
    assert!(
        (value("chaos_load_latency_seconds_count") - good).abs() <= 2.0,
        "{last}"
    );
    assert!(get(free, "/").unwrap().starts_with("HTTP/1.1 404"));
    let output = child.wait_with_output().unwrap();
    assert!(get(free, "/metrics").is_none());
    output
}

/// A link may be the way to standard output.
#[cfg(unix)]
#[test]
fn a_link_is_written_through_and_one_report_that_fails_loses_no_other() {
    let scene = Scene::new();
    let path = |name: &str| scene.path(name).to_str().unwrap().to_owned();
    let (link, real, junit) = (path("link.md"), path("real"), path("junit.xml"));
    fs::write(&real, "old").unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    let (_, output) = run(
        &scene,
        SLOW,
        &[
            "--report",
            "html=/dev/full",
            "--report",
            &link,
            "--report",
            &junit,
        ],
    );
    assert_eq!(output.status.code(), Some(70), "{}", told(&output));
    assert!(told(&output).contains("/dev/full"), "{}", told(&output));
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(
        fs::read_to_string(&real)
            .unwrap()
            .starts_with("<!-- chaos-report -->")
    );
    assert!(fs::read_to_string(&junit).unwrap().contains("<testsuite "));
}

#[test]
fn each_report_needs_a_file_of_its_own() {
    let scene = Scene::new();
    let file = scene.file(SLOW);
    let before = fs::read_to_string(&file).unwrap();
    let file = file.to_str().unwrap();
    let path = |name: &str| scene.path(name).to_str().unwrap().to_owned();
    let (a, again, same) = (path("a.html"), path("./a.html"), format!("html={file}"));
    for (more, says) in [
        (
            ["--report", &a, "--report", &again],
            "is written by --report, too",
        ),
        (
            ["--report", &a, "--output", &again],
            "is written by --output, too",
        ),
        (["--report", &a, "--report", &same], "is the scenario file"),
    ] {
        let output = scene.run(&[&["run", file][..], &more].concat());
        assert_eq!(output.status.code(), Some(2), "{}", told(&output));
        assert!(told(&output).contains(says), "{}", told(&output));
        assert!(!scene.path("a.html").exists());
    }
    assert_eq!(fs::read_to_string(file).unwrap(), before);
    let json = path("a.json");
    fs::write(&json, "{}").unwrap();
    let output = scene.run(&["report", &json, "--output", &json]);
    assert!(!output.status.success());
}

#[test]
fn a_run_that_is_refused_leaves_no_report_of_an_earlier_one() {
    let scene = Scene::new();
    let approval = "safety: { require_approval: true }";
    for (more, code) in [(approval, 4), ("safety: { protected: [web] }", 2)] {
        let file = scene.file_with(more, SLOW);
        let (json, html) = (scene.path("report.json"), scene.path("report.html"));
        for old in [&json, &html] {
            fs::write(old, "of an earlier run").unwrap();
        }
        let output = scene.run(&[
            "run",
            file.to_str().unwrap(),
            "--output",
            json.to_str().unwrap(),
            "--report",
            html.to_str().unwrap(),
        ]);
        assert_eq!(output.status.code(), Some(code), "{}", told(&output));
        assert!(!json.exists() && !html.exists());
    }
}

#[test]
fn no_form_of_a_report_turns_around_what_is_read() {
    let scene = Scene::new();
    let (json, output) = run(&scene, SLOW, &[]);
    assert!(output.status.code().is_some(), "{}", told(&output));
    let text = fs::read_to_string(&json).unwrap();
    let nasty = "Sl\\u202eo\\u2066w\\u001b[2J\\u200f";
    fs::write(&json, text.replace("\"Slow\"", &format!("\"{nasty}\""))).unwrap();
    for form in ["table", "markdown", "html", "junit", "github", "prometheus"] {
        let output = scene.run(&["report", &json, "--format", form]);
        assert_eq!(output.status.code(), Some(0), "{}", told(&output));
        let text = String::from_utf8(output.stdout).unwrap();
        let steers = ['\u{202e}', '\u{2066}', '\u{1b}', '\u{200f}'];
        assert!(!text.contains(steers), "{form}: {text}");
    }
}
