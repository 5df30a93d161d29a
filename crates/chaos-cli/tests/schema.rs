//! The JSON Schema of the scenario file says what the reader says: of every file of this repository, and of wrong ones.

use chaos_scenario::{Options, Scenarios};
use jsonschema::Validator;
use serde_json::{Value as Json, json};
use std::{
    fs,
    path::{Path, PathBuf},
};

fn schema() -> Json {
    chaos_scenario::schema(&chaos_cli::registry()).to_value()
}

fn validator() -> Validator {
    jsonschema::validator_for(&schema()).unwrap()
}

fn wrong(validator: &Validator, file: &Json) -> Vec<String> {
    validator
        .iter_errors(file)
        .map(|e| format!("{}: {e}", e.instance_path()))
        .collect()
}

/// What the reader says.
fn read(text: &str) -> Result<Scenarios, String> {
    let options = Options::default();
    Scenarios::parse(text, None, &chaos_cli::registry(), &options).map_err(|e| e.to_string())
}

/// Every scenario file of this repository, and where it is: files, and what is fenced in documents.
fn files() -> Vec<(String, String)> {
    fn visit(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).unwrap().flatten() {
            let path = entry.path();
            let name = entry.file_name();
            let hidden = name.to_string_lossy().starts_with('.');
            if path.is_dir() && !hidden && name != "target" {
                visit(&path, found);
            } else if path.is_file() {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut paths = Vec::new();
    visit(&root, &mut paths);
    let mut files = Vec::new();
    for path in paths {
        let kind = path.extension().and_then(|kind| kind.to_str());
        let texts: Vec<String> = match kind {
            Some("yaml" | "yml" | "json") => vec![fs::read_to_string(&path).unwrap()],
            Some("md") => {
                let text = fs::read_to_string(&path).unwrap();
                let fenced = text.split("```").skip(1).step_by(2);
                let file = fenced.filter_map(|block| {
                    ["yaml\n", "yml\n", "json\n"]
                        .iter()
                        .find_map(|kind| block.strip_prefix(kind))
                });
                // In an example of Rust code, too.
                let quoted = text.split("r#\"").skip(1);
                let quoted = quoted.filter_map(|rest| rest.split("\"#").next());
                file.chain(quoted).map(str::to_owned).collect()
            }
            _ => Vec::new(),
        };
        let is_scenario = |text: &String| {
            text.lines().any(|line| {
                line.starts_with("scenarios:") || line.trim_start().starts_with("\"scenarios\":")
            })
        };
        let name = path.strip_prefix(&root).unwrap().display().to_string();
        files.extend(
            texts
                .into_iter()
                .filter(is_scenario)
                .map(|text| (name.clone(), text)),
        );
    }
    files
}

#[test]
fn every_scenario_file_of_this_repository_is_right() {
    let validator = validator();
    let files = files();
    let places: Vec<&str> = files.iter().map(|(place, _)| place.as_str()).collect();
    for place in [
        "README.md",
        "crates/chaos-scenario/README.md",
        "crates/chaos-scenario/tests/files/chaos.yaml",
    ] {
        assert!(places.contains(&place), "{places:?}");
    }
    assert!(files.len() >= 6, "{places:?}");
    for (place, text) in &files {
        read(text).unwrap_or_else(|error| panic!("{place}: {error}"));
        let file: Json = serde_saphyr::from_str(text).unwrap();
        let wrong = wrong(&validator, &file);
        assert!(wrong.is_empty(), "{place}: {wrong:#?}");
    }
}

#[test]
fn it_is_a_schema_and_knows_everything_that_is_registered() {
    let schema = schema();
    jsonschema::meta::validate(&schema).unwrap();
    let registry = chaos_cli::registry();
    let definitions = &schema["$defs"];
    for kind in registry.fault_kinds() {
        assert!(definitions[kind]["description"].is_string(), "{kind}");
    }
    for scheme in registry.target_schemes() {
        assert!(definitions["target"]["properties"][scheme].is_object());
        assert!(definitions[format!("target.{scheme}")]["properties"].is_object());
    }
    for kind in registry.probe_kinds() {
        assert!(definitions["probe"]["properties"][kind].is_object());
        assert!(definitions[format!("probe.{kind}")]["properties"].is_object());
    }
    // Our units are no formats there: `time` is one, and another one.
    assert!(!schema.to_string().contains("\"format\""));
}

/// Every reference leads somewhere.
#[test]
fn no_reference_dangles() {
    fn visit(value: &Json, schema: &Json) {
        match value {
            Json::Object(map) => {
                if let Some(Json::String(reference)) = map.get("$ref") {
                    let name = reference.strip_prefix("#/$defs/").unwrap();
                    assert!(schema["$defs"].get(name).is_some(), "{reference}");
                }
                map.values().for_each(|value| visit(value, schema));
            }
            Json::Array(items) => items.iter().for_each(|value| visit(value, schema)),
            _ => {}
        }
    }
    let schema = schema();
    visit(&schema, &schema);
}

/// A right file, with everything in it.
fn whole() -> Json {
    json!({
        "base_url": "http://127.0.0.1:8000",
        "baseline": 10, "recovery_limit": "30s", "seed": 42,
        "targets": {
            "redis": { "proxy": { "listen": "127.0.0.1:0", "upstream": "127.0.0.1:6379" } },
            "orders": { "process": { "port": 8000 } },
            "web": { "container": { "label": "tier=web" } },
            "blue": { "netns": { "name": "blue" } }
        },
        "load": { "http": { "url": "${base_url}/", "rate": "200/s", "timeout": "2s", "headers": { "a": "b" } } },
        "probes": {
            "health": { "http": { "url": "${base_url}/healthz", "status": 200 }, "every": "100ms", "expect": true },
            "port": { "tcp": { "address": "127.0.0.1:6379" }, "during_fault": true },
            "status": { "http": { "url": "${base_url}/" }, "mode": "on_chaos", "timeout": "1s", "retries": 2, "delay": "100ms",
              "stop_on_failure": true, "expect": { "range": [200, 299] } }
        },
        "slo_targets": { "mttr_seconds": 2, "max_recovery_time_seconds": null },
        "environments": { "production": {
            "slo_targets": { "max_error_rate_percent": 1 },
            "targets": { "redis": { "proxy": { "upstream": "10.0.0.1:6379" } } },
            "load": { "http": { "rate": "20/s" } },
            "safety": { "require_approval": true }
        } },
        "safety": { "protected": ["postgres*"], "stop_when": ["error_rate > 50% for 5s"], "max_duration": "5m" },
        "scenarios": [
            { "name": "a", "type": "net.latency", "target": "redis", "intensity": "light", "duration": 30 },
            { "name": "b", "type": "net.latency", "target": "redis", "duration": "30s", "every": "10s",
              "parameters": { "latency": "1.5s", "jitter": "100ms" } },
            { "name": "c", "type": "process.pause", "target": "orders", "radius": { "count": 2 }, "on_lost": "stop" },
            { "name": "d", "type": "container.stop", "target": "web", "radius": "one" },
            { "name": "e", "type": "disk.fill", "target": "host", "allow_host": true,
              "parameters": { "path": "/tmp", "size": "50%" } },
            { "name": "f", "faults": [
                { "type": "net.loss", "target": "redis", "parameters": { "loss": 15 }, "after": "5s", "hold": "2s" },
                { "type": "db.down", "target": "redis", "intensity": "heavy", "parameters": { "protocol": "redis" } }
            ] }
        ],
        "scenario_groups": { "all_of_it": "all", "some": ["a", "b"] }
    })
}

/// Changes the value at a JSON pointer; null takes it away.
fn changed(pointer: &str, value: Json) -> Json {
    let mut file = whole();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match file.pointer_mut(parent).unwrap() {
        Json::Object(map) if value.is_null() => {
            map.remove(key).unwrap();
        }
        Json::Object(map) => {
            map.insert(key.to_owned(), value);
        }
        Json::Array(items) => items[key.parse::<usize>().unwrap()] = value,
        other => panic!("{parent}: {other}"),
    }
    file
}

#[test]
fn what_is_right_is_right_to_both() {
    let validator = validator();
    for (pointer, value) in [
        ("/seed", json!(42)),
        ("/baseline", json!("1m 30s")),
        ("/baseline", json!("0")),
        ("/load", json!({ "http": { "url": "http://127.0.0.1/" } })),
        ("/scenarios/0/duration", json!(0.5)),
        ("/scenarios/1/parameters/latency", json!("500 ms")),
        ("/scenarios/1/intensity", json!("heavy")),
        ("/scenarios/3/radius", json!({ "percent": 30 })),
        (
            "/scenarios/4/parameters",
            json!({ "path": "/tmp", "leave_free": "100MiB" }),
        ),
        ("/scenarios/5/faults/0/parameters/loss", json!(0.5)),
        ("/probes/health/expect", json!("text")),
        ("/probes/health/expect", json!({ "one_of": [200, "up"] })),
        ("/probes/health/expect", json!({ "matches": "^u" })),
        ("/probes/health/expect", json!({ "contains": "up" })),
        ("/probes/health/expect", json!({ "at_least": 3 })),
        ("/probes/health/expect", json!({ "not": false })),
        ("/probes/health/mode", json!("on-chaos")),
        ("/slo_targets", json!({})),
    ] {
        let file = changed(pointer, value.clone());
        read(&file.to_string()).unwrap_or_else(|error| panic!("{pointer} {value}: {error}"));
        let wrong = wrong(&validator, &file);
        assert!(wrong.is_empty(), "{pointer} {value}: {wrong:#?}");
    }
}

/// A variable may stand in any scalar: its value is not the schema's business.
#[test]
fn a_variable_may_stand_in_any_scalar() {
    fn scalars(value: &Json, at: &str, found: &mut Vec<String>) {
        match value {
            Json::Object(map) => map
                .iter()
                .for_each(|(key, value)| scalars(value, &format!("{at}/{key}"), found)),
            Json::Array(items) => items
                .iter()
                .enumerate()
                .for_each(|(i, value)| scalars(value, &format!("{at}/{i}"), found)),
            _ => found.push(at.to_owned()),
        }
    }
    let validator = validator();
    let mut pointers = Vec::new();
    scalars(&whole(), "", &mut pointers);
    assert!(pointers.len() > 50, "{pointers:?}");
    for pointer in pointers {
        let file = changed(&pointer, json!("${VALUE}"));
        let wrong = wrong(&validator, &file);
        assert!(wrong.is_empty(), "{pointer}: {wrong:#?}");
    }
}

#[test]
fn what_is_wrong_is_wrong_to_both() {
    let validator = validator();
    assert_eq!(wrong(&validator, &whole()), Vec::<String>::new());
    read(&whole().to_string()).unwrap();
    for (pointer, value) in [
        ("/scenarios", json!(null)),
        ("/scenarios", json!([])),
        ("/scenarios", json!(7)),
        ("/scenario", json!([])),
        ("/seed", json!("x")),
        ("/seed", json!(-1)),
        ("/baseline", json!(-1)),
        ("/baseline", json!("5 moons")),
        ("/targets/redis", json!({})),
        ("/targets/redis/process", json!({ "pid": 7 })),
        ("/targets/redis", json!({ "proxi": {} })),
        ("/targets/redis/proxy/upstream", json!(null)),
        ("/targets/redis/proxy/upstreem", json!("127.0.0.1:1")),
        ("/targets/orders/process/port", json!(80_000)),
        ("/load/http/url", json!(null)),
        ("/load/http/rate", json!(200)),
        ("/load/http/rate", json!("200/fortnight")),
        ("/load/http/timeout", json!(2)),
        ("/load/http/rat", json!("200/s")),
        ("/load/tcp", json!({})),
        ("/probes/health/http", json!(null)),
        ("/probes/health/tcp", json!({ "address": "127.0.0.1:1" })),
        ("/probes/health/every", json!(100)),
        ("/probes/health/expect", json!([])),
        ("/probes/health/expect", json!({})),
        ("/probes/health/expect", json!({ "over": 3 })),
        ("/probes/health/expect", json!({ "above": true })),
        ("/probes/health/expect", json!({ "range": [1] })),
        ("/probes/health/expect", json!({ "one_of": [] })),
        ("/probes/health/expect", json!({ "above": 1, "below": 2 })),
        ("/probes/health/mode", json!("sometimes")),
        ("/probes/health/retries", json!(-1)),
        ("/probes/health/retries", json!(1000)),
        ("/probes/health/timeout", json!(1)),
        ("/probes/health/delay", json!(1)),
        ("/probes/health/stop_on_failure", json!("yes")),
        ("/probes/health/http/status", json!(2000)),
        ("/probes/port/during_fault", json!("yes")),
        ("/slo_targets/max_error_rate_percent", json!(500)),
        ("/slo_targets/mttr_seconds", json!(-1)),
        ("/slo_targets/mttr", json!(1)),
        ("/safety/require_approval", json!("maybe")),
        ("/safety/protect", json!([])),
        ("/safety/protected", json!("postgres")),
        ("/scenarios/0", json!("a")),
        ("/scenarios/0/name", json!(null)),
        ("/scenarios/0/type", json!(null)),
        ("/scenarios/0/target", json!(null)),
        ("/scenarios/0/type", json!("net.latencyy")),
        ("/scenarios/0/intensity", json!("mild")),
        ("/scenarios/0/intensity", json!(null)),
        ("/scenarios/0/duration", json!(-30)),
        (
            "/scenarios/0/faults",
            json!([{ "type": "net.reset", "target": "redis" }]),
        ),
        ("/scenarios/1/parameters", json!(null)),
        ("/scenarios/1/parameters/latency", json!(null)),
        ("/scenarios/1/parameters/latency", json!(500)),
        ("/scenarios/1/parameters/latency", json!("-500ms")),
        ("/scenarios/1/parameters/latncy", json!("500ms")),
        ("/scenarios/1/parameters/direction", json!("sideways")),
        ("/scenarios/1/every", json!(10)),
        ("/scenarios/2/intensity", json!("heavy")),
        ("/scenarios/2/on_lost", json!("weep")),
        ("/scenarios/2/radius", json!({ "count": 0 })),
        ("/scenarios/3/radius", json!("two")),
        ("/scenarios/3/radius", json!({ "percent": 130 })),
        ("/scenarios/4/parameters/leave_free", json!("5%")),
        ("/scenarios/4/parameters/path", json!(null)),
        ("/scenarios/4/allow_host", json!("perhaps")),
        ("/scenarios/5/faults", json!([])),
        ("/scenarios/5/intensity", json!("light")),
        ("/scenarios/5/faults/0/parameters/loss", json!(130)),
        ("/scenarios/5/faults/0/after", json!(5)),
        ("/scenarios/5/faults/0/duration", json!("5s")),
        ("/scenarios/5/faults/1/parameters/protocol", json!("oracle")),
        ("/scenario_groups/some", json!("a")),
    ] {
        let file = changed(pointer, value.clone());
        assert!(read(&file.to_string()).is_err(), "{pointer} {value}");
        assert!(!validator.is_valid(&file), "{pointer} {value}");
    }
    // An environment lays a part over the file, of which nothing is required, and of which all is checked.
    for (pointer, value) in [
        ("/environments/production/slo_target", json!({})),
        ("/environments/production/load/http/rate", json!(20)),
        (
            "/environments/production/targets/redis/proxy/upstreem",
            json!("x"),
        ),
        (
            "/environments/production/scenarios",
            json!([{ "name": "x" }]),
        ),
    ] {
        let file = changed(pointer, value);
        assert!(!validator.is_valid(&file), "{pointer}");
    }
}
