//! What targets used in a run, as it would be seen.
#![allow(
    unreachable_pub,
    clippy::allow_attributes,
    reason = "every test binary uses a part of it"
)]

use chaos_validator::Resources;
use serde_json::{Value, json};

/// Baseline, fault and recovery end at these seconds. The first of two targets works more with the fault in place; the
/// second dies of it, and is restarted after it.
pub fn resources(baseline: f64, fault: f64, end: f64) -> Resources {
    let mib = |n: f64| (n * 1_048_576.0) as u64;
    let part = |cpu: f64, max: f64, memory: f64, files: u64, missing: f64| {
        json!({
            "cpu_mean": cpu, "cpu_max": max, "memory_mean": mib(memory), "memory_max": mib(memory * 1.25),
            "descriptors_max": files, "threads_max": 5, "missing": missing,
        })
    };
    let points = |of: &dyn Fn(f64) -> Option<(f64, f64, u64)>| -> Vec<Value> {
        let seconds = (0..end as u32).map(f64::from);
        let point = |from: f64| match of(from) {
            Some((cpu, memory, files)) => json!({
                "from": from, "to": from + 1.0, "cpu": cpu, "cpu_max": cpu, "memory": mib(memory),
                "memory_max": mib(memory), "descriptors": files, "threads": 5,
            }),
            None => json!({ "from": from, "to": from + 1.0 }),
        };
        seconds.map(point).collect()
    };
    let with_fault = |at: f64| (baseline..fault).contains(&at);
    let wave = |at: f64| 1.0 + 0.1 * (at * 0.9).sin();
    let web = points(&|at| {
        Some(match with_fault(at) {
            true => (0.98 * wave(at), 64.0 + (at - baseline) * 4.0, 112),
            false => (0.12 * wave(at), 64.0, 12),
        })
    });
    let cache = points(&|at| (!with_fault(at)).then(|| (0.04 * wave(at), 1536.0, 300)));
    let gone = json!({
        "cpu_mean": null, "cpu_max": null, "memory_mean": null, "memory_max": null, "descriptors_max": null,
        "threads_max": null, "missing": fault - baseline,
    });
    serde_json::from_value(json!({ "sites": [
        {
            "name": "process on port 8000", "every": 1.0, "restarts": 0,
            "lives": [{ "site": "orders (pid 4711)", "source": "process", "since": 0.004 }],
            "baseline": part(0.12, 0.13, 64.0, 12, 0.0), "fault": part(0.98, 1.07, 128.0, 112, 0.0),
            "recovery": part(0.12, 0.13, 64.0, 12, 0.0), "points": web,
        },
        {
            "name": "container cache", "every": 1.0, "restarts": 1,
            "lives": [
                { "site": "cache (0a1b)", "source": "cgroup", "since": 0.004 },
                { "site": "cache (2c3d)", "source": "cgroup", "since": fault },
            ],
            "baseline": part(0.04, 0.05, 1536.0, 300, 0.0), "fault": gone,
            "recovery": part(0.04, 0.05, 1536.0, 300, 0.0), "points": cache,
        },
    ] }))
    .unwrap()
}
