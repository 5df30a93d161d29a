//! What configuration is taken, and what the others are told.

use chaos_core::{Chain, FaultExt, Host, Intensity, Parameters, Registry};
use chaos_faults_dns::{Nxdomain, register};
use serde_json::{Value, from_value, json};

fn registry() -> Registry {
    let mut registry = Registry::new();
    register(&mut registry);
    registry
}

fn parameters(json: Value) -> Parameters {
    from_value(json).unwrap()
}

const SIMPLE: [&str; 5] = [
    "dns.nxdomain",
    "dns.servfail",
    "dns.refuse",
    "dns.timeout",
    "dns.truncate",
];

#[test]
fn what_is_right_is_taken() {
    let simple = SIMPLE.map(|kind| {
        (
            kind,
            json!({ "queries": { "names": ["db.internal", "*"], "types": ["A", "srv"], "share": 5 } }),
        )
    });
    let others = [
        ("dns.nxdomain", json!({})),
        ("dns.delay", json!({ "delay": "1s", "queries": {} })),
        ("dns.delay", json!({ "delay": "0ms", "jitter": "1s" })),
        ("dns.spoof", json!({ "addresses": ["192.0.2.1", "::1"] })),
        ("dns.spoof", json!({ "cname": "a.b.", "ttl": "1m" })),
    ];
    for (kind, json) in simple.into_iter().chain(others) {
        let fault = registry().fault(kind, None, &parameters(json.clone()));
        let fault = fault.unwrap_or_else(|e| panic!("{kind} {json}: {e}"));
        assert_eq!(fault.kind(), kind);
    }
}

#[test]
fn what_is_wrong_is_told_the_field_and_what_is_allowed() {
    let many: Vec<_> = (0..101).map(|n| format!("10.0.0.{n}")).collect();
    for (kind, json, says) in [
        ("dns.delay", json!({}), &["delay", "missing"][..]),
        (
            "dns.delay",
            json!({ "delay": "0s" }),
            &["delay", "delays nothing"],
        ),
        ("dns.delay", json!({ "delay": "2h" }), &["delay", "1h"]),
        (
            "dns.delay",
            json!({ "delay": "1s", "jitter": "2h" }),
            &["jitter", "1h"],
        ),
        (
            "dns.refuse",
            json!({ "queries": { "share": 101 } }),
            &["queries.share", "0 to 100"],
        ),
        (
            "dns.timeout",
            json!({ "queries": { "names": [] } }),
            &["queries.names", "empty"],
        ),
        (
            "dns.servfail",
            json!({ "queries": { "names": ["a", "b..c"] } }),
            &["queries.names[1]", "*.internal"],
        ),
        (
            "dns.truncate",
            json!({ "queries": { "types": ["AAAAA"] } }),
            &["queries.types[0]", "AAAA"],
        ),
        (
            "dns.nxdomain",
            json!({ "queries": { "name": "a" } }),
            &["name", "names"],
        ),
        ("dns.spoof", json!({}), &["addresses", "192.0.2.1", "cname"]),
        (
            "dns.spoof",
            json!({ "addresses": ["localhost"] }),
            &["addresses[0]", "IP address"],
        ),
        (
            "dns.spoof",
            json!({ "addresses": many }),
            &["addresses", "at most 100"],
        ),
        (
            "dns.spoof",
            json!({ "cname": "a..b" }),
            &["cname", "db.example.org"],
        ),
        (
            "dns.spoof",
            json!({ "cname": "a", "ttl": "1500ms" }),
            &["ttl", "whole seconds"],
        ),
        (
            "dns.spoof",
            json!({ "cname": "a", "ttl": "8d" }),
            &["ttl", "7d"],
        ),
    ] {
        let error = registry()
            .fault(kind, None, &parameters(json.clone()))
            .unwrap_err();
        let text = format!("{error:?} {}", Chain(&error));
        for part in says {
            assert!(
                text.contains(part),
                "{kind} {json}: {part} is not in {text}"
            );
        }
    }
}

#[test]
fn intensities_stand_for_something_but_not_for_addresses() {
    for kind in SIMPLE.into_iter().chain(["dns.delay"]) {
        for intensity in [Intensity::Light, Intensity::Medium, Intensity::Heavy] {
            registry()
                .fault(kind, Some(intensity), &Parameters::new())
                .unwrap();
        }
    }
    let error = registry()
        .fault("dns.spoof", Some(Intensity::Light), &Parameters::new())
        .unwrap_err();
    assert!(error.to_string().contains("intensity"), "{error}");
}

#[tokio::test]
async fn where_there_is_no_proxy_it_is_told_what_to_do() {
    let engine = chaos_core::Engine::open().await.unwrap();
    let error = engine
        .inject(Nxdomain::new().on(&Host).allow_host())
        .await
        .unwrap_err();
    let text = Chain(&error).to_string();
    assert!(text.contains("dns_proxy"), "{text}");
}

#[tokio::test]
async fn a_target_says_what_is_wrong_before_it_is_opened() {
    for (json, says) in [
        (json!({ "upstream": "dns.example" }), "an IP address"),
        (json!({ "upstream": "127.0.0.1:0" }), "an IP address"),
        (
            json!({ "upstream": "::1", "listen": "5353" }),
            "address:port",
        ),
        (
            json!({ "upstream": "127.0.0.1:5", "listen": "127.0.0.1:5" }),
            "the proxy itself",
        ),
        (
            json!({ "upstream": "127.0.0.9:5", "listen": "0.0.0.0:5" }),
            "the proxy itself",
        ),
        (json!({ "upstream": "::1", "timeout": "0s" }), "1ms to 10m"),
        (json!({ "upstream": "::1", "timeout": "1h" }), "1ms to 10m"),
        (json!({ "upstream": "::1", "cache": true }), "cache"),
    ] {
        let error = registry()
            .target("dns_proxy", parameters(json.clone()), "dns")
            .await
            .unwrap_err();
        let text = format!("{error:?} {}", Chain(&error));
        assert!(text.contains(says), "{json}: {text}");
    }
}

#[tokio::test]
async fn a_target_is_opened() {
    let json = json!({ "upstream": "127.0.0.1", "listen": "127.0.0.1:0", "timeout": "2s" });
    let registry = registry();
    let opening = registry.target("dns_proxy", parameters(json), "names");
    let text = opening.await.unwrap().describe();
    assert!(text.starts_with("DNS proxy names 127.0.0.1:"), "{text}");
    assert!(text.ends_with(" -> 127.0.0.1:53"), "{text}");
}
