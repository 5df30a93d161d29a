//! Everything that is wrong with a file is told in one go.

use chaos_core::Registry;
use chaos_scenario::{Options, Scenarios};

fn registry() -> Registry {
    let mut registry = Registry::new();
    chaos_faults_net::register(&mut registry);
    chaos_faults_resource::register(&mut registry);
    chaos_validator::register(&mut registry);
    registry
}

/// Line, column, field and problem of each error.
fn wrong(text: &str) -> Vec<String> {
    let Err(found) = Scenarios::parse(text, None, &registry(), &Options::default()) else {
        return Vec::new();
    };
    let told = |error: &chaos_scenario::Diagnostic| {
        let at = error
            .at
            .map_or_else(String::new, |at| format!("{}:{}: ", at.line, at.column));
        let field = error.field.clone().unwrap_or_default();
        format!("{at}{field}: {}", error.problem)
    };
    found.iter().map(told).collect()
}

const FILE: &str = "
base_urll: http://127.0.0.1:1
targets:
  redis: { proxy: { listen: \"127.0.0.1\", upstreem: \"127.0.0.1:6379\" } }
  orders: { process: { pid: 1, port: 8000 } }
  other: { proxi: {} }
load: { http: { url: \"ftp://127.0.0.1/\", rate: 200, timeout: 0s } }
probes:
  health: { http: { url: \"http://127.0.0.1:1/\", status: 2000, timeout: 7 }, every: 3, expect: [] }
slo_targets: { mttr_seconds: -1, max_error_rate_percent: 500 }
safety: { stop_when: [\"error_rate > 50\", \"p95 > 2s for 10s\", \"p96 > 2s for 10s\"], max_duration: 5 moons }
scenarios:
  - { name: A, type: net.latency, target: redis, duration: 20h, parameters: { latency: 500, jiter: 5ms } }
  - 7
  - { name: B, type: net.latencyy, intensity: mild, target: reddis, every: 1ms }
  - { type: net.latency, target: redis, intensity: light }
  - { name: A, type: net.loss, target: orders, parameters: { loss: 130 }, radius: { count: 0 } }
  - { name: C, duration: 5s, faults: [{ type: net.reset, target: orders, hold: 9s, every: 5s, after: 7s }, 8, { type: x, target: \"${NOPE}\" }] }
  - { name: D }
scenario_groups: { one: [A, E], two: 7, three: [B, C, D] }
";

#[test]
fn everything_is_told_in_one_go_and_nothing_twice() {
    insta::assert_snapshot!(wrong(FILE).join("\n"));
}

/// What only follows from another mistake is none.
#[test]
fn one_mistake_is_one_error() {
    let file = "
targets: { redis: { proxy: { upstream: \"127.0.0.1:6379\" } }, orders: { process: { port: 8000 } } }
scenarios:
  - { name: A, type: net.latency, target: redis, parameters: { latency: 5ms } }
  - { name: B, type: process.pause, target: orders }
scenario_groups: { both: [A, B] }
";
    assert_eq!(wrong(file), Vec::<String>::new());
    for (from, to, says) in [
        ("latency: 5ms", "latency: 5", "`5` has no unit"),
        ("latency: 5ms", "latncy: 5ms", "unknown field `latncy`"),
        (
            "{ latency: 5ms }",
            "7",
            "a number stands where a mapping is wanted",
        ),
        ("upstream", "upstreem", "unknown field `upstreem`"),
        ("proxy:", "proxi:", "unknown target `proxi`"),
        (
            "{ proxy: { upstream: \"127.0.0.1:6379\" } }",
            "7",
            "where a mapping is wanted",
        ),
        ("name: A", "nam: A", "unknown field `nam`"),
        ("name: A", "name: 7", "invalid type: integer `7`"),
        ("type: net.latency", "type: 7", "invalid type: integer `7`"),
        ("type: process.pause, ", "", "has no fault"),
        ("target: orders", "target: 7", "invalid type: integer `7`"),
        ("port: 8000", "port: 80000", "`80000` is out of range"),
        ("port: 8000", "port: \"${NOPE}\"", "`NOPE` is not set"),
        ("both: [A, B]", "both: [A, 7]", "invalid type"),
        (
            "target: orders",
            "target: redis",
            "process.pause does not work on a target `proxy`",
        ),
        (
            "process: { port",
            "process: { pid: 7, port",
            "exactly one of",
        ),
        ("process: { port: 8000 }", "process: {}", "exactly one of"),
    ] {
        assert!(file.contains(from), "{from}");
        let found = wrong(&file.replacen(from, to, 1));
        assert_eq!(found.len(), 1, "{to}: {found:#?}");
        assert!(found[0].contains(says), "{to}: {found:#?}");
    }
}

/// Everything that can be said of how a probe is asked, and what is wrong with it.
#[test]
fn what_is_wrong_with_a_probe_is_told_where_it_stands() {
    let file = "
scenarios: [{ name: A, type: process.pause, target: orders, duration: 10s }]
targets: { orders: { process: { port: 8000 } } }
probes:
  health: { tcp: { address: \"127.0.0.1:1\" }, mode: start, timeout: 2s, retries: 3, delay: 1s, stop_on_failure: true, expect: true }
";
    assert_eq!(wrong(file), Vec::<String>::new());
    for (from, to, says) in [
        ("mode: start", "mode: begin", "probes.health.mode: "),
        (
            "mode: start",
            "mode: start, during_fault: true",
            "health.during_fault: is said by `mode`",
        ),
        (
            "timeout: 2s",
            "timeout: 2",
            "health.timeout: `2` has no unit",
        ),
        ("timeout: 2s", "timeout: 0s", "health.timeout: is 0"),
        (
            "retries: 3",
            "retries: 300",
            "health.retries: 300 is more than 100",
        ),
        (
            "retries: 3",
            "retries: often",
            "health.retries: `often` is not such a number",
        ),
        (
            "delay: 1s",
            "delay: 5s",
            "health.delay: is not shorter than the baseline of `A`, 5s",
        ),
        (
            "mode: start, timeout: 2s, retries: 3, delay: 1s",
            "mode: on-chaos, delay: 10s",
            "the duration of `A`, 10s",
        ),
        (
            "stop_on_failure: true",
            "stop_on_failure: 7",
            "health.stop_on_failure: ",
        ),
        (
            "expect: true",
            "expect: { above: x }",
            "health.expect.above: expected a number",
        ),
        (
            "expect: true",
            "expect: { abov: 1 }",
            "health.expect: unknown field `abov`",
        ),
        (
            "expect: true",
            "expect: { matches: \"(\" }",
            "health.expect.matches: `(` is not a regular",
        ),
        (
            "expect: true",
            "expect: { range: [1, \"${NOPE}\"] }",
            "`NOPE` is not set",
        ),
    ] {
        assert!(file.contains(from), "{from}");
        let found = wrong(&file.replacen(from, to, 1));
        assert_eq!(found.len(), 1, "{to}: {found:#?}");
        assert!(found[0].contains(says), "{to}: {found:#?}");
    }
}

#[test]
fn a_file_full_of_mistakes_is_told_quickly_and_in_part() {
    let many: String = (0..5_000)
        .map(|i| format!("  - {{ name: {i}, type: x, target: y, duration: z }}\n"))
        .collect();
    let start = std::time::Instant::now();
    let found = wrong(&format!("scenarios:\n{many}"));
    assert_eq!(found.len(), 100);
    assert!(start.elapsed() < std::time::Duration::from_secs(60));
}

/// A file with one fault, and more.
fn with(more: &str) -> String {
    format!(
        "targets: {{ redis: {{ proxy: {{ upstream: \"127.0.0.1:6379\" }} }} }}
scenarios: [{{ name: A, type: net.latency, target: redis, parameters: {{ latency: 5ms }} }}]
{more}"
    )
}

#[test]
fn a_list_is_not_taken_for_a_mapping_anywhere() {
    assert_eq!(wrong(&with("seed: 1")), Vec::<String>::new());
    for (more, at) in [
        ("slo_targets: [1, 2, 3]", "3:1: slo_targets"),
        ("safety: [[word]]", "3:1: safety"),
        (
            "safety: { blast_radius_limits: [1, 2, 3, 4] }",
            "3:11: safety.blast_radius_limits",
        ),
        ("load: { http: [\"http://x/\"] }", "3:9: load.http"),
        (
            "load: { http: { url: \"http://x/\", ramp: [1/s, 2/s, 1s] } }",
            "3:35: load.http.ramp",
        ),
        (
            "probes: { up: { tcp: [\"127.0.0.1:1\"] } }",
            "3:17: probes.up.tcp",
        ),
        ("probes: [1]", "3:1: probes"),
        ("scenario_groups: [A]", "3:1: scenario_groups"),
    ] {
        let found = wrong(&with(more));
        let wanted = "a list stands where a mapping is wanted";
        assert_eq!(found, [format!("{at}: {wanted}")], "{more}");
    }
    for more in ["environments: [1]", "environments: { a: [1] }"] {
        let found = wrong(&with(more));
        assert!(found[0].ends_with("a mapping is wanted here"), "{found:?}");
    }
    let listed = wrong("[1, 2, 3]");
    assert_eq!(listed, [": a list stands where a mapping is wanted"]);
}

#[test]
fn what_is_null_or_no_mapping_is_told_in_words() {
    for more in ["slo_targets: null", "safety: null", "slo_targets:"] {
        let found = wrong(&with(more));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].ends_with(": `null` stands where a mapping is wanted"),
            "{found:?}"
        );
    }
}

#[test]
fn a_number_that_is_none_hides_no_other_error() {
    let found = wrong(&with(
        "slo_targets: { mttr_seconds: .nan, min_availability_percent: 130 }\nsafety: { max_duration: -.inf }\nsede: 1",
    ));
    let [nan, percent, inf, field] = found.as_slice() else {
        panic!("{found:?}");
    };
    assert_eq!(nan, "3:30: : `.nan` is not a finite number");
    assert!(percent.contains("130 % is not between"), "{percent}");
    assert_eq!(inf, "4:25: : `-.inf` is not a finite number");
    assert!(field.contains("unknown field `sede`"), "{field}");
    assert_eq!(wrong(&with("environments: { a: { seed: .nan } }")).len(), 0);
}

#[test]
fn a_limit_of_no_time_is_blamed_itself() {
    assert_eq!(
        wrong(&with("safety: { max_duration: 0s }")),
        ["3:25: safety.max_duration: is no time at all"]
    );
}

#[test]
fn no_secret_of_the_file_is_told() {
    for more in [
        "load:\n  http:\n    url: \"http://x/\"\n    auth:\n      bearer: [hunter2]",
        "load: { http: { url: \"http://x/\", auth: { basic: { user: me, password: hunter2, pasword: hunter2 } } } }",
        "load: { http: { url: \"http://x/\", auth: hunter2 } }",
        "load: { http: { url: \"http://x/\", auth: { hunter: hunter2 } } }",
        "load: { http: { url: \"http://x/\", headers: { Authorization: hunter2 }, rat: 1 } }",
        "load: { http: { url: \"ftp://me:hunter2@x/\" } }",
        "api_token: hunter2",
        "api_token: \"hunter2",
    ] {
        let text = with(more);
        let told = Scenarios::parse(&text, None, &registry(), &Options::default());
        let told = told.unwrap_err().to_string();
        assert!(!told.contains("hunter2"), "{told}");
        assert!(told.contains("***"), "{told}");
    }
    let mut options = Options::default();
    options.variables = [("TOKEN".to_owned(), "hunter2".to_owned())].into();
    let text = with("load: { http: { url: \"http://x/\", auth: \"${TOKEN}\", rat: 1 } }");
    let told = Scenarios::parse(&text, None, &registry(), &options).unwrap_err();
    assert!(!format!("{told} {told:?}").contains("hunter2"), "{told}");
}

#[test]
fn a_name_that_is_endless_or_not_seen_is_refused() {
    // A key of YAML has at most 1024 characters.
    let (long, endless) = ("x".repeat(1000), "x".repeat(20_000));
    for more in [
        format!(
            "targets: {{ \"{long}\": {{ proxy: {{ upstream: \"127.0.0.1:1\" }} }} }}\nscenarios: []"
        ),
        format!(
            "probes: {{ \"{long}\": {{ tcp: {{ address: \"127.0.0.1:1\" }} }} }}\nscenarios: []"
        ),
        format!("scenario_groups: {{ \"{long}\": all }}\nscenarios: []"),
        format!("environments: {{ \"{long}\": {{ seed: 1 }} }}\nscenarios: []"),
        format!(
            "scenarios: [{{ name: {endless}, type: cpu.burn, target: host, intensity: light }}]"
        ),
    ] {
        let found = wrong(&more);
        let told = found.iter().find(|error| error.contains("000 characters"));
        assert!(told.is_some(), "{found:.300?}");
    }
    let turned =
        "scenarios: [{ name: \"a\\u202eb\", type: cpu.burn, target: host, intensity: light }]";
    assert!(wrong(turned)[0].contains("U+202E"), "{:?}", wrong(turned));
}
