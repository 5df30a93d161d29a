//! What configuration is taken, and what the others are told.

use chaos_core::{Chain, FaultExt, Host, Intensity, Parameters, Registry};
use chaos_faults_http::{Abort, register};
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
        ("http.delay", json!({ "delay": "1s" })),
        (
            "http.delay",
            json!({ "delay": "0ms", "jitter": "1s", "direction": "upstream" }),
        ),
        ("http.abort", json!({})),
        (
            "http.abort",
            json!({ "status": 429, "headers": { "Retry-After": 1 }, "body": "x" }),
        ),
        (
            "http.abort",
            json!({ "reset": true, "direction": "downstream" }),
        ),
        (
            "http.abort",
            json!({ "requests": { "methods": ["GET"], "paths": ["/a/*"], "headers": { "x": "*" }, "share": 5 } }),
        ),
        ("http.replace", json!({ "status": 500 })),
        (
            "http.replace",
            json!({ "direction": "upstream", "path": "/a?b", "method": "PUT" }),
        ),
        ("http.patch", json!({ "json": { "a": null } })),
        (
            "http.patch",
            json!({ "remove_headers": ["ETag"], "headers": { "X-A": "1" } }),
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
        ("http.delay", json!({}), &["delay", "missing"][..]),
        (
            "http.delay",
            json!({ "delay": "0s" }),
            &["delay", "delays nothing"],
        ),
        ("http.delay", json!({ "delay": "2h" }), &["delay", "1h"]),
        (
            "http.abort",
            json!({ "status": 101 }),
            &["status", "200 to 599"],
        ),
        (
            "http.abort",
            json!({ "status": 600 }),
            &["status", "200 to 599"],
        ),
        (
            "http.abort",
            json!({ "status": 500, "reset": true }),
            &["status", "reset"],
        ),
        (
            "http.abort",
            json!({ "body": "x", "reset": true }),
            &["body", "reset"],
        ),
        (
            "http.abort",
            json!({ "headers": { "Content-Length": "1" } }),
            &["headers.Content-Length", "body"],
        ),
        (
            "http.abort",
            json!({ "headers": { "a b": "1" } }),
            &["headers.a b", "letters"],
        ),
        (
            "http.abort",
            json!({ "headers": { "a": "x\ny" } }),
            &["headers.a", "one line"],
        ),
        (
            "http.abort",
            json!({ "requests": { "share": 101 } }),
            &["requests.share", "0 to 100"],
        ),
        (
            "http.abort",
            json!({ "requests": { "paths": [] } }),
            &["requests.paths", "empty"],
        ),
        (
            "http.abort",
            json!({ "requests": { "path": "/" } }),
            &["path", "paths"],
        ),
        ("http.replace", json!({}), &["nothing", "status"]),
        (
            "http.replace",
            json!({ "method": "GET" }),
            &["method", "direction: upstream"],
        ),
        (
            "http.replace",
            json!({ "status": 500, "direction": "upstream" }),
            &["status", "direction: downstream"],
        ),
        (
            "http.replace",
            json!({ "path": "a", "direction": "upstream" }),
            &["path", "/items?page=2"],
        ),
        ("http.patch", json!({}), &["nothing", "json"]),
        (
            "http.patch",
            json!({ "remove_headers": ["Upgrade"] }),
            &["remove_headers[0]", "connection"],
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
fn intensities_stand_for_something() {
    for kind in ["http.delay", "http.abort"] {
        for intensity in [Intensity::Light, Intensity::Medium, Intensity::Heavy] {
            registry()
                .fault(kind, Some(intensity), &Parameters::new())
                .unwrap();
        }
    }
    let error = registry()
        .fault("http.replace", Some(Intensity::Light), &Parameters::new())
        .unwrap_err();
    assert!(error.to_string().contains("intensity"), "{error}");
}

#[tokio::test]
async fn where_there_is_no_proxy_it_is_told_what_to_do() {
    let engine = chaos_core::Engine::open().await.unwrap();
    let error = engine
        .inject(Abort::status(500).on(&Host).allow_host())
        .await
        .unwrap_err();
    let text = Chain(&error).to_string();
    assert!(text.contains("http_proxy"), "{text}");
}

#[tokio::test]
async fn a_target_says_what_is_wrong_before_it_is_opened() {
    for (json, says) in [
        (json!({ "upstream": "127.0.0.1:80" }), "http://host:port"),
        (json!({ "upstream": "http://a/path" }), "without a path"),
        (
            json!({ "upstream": "http://a", "listen": "8080" }),
            "listen",
        ),
        (json!({ "upstream": "http://a", "host": "a b" }), "host"),
        (json!({ "upstream": "http://a", "tls": true }), "tls"),
    ] {
        let error = registry()
            .target("http_proxy", parameters(json.clone()), "web")
            .await
            .unwrap_err();
        let text = format!("{error:?} {}", Chain(&error));
        assert!(text.contains(says), "{json}: {text}");
    }
}
