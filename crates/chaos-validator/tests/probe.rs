//! Probes against real servers.

#![cfg(all(feature = "dns", feature = "jsonpath"))]

mod support;

use chaos_core::{ConfigError, Probe, Registry, Value};
use chaos_validator::{ClosureProbe, HttpProbe, TcpProbe};
use serde_json::json;
use std::{sync::Arc, sync::atomic::Ordering, time::Instant};
use support::{Server, Service, ms, nobody};
use tokio::io::AsyncWriteExt;

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

/// Answers every request with these bytes, and closes.
fn answering(bytes: &'static str) -> Server {
    Server::raw(move |mut stream| async move {
        stream.write_all(bytes.as_bytes()).await.ok();
    })
}

async fn seen(kind: &str, parameters: serde_json::Value) -> Result<Value, String> {
    let probe = probe(kind, &parameters.to_string()).unwrap();
    probe.sample().await.map_err(|e| e.to_string())
}

#[tokio::test]
async fn a_body_a_value_in_it_and_a_header_are_seen() {
    let server = answering(
        "HTTP/1.1 200 OK\r\nx-leader: nut\r\ncontent-length: 24\r\n\r\n{\"up\":true,\"queue\":[3]} ",
    );
    let url = server.url();
    for (more, value) in [
        (
            json!({ "body": true }),
            Value::Text("{\"up\":true,\"queue\":[3]} ".into()),
        ),
        (json!({ "json": "$.up" }), Value::Flag(true)),
        (
            json!({ "json": "$.queue[0]", "status": 200 }),
            Value::Number(3.0),
        ),
        (json!({ "header": "X-Leader" }), Value::Text("nut".into())),
    ] {
        let mut parameters = more;
        parameters["url"] = json!(url);
        assert_eq!(seen("http", parameters).await.unwrap(), value);
    }
    for (more, says) in [
        (json!({ "json": "$.nope" }), "no `$.nope`"),
        (json!({ "header": "nope" }), "no header `nope`"),
        (
            json!({ "body": true, "status": 204 }),
            "answered 200, not 204",
        ),
    ] {
        let mut parameters = more;
        parameters["url"] = json!(url);
        let error = seen("http", parameters).await.unwrap_err();
        assert!(error.contains(says), "{error}");
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let server = answering("HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 0\r\n\r\n");
    let status = seen("http", json!({ "url": server.url() })).await;
    assert_eq!(status.unwrap(), Value::Number(302.0));
}

#[tokio::test]
async fn bad_answers_are_errors_soon() {
    let endless = Server::raw(|mut stream| async move {
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        stream.write_all(head.as_bytes()).await.ok();
        let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
        while stream.write_all(chunk.as_bytes()).await.is_ok() {}
    });
    let dripping = Server::raw(|mut stream| async move {
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        stream.write_all(head.as_bytes()).await.ok();
        while stream.write_all(b"1\r\nx\r\n").await.is_ok() {
            tokio::time::sleep(ms(20)).await;
        }
    });
    let huge = Server::raw(|mut stream| async move {
        let head = "HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n";
        stream.write_all(head.as_bytes()).await.ok();
        while stream.write_all(&[b'x'; 0x10000]).await.is_ok() {}
    });
    let silent = Server::raw(|stream| async move {
        let _stream = stream;
        std::future::pending::<()>().await;
    });
    for (what, server, says) in [
        ("endless", endless, "more than 1 MiB"),
        ("dripping", dripping, "no answer within 300ms"),
        ("1 GB", huge, "more than 1 MiB"),
        ("silent", silent, "no answer within 300ms"),
        (
            "garbage",
            answering("%PDF-1.4 \u{1} garbage\r\n\r\n"),
            "no HTTP",
        ),
        ("empty", answering(""), "reset"),
        (
            "early",
            answering("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx"),
            "reset",
        ),
    ] {
        for kind in ["status", "body", "prometheus"] {
            // Only what never comes to an end is given up.
            let timeout = match says {
                "no answer within 300ms" => "300ms",
                _ => "5s",
            };
            let mut parameters = json!({ "url": server.url(), "timeout": timeout });
            let name = match kind {
                "body" => {
                    parameters["body"] = json!(true);
                    "http"
                }
                "prometheus" => {
                    parameters["query"] = json!("up");
                    "prometheus"
                }
                _ => "http",
            };
            let asked = Instant::now();
            let error = seen(name, parameters).await.unwrap_err();
            assert!(error.contains(says), "{what} {kind}: {error}");
            assert!(asked.elapsed() < ms(10_000), "{what} {kind}");
        }
    }
}

#[tokio::test]
async fn secrets_are_in_no_error_and_no_debug() {
    let address = nobody().await;
    let parameters = json!({
        "url": format!("http://{address}/?key=hunter2"),
        "headers": { "authorization": "hunter2" },
        "send": "hunter2",
    });
    let probe = probe("http", &parameters.to_string()).unwrap();
    let error = probe.sample().await.unwrap_err().to_string();
    assert!(
        !format!("{probe:?} {error}").contains("hunter2"),
        "{probe:?} {error}"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn a_command_is_seen_by_its_exit_code_or_output() {
    let sh = |script: &str| json!(["sh", "-c", script]);
    for (parameters, value) in [
        (json!({ "run": sh("exit 3") }), Value::Number(3.0)),
        (
            json!({ "run": ["echo", " hello "], "output": true }),
            Value::Text("hello".into()),
        ),
        (
            json!({ "run": ["echo", "42"], "output": true, "read": "number" }),
            Value::Number(42.0),
        ),
        (
            json!({ "run": ["echo", "{\"up\":true}"], "json": "$.up" }),
            Value::Flag(true),
        ),
    ] {
        assert_eq!(seen("command", parameters).await.unwrap(), value);
    }
    for (parameters, says) in [
        (json!({ "run": ["/does/not/exist"] }), "No such file"),
        (json!({ "run": sh("kill -9 $$") }), "signal"),
        (
            json!({ "run": sh("echo 1; exit 3"), "output": true }),
            "exit code 3",
        ),
        (
            json!({ "run": ["yes"], "output": true }),
            "more than 64 KiB",
        ),
        (
            json!({ "run": ["echo", "x"], "output": true, "read": "number" }),
            "not a number",
        ),
        (json!({ "run": ["echo", "x"], "json": "$.up" }), "not JSON"),
    ] {
        let error = seen("command", parameters).await.unwrap_err();
        assert!(error.contains(says), "{error}");
    }
}

/// The children of a command that is given up end with it.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_command_is_killed_with_its_group_at_the_timeout() {
    let dir = std::env::temp_dir().join(format!("chaos-probe-{}", std::process::id()));
    let script = format!("sleep 600 & echo $! > {}; wait", dir.display());
    let parameters = json!({ "run": ["sh", "-c", script], "output": true, "timeout": "500ms" });
    let error = seen("command", parameters).await.unwrap_err();
    assert!(error.contains("within 500ms"), "{error}");
    let pid = std::fs::read_to_string(&dir).unwrap();
    std::fs::remove_file(&dir).unwrap();
    let pid: u32 = pid.trim().parse().unwrap();
    let gone = || chaos_core::ProcessId::of(pid).is_err();
    support::until("the child of the command is gone", gone).await;
}

#[tokio::test]
async fn a_file_is_there_or_has_a_size_a_text_or_a_number() {
    let path = std::env::temp_dir().join(format!("chaos-file-{}", std::process::id()));
    std::fs::write(&path, "42\n").unwrap();
    for (more, value) in [
        (json!({}), Value::Flag(true)),
        (json!({ "read": "size" }), Value::Number(3.0)),
        (json!({ "read": "text" }), Value::Text("42".into())),
        (json!({ "read": "number" }), Value::Number(42.0)),
        (json!({ "contains": "2" }), Value::Flag(true)),
        (json!({ "contains": "3" }), Value::Flag(false)),
    ] {
        let mut parameters = more;
        parameters["path"] = json!(path);
        assert_eq!(seen("file", parameters).await.unwrap(), value);
    }
    std::fs::write(&path, vec![b'1'; (1 << 20) + 1]).unwrap();
    let number = json!({ "path": path, "read": "number" });
    let error = seen("file", number.clone()).await.unwrap_err();
    assert!(error.contains("more than 1 MiB"), "{error}");
    std::fs::remove_file(&path).unwrap();
    assert!(seen("file", number).await.is_err());
    let exists = seen("file", json!({ "path": path })).await;
    assert_eq!(exists.unwrap(), Value::Flag(false));
    let pipe = seen("file", json!({ "path": "/dev", "read": "text" })).await;
    assert!(pipe.unwrap_err().contains("not a regular file"));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_process_is_alive_until_it_ends() {
    let mut child = std::process::Command::new("sleep")
        .arg("600")
        .spawn()
        .unwrap();
    let probe = probe("process", &json!({ "pid": child.id() }).to_string()).unwrap();
    assert_eq!(probe.sample().await.unwrap(), Value::Flag(true));
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(probe.sample().await.unwrap(), Value::Flag(false));
    let own = std::fs::read_to_string("/proc/self/comm").unwrap();
    let alive = seen("process", json!({ "name": own.trim_end() })).await;
    assert_eq!(alive.unwrap(), Value::Flag(true));
    let none = seen("process", json!({ "name": "no such process" })).await;
    assert_eq!(none.unwrap(), Value::Flag(false));
}

#[tokio::test]
async fn a_name_resolves_by_the_system_and_a_silent_server_is_no_value() {
    let first = seen("dns", json!({ "name": "127.0.0.1", "first": true })).await;
    assert_eq!(first.unwrap(), Value::Text("127.0.0.1".into()));
    let silent = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let server = silent.local_addr().unwrap();
    let asked = json!({ "name": "db.internal", "server": server, "timeout": "200ms" });
    let error = seen("dns", asked).await.unwrap_err();
    assert!(error.contains("no answer within 200ms"), "{error}");
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
        (
            "http",
            r#"{ "url": "http://x/", "json": "up" }"#,
            "http.json",
        ),
        (
            "http",
            r#"{ "url": "http://x/", "method": "G T" }"#,
            "http.method",
        ),
        ("command", r#"{ "run": [] }"#, "command.run"),
        (
            "command",
            r#"{ "run": ["x"], "read": "number" }"#,
            "command.read",
        ),
        ("dns", r#"{ "name": "a..b" }"#, "dns.name"),
        ("dns", r#"{ "name": "a", "server": "b" }"#, "dns.server"),
        ("file", r#"{ "path": "" }"#, "file.path"),
        ("process", r#"{ "pid": 0 }"#, "process.pid"),
        (
            "prometheus",
            r#"{ "url": "http://x", "query": "" }"#,
            "prometheus.query",
        ),
    ] {
        let error = probe(kind, parameters).unwrap_err();
        assert_eq!(error.field_path(), Some(field), "{parameters}: {error}");
    }
    let error = probe("http", r#"{ "ulr": "http://x/" }"#).unwrap_err();
    assert!(error.to_string().contains("url"), "{error}");
}
