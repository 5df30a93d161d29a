//! What files may say, and what is answered when they say something wrong.

use chaos_core::{Intensity, Parameters, Registry};

fn registry() -> Registry {
    let mut registry = Registry::new();
    chaos_faults_resource::register(&mut registry);
    registry
}

fn parameters(json: &str) -> Parameters {
    serde_json::from_str(json).unwrap()
}

#[test]
fn everything_is_registered() {
    let registry = registry();
    let kinds: Vec<_> = registry.fault_kinds().collect();
    let all = [
        "cpu.burn",
        "disk.burn",
        "disk.fill",
        "mem.fill",
        "process.kill",
        "process.pause",
    ];
    assert_eq!(kinds, all);
    assert_eq!(registry.target_schemes().collect::<Vec<_>>(), ["process"]);
    if cfg!(target_os = "linux") {
        let undos: Vec<_> = registry.undo_kinds().collect();
        assert_eq!(
            undos,
            [
                ("resource.continue_process", 1),
                ("resource.remove_file", 1)
            ]
        );
    }
}

#[test]
fn intensities_are_those_that_were_asked_for() {
    let registry = registry();
    let dir = if cfg!(windows) { r"C:\\srv" } else { "/srv" };
    let path = parameters(&format!(r#"{{ "path": "{dir}" }}"#));
    for (kind, field, light, medium, heavy) in [
        ("cpu.burn", "workers", "2", "4", "8"),
        ("mem.fill", "size", "256MiB", "512MiB", "1GiB"),
        ("disk.fill", "leave_free", "20%", "10%", "5%"),
        ("disk.burn", "workers", "1", "2", "4"),
        ("process.kill", "signal", "SIGTERM", "SIGTERM", "SIGKILL"),
    ] {
        let given = if kind.starts_with("disk") {
            path.clone()
        } else {
            Parameters::new()
        };
        for (intensity, value) in [
            (Intensity::Light, light),
            (Intensity::Medium, medium),
            (Intensity::Heavy, heavy),
        ] {
            assert_eq!(registry.preset(kind, intensity), [(field, value)]);
            let fault = registry.fault(kind, Some(intensity), &given).unwrap();
            assert_eq!(fault.kind(), kind);
        }
    }
    let error = registry.fault("process.pause", Some(Intensity::Heavy), &Parameters::new());
    assert!(error.unwrap_err().to_string().contains("no intensity"));
}

/// An explicit `size` takes the place of the `leave_free` that an intensity stands for.
#[test]
fn an_explicit_field_wins_over_the_other_one_of_an_intensity() {
    let mut registry = Registry::new();
    chaos_faults_resource::register(&mut registry);
    let explicit = Parameters::new().with("path", "/tmp").with("size", "1MiB");
    let fault = registry
        .fault("disk.fill", Some(Intensity::Heavy), &explicit)
        .unwrap();
    let text = format!("{fault:?}");
    assert!(
        text.contains("Bytes(1048576)") && !text.contains("Percent"),
        "{text}"
    );
}

#[test]
fn every_fault_and_field_says_what_it_is() {
    let registry = registry();
    for kind in registry.fault_kinds() {
        let schema = serde_json::to_value(registry.fault_schema(kind).unwrap()).unwrap();
        let says = schema["description"].as_str().unwrap();
        assert!(!says.contains("configuration of"), "{kind}: {says}");
        for (field, schema) in schema["properties"].as_object().into_iter().flatten() {
            assert!(schema["description"].is_string(), "{kind}.{field}");
        }
    }
}

#[cfg(unix)]
#[test]
fn what_is_out_of_range_is_refused_with_what_is_allowed() {
    for (kind, json, says) in [
        (
            "cpu.burn",
            r#"{ "workers": 0 }"#,
            "parameters.workers: 0 is not a number of workers (1 to 1024)",
        ),
        ("cpu.burn", r#"{ "workers": 1025 }"#, "1 to 1024"),
        (
            "cpu.burn",
            r#"{ "load": 130 }"#,
            "parameters.load: 130 is not a load in percent (1 to 100",
        ),
        ("cpu.burn", r#"{ "load": 0 }"#, "1 to 100"),
        ("cpu.burn", r#"{ "load": -5 }"#, "parameters.load"),
        ("cpu.burn", r#"{ "worker": 1 }"#, "did you mean `workers`"),
        ("mem.fill", "{}", "missing field `size`"),
        ("mem.fill", r#"{ "size": "0MiB" }"#, "0 fills nothing"),
        ("mem.fill", r#"{ "size": "0%" }"#, "0 fills nothing"),
        ("mem.fill", r#"{ "size": "130%" }"#, "between 0 and 100"),
        ("mem.fill", r#"{ "size": 512 }"#, "no unit"),
        ("disk.fill", r#"{ "size": "1MiB" }"#, "missing field `path`"),
        (
            "disk.fill",
            r#"{ "path": "/srv" }"#,
            "how much to fill is missing",
        ),
        (
            "disk.fill",
            r#"{ "path": "/srv", "size": "1MiB", "leave_free": "1%" }"#,
            "exclude each other",
        ),
        (
            "disk.fill",
            r#"{ "path": "srv", "size": "1MiB" }"#,
            "not an absolute path",
        ),
        (
            "disk.fill",
            r#"{ "path": "/srv", "size": "0%" }"#,
            "0 fills nothing",
        ),
        (
            "disk.fill",
            r#"{ "path": "/srv", "leave_free": "100%" }"#,
            "empty disk",
        ),
        (
            "disk.burn",
            r#"{ "path": "/srv", "mode": "erase" }"#,
            "known: read, write, both",
        ),
        (
            "disk.burn",
            r#"{ "path": "/srv", "workers": 65 }"#,
            "1 to 64",
        ),
        (
            "disk.burn",
            r#"{ "path": "/srv", "size": "1KiB" }"#,
            "4KiB or more",
        ),
        (
            "disk.burn",
            r#"{ "path": "/srv", "rate": "0MB/s" }"#,
            "leave it out",
        ),
        (
            "disk.burn",
            r#"{ "path": "/srv", "rate": "10mbps" }"#,
            "ambiguous",
        ),
        (
            "process.pause",
            r#"{ "signal": 9 }"#,
            "unknown field `signal`",
        ),
        ("process.kill", r#"{ "signal": "STOP" }"#, "process.pause"),
        (
            "process.kill",
            r#"{ "signal": "SIGWINCH" }"#,
            "not a signal that ends",
        ),
    ] {
        let error = registry().fault(kind, None, &parameters(json)).unwrap_err();
        let said = error.to_string();
        assert!(said.contains(says), "{kind} {json}: {said}");
        assert!(said.starts_with(kind), "{said}");
    }
}

#[test]
fn a_target_is_checked_before_it_is_opened() {
    let registry = registry();
    let check = |json| registry.check_target("process", parameters(json));
    check(r#"{ "port": 8000 }"#).unwrap();
    let said = check(r#"{ "prot": 8000 }"#).unwrap_err().to_string();
    assert!(said.contains("did you mean `port`"), "{said}");
    let said = check(r#"{ "port": 80000 }"#).unwrap_err().to_string();
    assert!(said.contains("process.port"), "{said}");
}
