//! What a scenario file says, and what bad ones get.

use chaos_core::Registry;
use chaos_scenario::{Options, Scenarios};
use std::path::PathBuf;

fn registry() -> Registry {
    let mut registry = Registry::new();
    chaos_faults_net::register(&mut registry);
    chaos_validator::register(&mut registry);
    chaos_core::testing::register(&mut registry);
    registry
}

const FILE: &str = include_str!("files/chaos.yaml");

fn parse(text: &str, options: &Options) -> Result<Scenarios, String> {
    let file = Some(PathBuf::from("chaos.yaml"));
    Scenarios::parse(text, file, &registry(), options).map_err(|e| e.to_string())
}

fn options(change: impl FnOnce(&mut Options)) -> Options {
    let mut options = Options::default();
    change(&mut options);
    options
}

#[test]
fn the_whole_file_is_understood() {
    let scenarios = parse(FILE, &Options::default()).unwrap();
    let names: Vec<&str> = scenarios.all().iter().map(|s| s.name()).collect();
    assert_eq!(names, ["Light Delay", "Slow Redis", "Slow and lossy"]);
    assert_eq!(scenarios.all()[0].duration().as_secs(), 300);
    assert!(!scenarios.requires_approval());
    assert_eq!(scenarios.warnings().len(), 0);
    let group = scenarios.select(&["stress_test".into()]).unwrap();
    assert_eq!(group.len(), 3);
    assert_eq!(
        scenarios
            .select(&["smoke_test".into(), "Light Delay".into()])
            .unwrap()
            .len(),
        1
    );
    let error = scenarios
        .select(&["smoke-test".into()])
        .unwrap_err()
        .to_string();
    assert!(error.contains("did you mean `smoke_test`?"), "{error}");
}

#[test]
fn promises_that_contradict_each_other_are_told() {
    let strict = FILE
        .replace("mttr_seconds: 2", "mttr_seconds: 30")
        .replace("timeout: 2s", "timeout: 400ms");
    let lints = parse(&strict, &Options::default()).unwrap().lints();
    // Once for all scenarios of which it is true.
    let of_availability: Vec<&String> = lints
        .iter()
        .filter(|l| l.contains("breaks min_availability_percent"))
        .collect();
    assert_eq!(of_availability.len(), 1, "{lints:?}");
    assert!(
        of_availability[0].starts_with("Light Delay, Slow Redis, Slow and lossy: "),
        "{lints:?}"
    );
    assert!(
        lints.iter().any(|l| l.contains("raise the timeout")),
        "{lints:?}"
    );
}

#[test]
fn nobody_is_told_of_promises_that_are_not_written() {
    let text = "targets: { p: { proxy: { listen: \"127.0.0.1:0\", upstream: \"127.0.0.1:1\" } } }
load: { http: { url: \"http://localhost:1\", rate: 100/s, timeout: 2s } }
safety: { blast_radius_limits: {} }
scenarios: [{ name: a, type: net.latency, target: p, intensity: light, duration: 40s }]";
    let lints = |text: &str| parse(text, &Options::default()).unwrap().lints();
    assert_eq!(lints(text), [""; 0]);
    let own = "duration: 40s, slo_targets: { mttr_seconds: 30 }";
    let told = lints(&text.replace("duration: 40s", own)).join("\n");
    assert!(told.contains("longer than mttr_seconds (30 s)"), "{told}");
    let own = "blast_radius_limits: { max_p99_latency_ms: 4000 }";
    let told = lints(&text.replace("blast_radius_limits: {}", own)).join("\n");
    assert!(told.contains("`p99 > 4000ms for 1m` never sees"), "{told}");
}

#[test]
fn what_can_never_be_missed_or_never_be_true_is_told() {
    let text = FILE.replace(
        "max_recovery_time_seconds: 10",
        "max_recovery_time_seconds: 9999",
    );
    let text = text.replace(
        "stop_when: [",
        "stop_when: [\"affected_endpoints > 99 for 5s\", ",
    );
    let lints = parse(&text, &Options::default()).unwrap().lints();
    for said in [
        "max_recovery_time_seconds can never be missed",
        "`affected_endpoints > 99 for 5s` is never true",
    ] {
        assert!(
            lints.iter().any(|lint| lint.contains(said)),
            "{said}: {lints:#?}"
        );
    }
}

#[test]
fn an_environment_goes_over_the_file() {
    let production = options(|o| o.environment = Some("production".into()));
    assert!(parse(FILE, &production).unwrap().requires_approval());
    let error = parse(FILE, &options(|o| o.environment = Some("prodution".into()))).unwrap_err();
    assert!(error.contains("did you mean `production`?"), "{error}");
}

#[tokio::test]
async fn its_scenarios_become_experiments_on_opened_targets() {
    let registry = registry();
    let scenarios = parse(
        FILE,
        &options(|o| o.target = Some("http://127.0.0.1:9".into())),
    )
    .unwrap();
    let stage = scenarios.open(&registry).await.unwrap();
    let trial = scenarios
        .trial(&scenarios.all()[2], &stage, &registry)
        .unwrap();
    assert_eq!(trial.experiment.faults().len(), 2);
    assert_eq!(trial.experiment.faults()[1].kind(), "net.loss");
    assert!(trial.load.is_some());
    assert_eq!(trial.slos.mttr_seconds, Some(2.0));
}

/// Every error names file, line, column and field, and says what is allowed.
#[test]
fn what_is_wrong_is_told_where_it_stands() {
    let broken = |from: &str, to: &str| {
        assert!(FILE.contains(from), "{from}");
        parse(&FILE.replacen(from, to, 1), &Options::default())
            .map(drop)
            .unwrap_err()
    };
    let messages = [
        broken(
            "type: net.latency, intensity",
            "type: net.latencyy, intensity",
        ),
        broken("intensity: light", "intensity: mild"),
        broken(
            "target: redis, duration: 300",
            "target: reddis, duration: 300",
        ),
        broken("latency: 500ms", "latency: 500"),
        broken("latency: 500ms", "latncy: 500ms"),
        broken("latency: 500ms", "latency: -500ms"),
        broken("loss: 15", "loss: 130"),
        broken("duration: 20s", "duration: 20 moons"),
        broken("duration: 20s", "duration: -20"),
        broken("duration: 20s", "duration: 20h"),
        broken("name: Slow Redis", "name: Light Delay"),
        broken("rate: 200/s", "rate: 200"),
        broken("status: 200 }", "statis: 200 }"),
        broken("proxy: {", "proxi: {"),
        broken("upstream", "upstreem"),
        broken("max_error_rate_percent: 5", "max_error_rate_percent: 500"),
        broken("error_rate > 50% for 5s", "error_rate > 50"),
        broken("${base_url}/orders", "${base_urll}/orders"),
        broken("[Light Delay]", "[Light Delays]"),
        broken("protected: [postgres]", "protected: [redis]"),
        broken("scenario_groups:", "scenario_group:"),
        broken("load:", "load: ["),
        broken("seed: 42", "seed: 42\nseed: 43"),
    ];
    insta::assert_snapshot!(messages.join("\n\n"));
}

#[test]
fn garbage_is_refused_and_never_a_panic() {
    for text in [
        "",
        "- a",
        "scenarios: []",
        "scenarios: 7",
        "null",
        "\0\0\0",
        "\u{feff}",
        "%YAML 9.9\n---\n",
    ] {
        assert!(parse(text, &Options::default()).is_err(), "{text:?}");
    }
    let garbage = "\u{1F4A5}{[:".repeat(2_500_000);
    let error = parse(&garbage, &Options::default()).unwrap_err();
    assert!(error.contains("a scenario file has at most"), "{error}");
    let file = tempfile();
    std::fs::write(&file, &garbage).unwrap();
    let error = Scenarios::load(&file, &registry(), &Options::default())
        .unwrap_err()
        .to_string();
    std::fs::remove_file(&file).unwrap();
    assert!(error.contains("a scenario file has at most"), "{error}");
    let missing = Scenarios::load(&file, &registry(), &Options::default())
        .unwrap_err()
        .to_string();
    assert!(
        missing.contains("could not be read: No such file"),
        "{missing}"
    );
}

fn tempfile() -> PathBuf {
    std::env::temp_dir().join(format!("chaos-scenario-{}.yaml", std::process::id()))
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
        parse(&text, &Options::default()).ok();
    }

    #[test]
    fn any_change_of_one_character_is_read_or_refused(at in 0..FILE.len(), with in "\\PC") {
        let mut text = FILE.to_owned();
        let at = (0..=at).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
        text.replace_range(at..=at, &with);
        parse(&text, &Options::default()).ok();
    }
}

/// YAML 1.1 took them for booleans.
#[test]
fn short_names_are_text() {
    for name in ["n", "y", "on", "off", "no", "yes"] {
        let text = format!(
            "targets: {{ {name}: {{ proxy: {{ listen: \"127.0.0.1:0\", upstream: \"127.0.0.1:1\" }} }} }}
scenarios: [{{ name: {name}, type: net.latency, target: {name}, intensity: light }}]"
        );
        let scenarios = parse(&text, &Options::default()).unwrap();
        assert_eq!(scenarios.all()[0].name(), name);
    }
    let told = FILE.replacen("target: redis,", "target: redis, allow_host: yes,", 1);
    let told = parse(&told, &Options::default()).unwrap_err();
    assert!(told.contains("`yes` is neither true nor false"), "{told}");
}

#[test]
fn what_is_no_text_or_too_large_is_told_before_it_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let load = |bytes: &[u8]| {
        let path = dir.path().join("chaos.yaml");
        std::fs::write(&path, bytes).unwrap();
        let told = Scenarios::load(&path, &registry(), &Options::default());
        told.unwrap_err().to_string()
    };
    let told = load(&[0xff; 3 << 20]);
    assert!(told.contains("larger than 1MiB"), "{told}");
    let told = load(b"seed: 1\nb\xc3\xa9\xffse: 2");
    assert!(
        told.contains("chaos.yaml:2:3: the byte 0xff is no text"),
        "{told}"
    );
    assert!(told.contains("UTF-8"), "{told}");
}

#[test]
fn a_fault_is_not_held_beyond_the_end_of_its_scenario() {
    let with = |times: &str| {
        let fault = format!("{{ type: net.latency, target: p, intensity: light, {times} }}");
        let text = format!(
            "targets: {{ p: {{ proxy: {{ listen: \"127.0.0.1:0\", upstream: \"127.0.0.1:1\" }} }} }}
scenarios: [{{ name: a, duration: 3s, faults: [{fault}] }}]"
        );
        parse(&text, &Options::default())
    };
    for times in ["hold: 10s", "after: 1s, hold: 2500ms"] {
        let told = with(times).unwrap_err();
        assert!(told.contains("faults[0].hold: `"), "{told}");
        assert!(
            told.contains("ends after the end of the scenario"),
            "{told}"
        );
    }
    let told = with("after: 1s, hold: 2500ms").unwrap_err();
    assert!(told.contains("help: at most 2s here"), "{told}");
    for times in ["hold: 3s", "after: 1s, hold: 2s"] {
        with(times).unwrap();
    }
}

#[test]
fn a_fault_phase_lasts_until_the_last_of_its_faults_is_over() {
    let lasts = |faults: &str| {
        let fault = "{ type: net.latency, target: p, intensity: light";
        let text = format!(
            "targets: {{ p: {{ proxy: {{ listen: \"127.0.0.1:0\", upstream: \"127.0.0.1:1\" }} }} }}
scenarios: [{{ name: a, {} }}]",
            faults.replace("{ F", fault)
        );
        parse(&text, &Options::default()).unwrap().all()[0].duration()
    };
    let s = std::time::Duration::from_secs;
    assert_eq!(lasts("faults: [{ F, hold: 4s }]"), s(4));
    assert_eq!(
        lasts("faults: [{ F, hold: 4s }, { F, after: 3s, hold: 2s }]"),
        s(5)
    );
    assert_eq!(lasts("duration: 9s, faults: [{ F, hold: 4s }]"), s(9));
    assert_eq!(lasts("faults: [{ F, hold: 4s }, { F }]"), s(30));
    assert_eq!(lasts("faults: [{ F, hold: 1s, every: 5s }]"), s(30));
}

#[test]
fn other_targets_that_a_fault_names_have_to_be_there() {
    let text = |name: &str| {
        format!(
            "targets: {{ a: {{ netns: {{ name: a }} }}, b: {{ netns: {{ name: b }} }} }}
scenarios: [{{ name: x, type: net.partition, target: a, parameters: {{ targets: [b, {name}] }} }}]"
        )
    };
    parse(&text("b"), &Options::default()).unwrap();
    let told = parse(&text("bb"), &Options::default()).unwrap_err();
    assert!(
        told.contains("parameters.targets[1]: unknown target `bb`"),
        "{told}"
    );
    assert!(
        told.contains("did you mean `b`") || told.contains("known: a, b"),
        "{told}"
    );
}

#[test]
fn an_intensity_stands_for_what_is_missing() {
    let with = |fault: &str| FILE.replacen("type: net.latency, intensity: light", fault, 1);
    let told = parse(&with("type: net.latency"), &Options::default()).unwrap_err();
    assert!(told.contains("missing field `latency`"), "{told}");
    assert!(
        told.contains("help: write it, or an `intensity`: light, medium or heavy"),
        "{told}"
    );
}
