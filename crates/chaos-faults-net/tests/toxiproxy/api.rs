//! Each route, its status, its headers and its exact body.

use crate::world::{Answer, Api, call, listens};

const JSON: Option<&str> = Some("application/json");
const PLAIN: Option<&str> = Some("text/plain; charset=utf-8");

/// An error as the API tells it.
fn is_error(answer: &Answer, status: u16, message: &str) {
    let body = format!("{{\"error\":\"{message}\",\"status\":{status}}}\n");
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (status, body.as_str())
    );
    assert_eq!(answer.header("Content-Type"), PLAIN);
    assert_eq!(answer.header("X-Content-Type-Options"), Some("nosniff"));
}

#[tokio::test]
async fn the_version_is_toxiproxys() {
    let api = Api::start().await;
    let answer = api.call("GET", "/version", "");
    assert_eq!(answer.body, "{\"version\": \"2.12.0\"}\n");
    let kind = answer.header("Content-Type");
    assert_eq!(kind, Some("application/json;charset=utf-8"));
}

#[tokio::test]
async fn a_proxy_is_made_shown_changed_and_deleted() {
    let api = Api::start().await;
    assert_eq!(api.must(200, "GET", "/proxies", ""), "{}");
    let body = r#"{"name":"redis","listen":"localhost:0","upstream":"localhost:6379"}"#;
    let made = api.call("POST", "/proxies", body);
    let at = listens(&made.body);
    let told = format!(
        r#"{{"name":"redis","listen":"{at}","upstream":"localhost:6379","enabled":true,"Logger":{{}},"toxics":[]}}"#
    );
    assert_eq!((made.status, &made.body), (201, &told));
    assert_eq!(made.header("Content-Type"), JSON);
    assert_eq!(made.header("X-Content-Type-Options"), None);
    assert_eq!(api.must(200, "GET", "/proxies/redis", ""), told);
    let all = format!(r#"{{"redis":{told}}}"#);
    assert_eq!(api.must(200, "GET", "/proxies", ""), all);

    let off = told.replace("true", "false");
    for method in ["POST", "PATCH"] {
        let changed = api.must(
            200,
            method,
            "/proxies/redis",
            r#"{"enabled":false,"name":"x"}"#,
        );
        assert_eq!(changed, off);
    }
    let gone = api.call("DELETE", "/proxies/redis", "");
    assert_eq!((gone.status, gone.body.as_str()), (204, ""));
    for (method, path) in [
        ("GET", "/proxies/redis"),
        ("POST", "/proxies/redis"),
        ("PATCH", "/proxies/redis"),
        ("DELETE", "/proxies/redis"),
        ("GET", "/proxies/redis/toxics"),
        ("POST", "/proxies/redis/toxics"),
        ("GET", "/proxies/redis/toxics/t"),
        ("PATCH", "/proxies/redis/toxics/t"),
        ("DELETE", "/proxies/redis/toxics/t"),
    ] {
        // Even a body that means nothing is not looked at.
        is_error(&api.call(method, path, "{"), 404, "proxy not found");
    }
}

#[tokio::test]
async fn what_a_new_proxy_lacks_is_told() {
    let api = Api::start().await;
    let said = |body: &str| api.call("POST", "/proxies", body);
    is_error(&said("{}"), 400, "missing required field: name");
    is_error(&said("null"), 400, "missing required field: name");
    is_error(
        &said(r#"{"name":"a"}"#),
        400,
        "missing required field: upstream",
    );
    is_error(&said(""), 400, "bad request body: EOF");
    for body in [
        "{",
        "[]",
        "nonsense",
        r#"{"name":7}"#,
        r#"{"name":"a","upstream":"b:1","enabled":"yes"}"#,
        "{\"name\":\"\u{0}\"}",
    ] {
        let answer = said(body);
        assert_eq!(answer.status, 400, "{body}");
        assert!(
            answer.body.starts_with(r#"{"error":"bad request body: "#),
            "{answer:?}"
        );
    }
    assert_eq!(api.must(200, "GET", "/proxies", ""), "{}");
    let body = r#"{"name":"a","listen":"127.0.0.1:0","upstream":"b:1"}"#;
    assert_eq!(said(body).status, 201);
    is_error(&said(body), 409, "proxy already exists");
    let body = body
        .replace(r#""a""#, r#""b""#)
        .replace("127.0.0.1:0", "nowhere");
    is_error(
        &said(&body),
        500,
        "listen tcp: address nowhere: missing port in address",
    );
}

#[tokio::test]
async fn keys_in_any_case_unknown_fields_null_and_garbage_behind_are_taken() {
    let api = Api::start().await;
    let body = r#"{"NAME":"a","Listen":"127.0.0.1:0","upStream":"b:1","enabled":null,"colour":{}} and more"#;
    let answer = call(
        api.running.address(),
        "POST",
        "/proxies",
        "Content-Type: text/html\r\n",
        body.as_bytes(),
    );
    let answer = answer.unwrap();
    assert_eq!(answer.status, 201, "{answer:?}");
    assert!(answer.body.contains(r#""enabled":true"#));
    api.must(200, "PATCH", "/proxies/a", r#"{"Enabled":false}]"#);
    api.must(200, "PATCH", "/proxies/a", "{}");
}

#[tokio::test]
async fn a_toxic_is_added_shown_changed_and_removed() {
    let api = Api::start().await;
    api.proxy("p", "127.0.0.1:1".parse().unwrap());
    assert_eq!(api.must(200, "GET", "/proxies/p/toxics", ""), "[]");
    let told = r#"{"attributes":{"latency":100,"jitter":0},"name":"latency_downstream","type":"latency","stream":"downstream","toxicity":1}"#;
    let added = api.call(
        "POST",
        "/proxies/p/toxics",
        r#"{"type":"latency","attributes":{"latency":100}}"#,
    );
    assert_eq!((added.status, added.body.as_str()), (200, told));
    assert_eq!(added.header("Content-Type"), JSON);
    let path = "/proxies/p/toxics/latency_downstream";
    assert_eq!(api.must(200, "GET", path, ""), told);

    // First those of the requests, each in the order in which they were added.
    let toxic = |name: &str, stream: &str| {
        let body =
            format!(r#"{{"type":"noop","name":"{name}","stream":"{stream}","toxicity":0.5}}"#);
        api.must(200, "POST", "/proxies/p/toxics", &body)
    };
    let (b, a, c) = (
        toxic("b", "upstream"),
        toxic("a", "UPSTREAM"),
        toxic("c", "downstream"),
    );
    assert_eq!(
        a,
        r#"{"attributes":{},"name":"a","type":"noop","stream":"UPSTREAM","toxicity":0.5}"#
    );
    let all = format!("[{b},{a},{told},{c}]");
    assert_eq!(api.must(200, "GET", "/proxies/p/toxics", ""), all);
    let proxy = api.must(200, "GET", "/proxies/p", "");
    assert!(proxy.ends_with(&format!(r#""toxics":{all}}}"#)), "{proxy}");

    let told = told
        .replace("100", "7")
        .replace(r#""toxicity":1"#, r#""toxicity":0.25"#);
    let said = r#"{"name":"x","stream":"upstream","type":"noop","attributes":{"latency":7},"toxicity":0.25}"#;
    for method in ["POST", "PATCH"] {
        assert_eq!(api.must(200, method, path, said), told);
    }
    let removed = api.call("DELETE", path, "");
    assert_eq!((removed.status, removed.body.as_str()), (204, ""));
    for method in ["GET", "POST", "PATCH", "DELETE"] {
        is_error(&api.call(method, path, "{"), 404, "toxic not found");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_toxic_is_told() {
    let api = Api::start().await;
    api.proxy("p", "127.0.0.1:1".parse().unwrap());
    let said = |body: &str| api.call("POST", "/proxies/p/toxics", body);
    is_error(&said(r#"{"type":"none"}"#), 400, "invalid toxic type");
    is_error(&said("{}"), 400, "invalid toxic type");
    let stream = "stream was invalid, can be either upstream or downstream";
    is_error(&said(r#"{"type":"noop","stream":"x"}"#), 400, stream);
    is_error(&said(""), 400, "bad request body: EOF");
    assert_eq!(said(r#"{"type":"noop","name":"t"}"#).status, 200);
    // A name is another one's on either stream.
    let again = said(r#"{"type":"latency","name":"t","stream":"upstream"}"#);
    is_error(&again, 409, "toxic already exists");
    for body in [
        r#"{"type":"latency","attributes":{"latency":1.5}}"#,
        r#"{"type":"latency","attributes":{"latency":"10"}}"#,
        r#"{"type":"bandwidth","attributes":{"rate":-4}}"#,
        r#"{"type":"slicer"}"#,
        r#"{"type":"slicer","attributes":{"average_size":1,"size_variation":5}}"#,
        r#"{"type":"noop","toxicity":"much"}"#,
        r#"{"type":"noop","attributes":7}"#,
    ] {
        let answer = said(body);
        assert_eq!(answer.status, 400, "{body}");
        assert!(
            answer.body.starts_with(r#"{"error":"bad request body: "#),
            "{answer:?}"
        );
    }
    api.add(r#""type":"slicer","name":"s","attributes":{"average_size":9}"#);
    let path = "/proxies/p/toxics/s";
    let before = api.must(200, "GET", path, "");
    api.must(
        400,
        "PATCH",
        path,
        r#"{"attributes":{"average_size":0},"toxicity":0}"#,
    );
    assert_eq!(
        api.must(200, "GET", path, ""),
        before,
        "nothing was changed"
    );
    // Toxiproxy does not look at the range of a toxicity, and null says nothing.
    api.add(r#""type":"noop","name":"n","toxicity":-3,"attributes":null,"stream":null"#);
}

#[tokio::test]
async fn every_toxic_has_its_attributes_and_they_are_told_in_order() {
    let api = Api::start().await;
    api.proxy("p", "127.0.0.1:1".parse().unwrap());
    for (kind, attributes) in [
        ("bandwidth", r#"{"rate":1}"#),
        ("latency", r#"{"latency":1,"jitter":2}"#),
        ("limit_data", r#"{"bytes":1}"#),
        ("noop", "{}"),
        ("packet_loss", r#"{"loss_rate":0.1,"correlation":0.5}"#),
        ("reset_peer", r#"{"timeout":1}"#),
        (
            "slicer",
            r#"{"average_size":2,"size_variation":1,"delay":3}"#,
        ),
        ("slow_close", r#"{"delay":1}"#),
        ("timeout", r#"{"timeout":1}"#),
    ] {
        let body = format!(r#"{{"type":"{kind}","attributes":{attributes}}}"#);
        let told = api.must(200, "POST", "/proxies/p/toxics", &body);
        assert_eq!(
            told,
            format!(
                r#"{{"attributes":{attributes},"name":"{kind}_downstream","type":"{kind}","stream":"downstream","toxicity":1}}"#
            )
        );
    }
}

#[tokio::test]
async fn what_is_routed_has_a_number_and_what_is_not_has_none() {
    const ID: &str = "X-Toxiproxy-Request-Id";
    let api = Api::start().await;
    let first = api.call("GET", "/proxies", "");
    let second = api.call("GET", "/proxies/none", "");
    assert!(first.header(ID).is_some() && second.header(ID).is_some());
    assert_ne!(first.header(ID), second.header(ID));

    for path in [
        "/",
        "/none",
        "/proxies/",
        "/version/",
        "/metrics",
        "/proxies/p/none",
    ] {
        let answer = api.call("GET", path, "");
        assert_eq!(answer.body, "404 page not found\n", "{path}");
        assert_eq!((answer.status, answer.header(ID)), (404, None));
        assert_eq!(answer.header("Content-Type"), PLAIN);
        assert_eq!(answer.header("X-Content-Type-Options"), Some("nosniff"));
    }
    for (method, path) in [
        ("HEAD", "/version"),
        ("OPTIONS", "/proxies"),
        ("PUT", "/proxies/p"),
        ("GET", "/reset"),
        ("GET", "/populate"),
        ("DELETE", "/proxies"),
        ("HEAD", "/proxies/p/toxics/t"),
    ] {
        let answer = api.call(method, path, "");
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (405, ""),
            "{method} {path}"
        );
        assert_eq!(answer.header(ID), None);
    }
}

#[tokio::test]
async fn browsers_are_refused() {
    let api = Api::start().await;
    let call = |path, agent: &str| {
        let agent = format!("User-Agent: {agent}\r\n");
        call(api.running.address(), "GET", path, &agent, b"").unwrap()
    };
    let answer = call("/proxies", "Mozilla/5.0 (X11)");
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (403, "User agent not allowed\n")
    );
    assert_eq!(answer.header("Content-Type"), PLAIN);
    assert!(answer.header("X-Toxiproxy-Request-Id").is_some());
    assert_eq!(call("/none", "Mozilla/5.0").status, 404);
    assert_eq!(call("/proxies", "curl/8 Mozilla/5.0").status, 200);
}

#[tokio::test]
async fn a_name_may_have_any_letters() {
    let api = Api::start().await;
    let body = r#"{"name":"a b<ü>","listen":"127.0.0.1:0","upstream":"b:1","enabled":false}"#;
    let made = api.must(201, "POST", "/proxies", body);
    assert!(made.starts_with(r#"{"name":"a b\u003cü\u003e","#), "{made}");
    assert_eq!(api.must(200, "GET", "/proxies/a%20b%3C%C3%BC%3E", ""), made);
    api.must(204, "DELETE", "/proxies/a%20b%3c%c3%bc%3e", "");
}
