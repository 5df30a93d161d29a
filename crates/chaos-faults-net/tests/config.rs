//! What configuration is taken, and what the others are told.

use chaos_core::{Chain, Fault, FaultExt, Host, Intensity, Parameters, Registry};
use chaos_faults_net::{
    Bandwidth, Blackhole, Latency, Loss, PacketsConfig, Proxy, Reset, register,
};
use serde_json::{Value, from_value, json};

fn registry() -> Registry {
    let mut registry = Registry::new();
    register(&mut registry);
    registry
}

fn parameters(json: Value) -> Parameters {
    from_value(json).unwrap()
}

#[test]
fn what_is_right_is_taken() {
    for (kind, json) in [
        ("net.latency", json!({ "latency": "1s" })),
        // More jitter than latency is fine.
        (
            "net.latency",
            json!({ "latency": "0ms", "jitter": "1s", "direction": "both" }),
        ),
        ("net.loss", json!({ "loss": 0.1, "direction": "upstream" })),
        ("net.loss", json!({ "loss": 100 })),
        ("net.bandwidth", json!({ "rate": "8mbit" })),
        (
            "net.bandwidth",
            json!({ "rate": "1B/s", "direction": "both" }),
        ),
        ("net.bandwidth", json!({ "rate": "0B/s", "shared": true })),
        ("net.blackhole", json!({})),
        ("net.blackhole", json!({ "direction": "downstream" })),
        ("net.reset", json!({})),
        ("net.reset", json!({ "toxicity": 0 })),
        ("net.limit", json!({ "bytes": "0" })),
        (
            "net.reset",
            json!({ "after": "1s", "after_bytes": "64KiB" }),
        ),
        ("net.accept_delay", json!({ "delay": "1s" })),
        ("net.max_connections", json!({ "max": 0 })),
        (
            "net.limit",
            json!({ "bytes": "64KiB", "direction": "both" }),
        ),
        ("net.slow_close", json!({ "delay": "5s" })),
        ("net.slice", json!({ "average": "1B", "variation": "5B" })),
        (
            "net.slice",
            json!({ "average": "64B", "delay": "100us", "toxicity": 5 }),
        ),
        (
            "net.corrupt",
            json!({ "corrupt": 1, "direction": "upstream" }),
        ),
        ("net.corrupt", json!({ "corrupt": "1%", "packets": {} })),
        (
            "net.latency",
            json!({ "latency": "1s", "packets": { "remote_ports": [5432, "8000-8100"] } }),
        ),
        (
            "net.partition",
            json!({ "protocol": "tcp", "local_ports": [80] }),
        ),
        (
            "net.blackhole",
            json!({ "toxicity": 12.5, "clients": ["10.0.0.0/8", "::1"] }),
        ),
        ("net.refuse", json!({})),
        (
            "net.refuse",
            json!({ "toxicity": 50, "clients": ["10.0.0.0/8"] }),
        ),
        (
            "net.reset",
            json!({ "after_bytes": "1B", "direction": "upstream" }),
        ),
    ] {
        let fault = registry().fault(kind, None, &parameters(json.clone()));
        let fault = fault.unwrap_or_else(|e| panic!("{kind} {json}: {e}"));
        assert_eq!(fault.kind(), kind);
    }
}

#[test]
fn what_is_wrong_is_told_the_field_and_what_is_allowed() {
    for (kind, json, says) in [
        ("net.latency", json!({}), &["latency", "missing"][..]),
        (
            "net.latency",
            json!({ "latency": 300 }),
            &["parameters.latency", "300s"],
        ),
        (
            "net.latency",
            json!({ "latency": "-5ms" }),
            &["parameters.latency", "negative"],
        ),
        (
            "net.latency",
            json!({ "latency": "0ms" }),
            &["parameters.latency", "nothing", "200ms"],
        ),
        (
            "net.latency",
            json!({ "latency": "2h" }),
            &["parameters.latency", "hour", "1h"],
        ),
        (
            "net.latency",
            json!({ "latency": "1s", "jitter": "9h" }),
            &["parameters.jitter", "hour"],
        ),
        (
            "net.latency",
            json!({ "latncy": "1s" }),
            &["latncy", "did you mean `latency`"],
        ),
        (
            "net.latency",
            json!({ "latency": "1s", "direction": "sideways" }),
            &["parameters.direction", "upstream", "downstream", "both"],
        ),
        (
            "net.loss",
            json!({ "loss": 130 }),
            &["parameters.loss", "between 0 and 100"],
        ),
        (
            "net.loss",
            json!({ "loss": -1 }),
            &["parameters.loss", "between 0 and 100"],
        ),
        (
            "net.loss",
            json!({ "loss": 0 }),
            &["parameters.loss", "nothing", "100"],
        ),
        (
            "net.bandwidth",
            json!({ "rate": "0mbit", "packets": {} }),
            &["parameters.rate", "net.partition"],
        ),
        (
            "net.bandwidth",
            json!({ "rate": "8mbps" }),
            &["parameters.rate", "ambiguous"],
        ),
        (
            "net.bandwidth",
            json!({ "rate": 8 }),
            &["parameters.rate", "no unit"],
        ),
        (
            "net.reset",
            json!({ "toxicity": 101 }),
            &["parameters.toxicity", "between 0 and 100"],
        ),
        (
            "net.blackhole",
            json!({ "clients": [] }),
            &["parameters.clients", "empty", "leave it out"],
        ),
        (
            "net.loss",
            json!({ "loss": 1, "clients": ["::1", "10.0.0.1/8"] }),
            &["parameters.clients[1]", "write 10.0.0.0/8"],
        ),
        (
            "net.latency",
            json!({ "latency": "1s", "toxicity": 5, "packets": {} }),
            &["parameters.toxicity", "kernel", "proxy"],
        ),
        (
            "net.bandwidth",
            json!({ "rate": "1mbit", "clients": ["::1"], "packets": {} }),
            &["parameters.clients", "packets: { hosts"],
        ),
        (
            "net.reset",
            json!({ "after": "2h" }),
            &["parameters.after", "hour"],
        ),
        (
            "net.reset",
            json!({ "after_bytes": "1%" }),
            &["parameters.after_bytes", "amount of bytes"],
        ),
        (
            "net.reset",
            json!({ "direction": "upstream" }),
            &["parameters.direction", "both ways", "after_bytes"],
        ),
        (
            "net.refuse",
            json!({ "toxicity": 101 }),
            &["parameters.toxicity", "between 0 and 100"],
        ),
        (
            "net.accept_delay",
            json!({ "delay": "0s" }),
            &["parameters.delay", "nothing"],
        ),
        (
            "net.max_connections",
            json!({ "max": -1 }),
            &["parameters.max"],
        ),
        (
            "net.limit",
            json!({ "bytes": "5%" }),
            &["parameters.bytes", "amount of bytes", "64KiB"],
        ),
        (
            "net.limit",
            json!({ "bytes": 5 }),
            &["parameters.bytes", "no unit"],
        ),
        (
            "net.latency",
            json!({ "latency": "1s", "correlation": 5 }),
            &[
                "parameters.correlation",
                "without a jitter",
                "say a `jitter`",
            ],
        ),
        (
            "net.latency",
            json!({ "latency": "1s", "distribution": "normal" }),
            &["parameters.distribution", "without a jitter"],
        ),
        (
            "net.netem",
            json!({ "latency": "1s", "correlation": 5 }),
            &["parameters.correlation", "without a jitter"],
        ),
        (
            "net.netem",
            json!({ "loss": 1, "distribution": "pareto", "jitter": "0s" }),
            &["parameters.distribution", "without a jitter"],
        ),
        (
            "net.netem",
            json!({ "rate": "1MB/s", "cell_overhead": 5 }),
            &["parameters.cell_overhead", "no cells", "say a `cell_size`"],
        ),
        (
            "net.netem",
            json!({ "latency": "1s", "ecn": true }),
            &["parameters.ecn", "marked", "say a `loss`"],
        ),
        (
            "net.netem",
            json!({ "slot": { "delay": "1ms", "distribution": "normal" } }),
            &["parameters.slot.distribution", "no `jitter`"],
        ),
        (
            "net.netem",
            json!({ "latency": "1s", "reorder": 5, "gap": 0 }),
            &["parameters.gap", "0 is no distance", "1 or more"],
        ),
        (
            "net.port",
            json!({ "port": 80, "protocol": "sctp" }),
            &["parameters.protocol", "tcp", "udp"],
        ),
        (
            "net.slow_close",
            json!({ "delay": "0s" }),
            &["parameters.delay", "nothing", "5s"],
        ),
        (
            "net.slow_close",
            json!({ "delay": "2h" }),
            &["parameters.delay", "hour"],
        ),
        (
            "net.slice",
            json!({ "average": "0B" }),
            &["parameters.average", "nothing", "64B"],
        ),
        (
            "net.slice",
            json!({ "average": "1B", "variation": "1%" }),
            &["parameters.variation", "amount of bytes"],
        ),
        (
            "net.corrupt",
            json!({ "corrupt": 0 }),
            &["parameters.corrupt", "nothing"],
        ),
        (
            "net.corrupt",
            json!({ "corrupt": 1, "direction": "both", "packets": {} }),
            &["parameters.packets", "proxy"],
        ),
        (
            "net.refuse",
            json!({ "port": 1 }),
            &["unknown field `port`"],
        ),
    ] {
        let error = registry().fault(kind, None, &parameters(json.clone()));
        let error = error.unwrap_err().to_string();
        for part in says.iter().chain([&kind]) {
            assert!(
                error.contains(part),
                "{kind} {json}: no `{part}` in: {error}"
            );
        }
    }
}

#[test]
fn intensities_are_what_they_are_said_to_be_and_parameters_win() {
    let fault = |kind, intensity, json| {
        let fault = registry().fault(kind, Some(intensity), &parameters(json));
        format!("{:?}", fault.unwrap())
    };
    let ms = |ms| format!("{:?}", Latency::ms(ms));
    for (intensity, latency, loss, rate) in [
        (Intensity::Light, 50, 5.0, 1_000_000),
        (Intensity::Medium, 200, 15.0, 125_000),
        (Intensity::Heavy, 500, 30.0, 16_000),
    ] {
        assert_eq!(fault("net.latency", intensity, json!({})), ms(latency));
        let percent = format!("{:?}", Loss::percent(loss));
        assert_eq!(fault("net.loss", intensity, json!({})), percent);
        let narrow = format!("{:?}", Bandwidth::per_second(rate));
        assert_eq!(fault("net.bandwidth", intensity, json!({})), narrow);
    }
    let explicit = json!({ "latency": "7ms" });
    assert_eq!(fault("net.latency", Intensity::Heavy, explicit), ms(7));
    for kind in ["net.blackhole", "net.reset", "net.refuse"] {
        let error = registry().fault(kind, Some(Intensity::Heavy), &Parameters::new());
        let error = error.unwrap_err().to_string();
        assert!(error.contains("no intensity `heavy`"), "{error}");
    }
}

#[tokio::test]
async fn a_proxy_is_opened_by_its_scheme() {
    let json = json!({ "upstream": "localhost:6379" });
    let target = registry().target("proxy", parameters(json), "redis").await;
    let said = target.unwrap().describe();
    assert!(said.starts_with("proxy redis 127.0.0.1:"), "{said}");
    assert!(said.ends_with(" -> localhost:6379"), "{said}");

    let json = json!({ "protocol": "udp", "listen": "[::1]:0", "upstream": "localhost:53" });
    let target = registry().target("proxy", parameters(json), "dns").await;
    let said = target.unwrap().describe();
    assert!(said.starts_with("proxy dns udp [::1]:"), "{said}");
}

#[tokio::test]
async fn wrong_addresses_are_told_what_is_allowed() {
    for (json, says) in [
        (json!({}), &["upstream", "missing"][..]),
        (
            json!({ "upstream": "redis" }),
            &["upstream", "`redis`", "host:port"],
        ),
        (
            json!({ "upstream": "redis:0" }),
            &["upstream", "from 1 to 65535"],
        ),
        (
            json!({ "upstream": "redis:99999" }),
            &["upstream", "from 1 to 65535"],
        ),
        (json!({ "upstream": ":6379" }), &["upstream", "host:port"]),
        (
            json!({ "upstream": "a:1", "listen": "x" }),
            &["listen", "host:port"],
        ),
        (
            json!({ "upstream": "a:1", "protocol": "icmp" }),
            &["protocol", "`icmp`", "tcp, udp"],
        ),
        (
            json!({ "upstream": "unix:/a", "protocol": "udp" }),
            &["upstream", "takes no UDP", "host:port"],
        ),
        (
            json!({ "upstream": "a:1", "listen": "unix:a" }),
            &["listen", "unix:/path"],
        ),
        (
            json!({ "upstream": "a:1", "port": 1 }),
            &["unknown field `port`"],
        ),
    ] {
        let target = registry()
            .target("proxy", parameters(json.clone()), "redis")
            .await;
        let error = Chain(&target.unwrap_err()).to_string();
        for part in says {
            assert!(error.contains(part), "{json}: no `{part}` in: {error}");
        }
    }
}

/// What the engine says before it touches anything.
async fn refusal(placed: chaos_core::Placed) -> String {
    let engine = chaos_core::Engine::open().await.unwrap();
    engine.inject(placed).await.unwrap_err().to_string()
}

#[tokio::test]
async fn constructors_are_checked_before_anything_is_touched() {
    let proxy = Proxy::in_front_of("127.0.0.1:9").await.unwrap();
    let error = refusal(Loss::percent(130.0).on(&proxy)).await;
    assert!(
        error.contains("loss: 130 % is not between 0 and 100"),
        "{error}"
    );
    let error = refusal(Latency::ms(0).on(&proxy)).await;
    assert!(error.contains("latency: 0 delays nothing"), "{error}");
    let stalled = Bandwidth::per_second(0).packets(PacketsConfig::default());
    let error = refusal(stalled.on(&proxy)).await;
    assert!(error.contains("net.partition"), "{error}");
    let error = refusal(Reset::new().toxicity(-1.0).on(&proxy)).await;
    assert!(error.contains("toxicity: -1 % is not"), "{error}");
    let error = refusal(Blackhole::new().clients(["redis"]).on(&proxy)).await;
    assert!(
        error.contains("clients[0]: `redis` is not an address"),
        "{error}"
    );
}

#[tokio::test]
async fn without_a_proxy_it_is_said_what_would_work() {
    let error = refusal(Latency::ms(1).on(&Host)).await;
    // On Linux the kernel could do it; without the right or the module, that is said, too.
    assert!(
        error.contains("proxy")
            || error.contains("CAP_NET_ADMIN")
            || error.contains("reaches the host"),
        "{error}"
    );
    assert_eq!(Latency::ms(1).kind(), "net.latency");
}

#[test]
fn partitions_are_checked() {
    let partition = |json: Value| registry().fault("net.partition", None, &parameters(json));
    for json in [
        json!({}),
        json!({ "addresses": ["10.0.0.7", "10.0.0.0/8", "fd00::/8"], "direction": "ingress" }),
        json!({ "loopback": true, "direction": "egress" }),
        json!({ "addresses": ["127.0.0.1"], "loopback": true }),
        json!({ "addresses": ["127.0.0.1"], "interface": "lo" }),
        json!({ "addresses": ["127.0.0.1", "10.0.0.7"] }),
        json!({ "addresses": ["localhost"] }),
    ] {
        assert!(partition(json.clone()).is_ok(), "{json}");
    }
    for (json, says) in [
        (
            json!({ "addresses": [] }),
            &["parameters.addresses", "empty", "leave it out"][..],
        ),
        (
            json!({ "addresses": ["10.0.0.1", "10.0.0"] }),
            &["parameters.addresses[1]", "`10.0.0`", "10.0.0.0/8"],
        ),
        (
            json!({ "addresses": ["10.0.0.1/8"] }),
            &["parameters.addresses[0]", "write 10.0.0.0/8"],
        ),
        (
            json!({ "direction": "upstream" }),
            &["parameters.direction", "ingress", "egress"],
        ),
        (
            json!({ "addresses": ["127.0.0.0/8", "::1"] }),
            &["parameters.addresses", "left alone", "`loopback: true`"],
        ),
        (
            json!({ "adresses": ["10.0.0.1"] }),
            &["did you mean `addresses`"],
        ),
    ] {
        let error = partition(json.clone()).unwrap_err().to_string();
        for part in says.iter().chain(&["net.partition"]) {
            assert!(error.contains(part), "{json}: no `{part}` in: {error}");
        }
    }
}

#[tokio::test]
async fn namespaces_are_checked() {
    for (json, says) in [
        (json!({}), "exactly one of"),
        (json!({ "name": "a", "pid": 1 }), "exactly one of"),
        (json!({ "name": "../x" }), "not the name of a namespace"),
        (json!({ "path": "run/netns/x" }), "not an absolute path"),
        (json!({ "pid": 0 }), "0 is not a process"),
        (json!({ "pid": -1 }), "pid"),
    ] {
        let target = registry()
            .target("netns", parameters(json.clone()), "blue")
            .await;
        let error = Chain(&target.unwrap_err()).to_string();
        assert!(error.contains(says), "{json}: {error}");
    }
    let target = registry()
        .target("netns", parameters(json!({ "name": "blue" })), "blue")
        .await;
    assert_eq!(target.unwrap().describe(), "netns blue");
}

#[tokio::test]
async fn a_partition_of_a_proxy_is_told_what_would_work() {
    let proxy = Proxy::in_front_of("127.0.0.1:9").await.unwrap();
    let error = refusal(chaos_faults_net::Partition::all().on(&proxy)).await;
    // Without the right to do it, that is said instead.
    assert!(
        error.contains("net.blackhole") || error.contains("needs "),
        "{error}"
    );
}

#[test]
fn every_field_says_what_it_is() {
    let registry = registry();
    for kind in registry.fault_kinds() {
        let schema = serde_json::to_value(registry.fault_schema(kind).unwrap()).unwrap();
        let empty = serde_json::Map::new();
        let fields = schema["properties"].as_object().unwrap_or(&empty);
        for (field, schema) in fields {
            let said = schema["description"].as_str().unwrap_or_default();
            assert!(said.len() > 20, "{kind}: {field}: {schema}");
        }
    }
    assert_eq!(
        registry.undo_kinds().count(),
        if cfg!(target_os = "linux") { 5 } else { 0 }
    );
}
