//! Probes against real servers.

mod support;

use chaos_core::{ConfigError, Probe, Registry, Value};
use chaos_validator::{ClosureProbe, HttpProbe, TcpProbe};
use std::{sync::Arc, sync::atomic::Ordering, time::Instant};
use support::{Server, Service, ms, nobody};

fn probe(kind: &str, parameters: &str) -> Result<Arc<dyn Probe>, ConfigError> {
    let mut registry = Registry::new();
    chaos_validator::register(&mut registry);
    registry.probe(kind, serde_json::from_str(parameters).unwrap())
}

#[tokio::test]
async fn a_status_is_a_number_or_as_expected() {
    let service = Service::start();
    let status = HttpProbe::get(&service.url()).unwrap();
    let healthy = probe(
        "http",
        &format!(
            r#"{{ "url": "{}", "status": 200, "timeout": "1s" }}"#,
            service.url()
        ),
    )
    .unwrap();
    assert_eq!(status.sample().await.unwrap(), Value::Number(200.0));
    assert_eq!(healthy.sample().await.unwrap(), Value::Flag(true));
    service.knobs.fail_every.store(1, Ordering::SeqCst);
    assert_eq!(status.sample().await.unwrap(), Value::Number(500.0));
    assert_eq!(healthy.sample().await.unwrap(), Value::Flag(false));
}

#[tokio::test]
async fn no_answer_is_no_value() {
    let refused = HttpProbe::get(&format!("http://{}/", nobody().await)).unwrap();
    let error = refused.sample().await.unwrap_err().to_string();
    assert!(error.contains("refused"), "{error}");

    let silent = Server::raw(|stream| async move {
        let _stream = stream;
        std::future::pending::<()>().await;
    });
    let silent = HttpProbe::get(&silent.url()).unwrap().timeout(ms(200));
    let asked = Instant::now();
    let error = silent.sample().await.unwrap_err().to_string();
    assert!(error.contains("200ms"), "{error}");
    assert!(asked.elapsed() < ms(1000));
}

/// A probe whose target was restarted connects again, and does not lie about what is in between.
#[tokio::test]
async fn a_probe_finds_its_target_again() {
    let service = Service::start();
    let probe = HttpProbe::get(&service.url()).unwrap().status(200);
    assert_eq!(probe.sample().await.unwrap(), Value::Flag(true));
    service.knobs.frozen.send_replace(true);
    let probe = probe.timeout(ms(100));
    assert!(probe.sample().await.is_err());
    service.knobs.frozen.send_replace(false);
    assert_eq!(probe.sample().await.unwrap(), Value::Flag(true));
}

#[tokio::test]
async fn a_port_is_open_or_closed() {
    let service = Service::start();
    let open = TcpProbe::connect(&service.server.address.to_string()).unwrap();
    assert_eq!(open.sample().await.unwrap(), Value::Flag(true));
    let address = nobody().await;
    let closed = probe("tcp", &format!(r#"{{ "address": "{address}" }}"#)).unwrap();
    assert_eq!(closed.sample().await.unwrap(), Value::Flag(false));
    let unknown = TcpProbe::connect("does-not-exist.invalid:80").unwrap();
    assert!(unknown.timeout(ms(2000)).sample().await.is_err());
}

#[tokio::test]
async fn a_closure_sees_what_it_likes() {
    let seen = ClosureProbe::new(|| async { Ok(Value::Text("leader".into())) });
    assert_eq!(seen.sample().await.unwrap(), Value::Text("leader".into()));
    let blind = ClosureProbe::new(|| async { Err("no route".into()) });
    assert_eq!(blind.sample().await.unwrap_err().to_string(), "no route");
}

#[test]
fn what_a_file_gets_wrong_is_named() {
    for (kind, parameters, field) in [
        ("http", r#"{ "url": "ftp://x/" }"#, "http.url"),
        (
            "http",
            r#"{ "url": "http://x/", "status": 700 }"#,
            "http.status",
        ),
        (
            "http",
            r#"{ "url": "http://x/", "timeout": "0s" }"#,
            "http.timeout",
        ),
        (
            "http",
            r#"{ "url": "http://x/", "timeout": 2 }"#,
            "http.timeout",
        ),
        ("tcp", r#"{ "address": "nowhere" }"#, "tcp.address"),
    ] {
        let error = probe(kind, parameters).unwrap_err();
        assert_eq!(error.field_path(), Some(field), "{parameters}: {error}");
    }
    let error = probe("http", r#"{ "ulr": "http://x/" }"#).unwrap_err();
    assert!(error.to_string().contains("url"), "{error}");
}
