//! Proxies come, change, go, and come again.

use crate::world::{
    Api, connect, echo, ending, fastest, held, is_silent, listens, ms, pair, ping, until,
};
use chaos_faults_net::toxiproxy::Server;
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    thread,
};

fn refused(address: SocketAddr) -> bool {
    TcpStream::connect(address).is_err()
}

#[tokio::test]
async fn the_address_is_told_as_it_was_found() {
    let api = Api::start().await;
    for (listen, begins) in [
        (r#""127.0.0.1:0""#, "127.0.0.1:"),
        (r#""localhost:0""#, "127.0.0.1:"),
        (r#""[::1]:0""#, "[::1]:"),
        (r#"":0""#, "[::]:"),
        (r#""0.0.0.0:0""#, "[::]:"),
        ("null", "[::]:"),
    ] {
        let body = format!(r#"{{"name":"p","listen":{listen},"upstream":"b:1"}}"#);
        let told = api.must(201, "POST", "/proxies", &body);
        assert!(
            told.contains(&format!(r#""listen":"{begins}"#)),
            "{listen}: {told}"
        );
        assert_ne!(listens(&told).port(), 0);
        api.must(204, "DELETE", "/proxies/p", "");
    }
    // A disabled one keeps what it was given.
    let body = r#"{"name":"p","listen":"localhost:0","upstream":"b:1","enabled":false}"#;
    let told = api.must(201, "POST", "/proxies", body);
    assert!(told.contains(r#""listen":"localhost:0","upstream":"b:1","enabled":false"#));
    let told = api.must(200, "PATCH", "/proxies/p", r#"{"enabled":true}"#);
    assert!(!refused(listens(&told)));
}

#[tokio::test]
async fn disabling_closes_everything_and_enabling_opens_the_same_port_with_its_toxics() {
    let api = Api::start().await;
    let at = api.proxy("p", echo());
    api.add(r#""type":"latency","name":"slow","attributes":{"latency":100}"#);
    let mut client = connect(at);
    ping(&mut client).unwrap();
    let told = api.must(200, "POST", "/proxies/p", r#"{"enabled":false}"#);
    assert!(
        told.contains(r#""enabled":false"#) && told.contains("slow"),
        "{told}"
    );
    assert_eq!(ending(&mut client), (vec![], None));
    assert!(refused(at));
    let told = api.must(200, "POST", "/proxies/p", r#"{"enabled":true}"#);
    assert_eq!(listens(&told), at);
    assert!(fastest(&mut connect(at)) >= ms(100));
    // Enabling what is enabled changes nothing.
    let mut client = connect(at);
    ping(&mut client).unwrap();
    api.must(200, "PATCH", "/proxies/p", r#"{"enabled":true}"#);
    ping(&mut client).unwrap();
}

#[tokio::test]
async fn another_upstream_or_port_drops_connections_and_keeps_toxics() {
    let api = Api::start().await;
    let at = api.proxy("p", "127.0.0.1:1".parse().unwrap());
    api.add(r#""type":"latency","name":"slow","attributes":{"latency":100}"#);
    let body = format!(r#"{{"upstream":"{}"}}"#, echo());
    let told = api.must(200, "PATCH", "/proxies/p", &body);
    assert_eq!(listens(&told), at);
    let mut client = connect(at);
    assert!(fastest(&mut client) >= ms(100));

    // The same addresses in other words restart nothing.
    let same = format!(r#"{{"listen":"localhost:{}"}}"#, at.port());
    api.must(200, "PATCH", "/proxies/p", &same);
    ping(&mut client).unwrap();

    let told = api.must(200, "PATCH", "/proxies/p", r#"{"listen":"127.0.0.1:0"}"#);
    assert_ne!(listens(&told), at);
    assert_eq!(ending(&mut client), (vec![], None));
    until("the port is closed", || refused(at));
    assert!(fastest(&mut connect(listens(&told))) >= ms(100));
}

#[tokio::test]
async fn a_port_in_use_is_told_and_leaves_the_proxy_disabled() {
    let api = Api::start().await;
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = other.local_addr().unwrap();
    let in_use = format!(
        "{{\"error\":\"listen tcp {taken}: bind: address already in use\",\"status\":500}}\n"
    );
    let body = format!(r#"{{"name":"p","listen":"{taken}","upstream":"b:1"}}"#);
    assert_eq!(api.must(500, "POST", "/proxies", &body), in_use);
    assert_eq!(api.must(200, "GET", "/proxies", ""), "{}");

    let at = api.proxy("p", echo());
    let mut client = connect(at);
    ping(&mut client).unwrap();
    let body = format!(r#"{{"listen":"{taken}"}}"#);
    assert_eq!(api.must(500, "PATCH", "/proxies/p", &body), in_use);
    assert_eq!(ending(&mut client), (vec![], None));
    let told = api.must(200, "GET", "/proxies/p", "");
    let new = format!(r#""listen":"{taken}""#);
    assert!(
        told.contains(&new) && told.contains(r#""enabled":false"#),
        "{told}"
    );
    assert!(refused(at));

    // A text that is no address changes nothing.
    let before = api.must(200, "GET", "/proxies/p", "");
    api.must(500, "PATCH", "/proxies/p", r#"{"listen":"nowhere"}"#);
    assert_eq!(api.must(200, "GET", "/proxies/p", ""), before);
    drop(other);
    api.must(200, "PATCH", "/proxies/p", r#"{"enabled":true}"#);
    ping(&mut connect(taken)).unwrap();
}

#[tokio::test]
async fn reset_enables_all_removes_toxics_and_keeps_connections() {
    let api = Api::start().await;
    let at = api.proxy("p", echo());
    let off = api.proxy("off", echo());
    api.must(200, "PATCH", "/proxies/off", r#"{"enabled":false}"#);
    api.add(r#""type":"latency","attributes":{"latency":3600000}"#);
    let mut client = connect(at);
    client.write_all(b"ping").unwrap();
    assert!(is_silent(&client, ms(50)));
    assert_eq!(api.must(204, "POST", "/reset", "whatever"), "");
    let mut reply = [0; 4];
    client.read_exact(&mut reply).unwrap();
    assert_eq!(&reply, b"ping");
    assert_eq!(api.must(200, "GET", "/proxies/p/toxics", ""), "[]");
    ping(&mut connect(off)).unwrap();
}

#[tokio::test]
async fn one_that_cannot_be_enabled_does_not_keep_reset_from_the_others() {
    let api = Api::start().await;
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = other.local_addr().unwrap();
    let body = format!(r#"{{"name":"a","listen":"{taken}","upstream":"b:1","enabled":false}}"#);
    api.must(201, "POST", "/proxies", &body);
    api.proxy("p", echo());
    api.add(r#""type":"noop""#);
    api.must(500, "POST", "/reset", "");
    assert_eq!(api.must(200, "GET", "/proxies/p/toxics", ""), "[]");
}

#[tokio::test]
async fn populate_makes_keeps_and_replaces() {
    let api = Api::start().await;
    let upstream = echo();
    assert_eq!(
        api.must(201, "POST", "/populate", "[]"),
        r#"{"proxies":null}"#
    );
    let one = format!(r#"{{"name":"p","listen":"127.0.0.1:0","upstream":"{upstream}"}}"#);
    let told = api.must(201, "POST", "/populate", &format!("[{one}]"));
    let proxy = told.strip_prefix(r#"{"proxies":["#).unwrap();
    let proxy = proxy.strip_suffix("]}").unwrap();
    assert_eq!(api.must(200, "GET", "/proxies/p", ""), proxy);
    let at = listens(proxy);
    api.add(r#""type":"noop""#);
    let mut client = connect(at);
    ping(&mut client).unwrap();

    // The same addresses: nothing is touched, so it is not disabled either. Toxics are not looked at.
    let same = format!(
        r#"[{{"name":"p","listen":"localhost:{}","upstream":"{upstream}","enabled":false,"toxics":[{{"type":"none"}}]}}]"#,
        at.port()
    );
    let told = api.must(201, "POST", "/populate", &same);
    assert!(
        told.contains(r#""enabled":true"#) && told.contains("noop_downstream"),
        "{told}"
    );
    ping(&mut client).unwrap();

    // Others: it is replaced, and its toxics are gone.
    let told = api.must(
        201,
        "POST",
        "/populate",
        &same.replace(&upstream.to_string(), "b:1"),
    );
    assert!(
        told.contains(r#""enabled":false"#) && told.contains(r#""toxics":[]"#),
        "{told}"
    );
    assert_eq!(ending(&mut client), (vec![], None));
    assert!(refused(at));
}

#[tokio::test]
async fn populate_looks_at_all_before_it_changes_anything_and_stops_at_the_first_failure() {
    let api = Api::start().await;
    let answer = api.call(
        "POST",
        "/populate",
        r#"[{"name":"a","upstream":"b:1"},{"name":"c"}]"#,
    );
    assert_eq!(answer.header("Content-Type"), Some("application/json"));
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (
            400,
            r#"{"error":"missing required field: upstream at proxy 2","status":400,"proxies":null}"#
        )
    );
    let answer = api.call("POST", "/populate", "{}");
    assert_eq!(answer.status, 400);
    assert!(
        answer.body.ends_with(r#","status":400,"proxies":null}"#),
        "{answer:?}"
    );
    assert_eq!(api.must(200, "GET", "/proxies", ""), "{}");

    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = other.local_addr().unwrap();
    let proxy =
        |name: &str, at: &str| format!(r#"{{"name":"{name}","listen":"{at}","upstream":"b:1"}}"#);
    let body = [
        proxy("a", "127.0.0.1:0"),
        proxy("b", &taken.to_string()),
        proxy("c", "127.0.0.1:0"),
    ];
    let told = api.must(500, "POST", "/populate", &format!("[{}]", body.join(",")));
    let done = api.must(200, "GET", "/proxies/a", "");
    assert_eq!(
        told,
        format!(
            r#"{{"error":"listen tcp {taken}: bind: address already in use","status":500,"proxies":[{done}]}}"#
        )
    );
    api.must(404, "GET", "/proxies/c", "");
}

#[tokio::test]
async fn an_upstream_without_a_host_is_on_this_one() {
    let api = Api::start().await;
    let body = format!(
        r#"{{"name":"p","listen":"127.0.0.1:0","upstream":":{}"}}"#,
        echo().port()
    );
    let told = api.must(201, "POST", "/proxies", &body);
    ping(&mut connect(listens(&told))).unwrap();
    assert!(told.contains(r#""upstream":":"#), "{told}");
}

#[tokio::test]
async fn a_client_whose_upstream_is_not_there_is_closed() {
    let api = Api::start().await;
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = free.local_addr().unwrap();
    drop(free);
    let mut client = connect(api.proxy("p", nobody));
    assert_eq!(ending(&mut client), (vec![], None));
    for upstream in ["nowhere", "no port", "127.0.0.1:99999"] {
        let body = format!(r#"{{"upstream":"{upstream}"}}"#);
        let at = listens(&api.must(200, "PATCH", "/proxies/p", &body));
        assert_eq!(ending(&mut connect(at)), (vec![], None), "{upstream}");
    }
}

#[tokio::test]
async fn a_half_closed_connection_still_gets_its_answer() {
    let api = Api::start().await;
    let (upstream, held) = held();
    let at = api.proxy("p", upstream);
    let (mut client, mut server) = pair(at, &held);
    client.write_all(b"question").unwrap();
    client.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(ending(&mut server), (b"question".to_vec(), None));
    thread::sleep(ms(50));
    server.write_all(b"answer").unwrap();
    drop(server);
    assert_eq!(ending(&mut client), (b"answer".to_vec(), None));
}

#[tokio::test]
async fn a_thousand_proxies_are_no_problem() {
    let api = Api::start().await;
    let upstream = echo();
    let one = |n| format!(r#"{{"name":"p{n}","listen":"127.0.0.1:0","upstream":"{upstream}"}}"#);
    let all: Vec<String> = (0..1000).map(one).collect();
    let told = api.must(201, "POST", "/populate", &format!("[{}]", all.join(",")));
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    let told = told["proxies"].as_array().unwrap();
    assert_eq!(told.len(), 1000);
    for proxy in [&told[0], &told[999]] {
        let at = proxy["listen"].as_str().unwrap().parse().unwrap();
        ping(&mut connect(at)).unwrap();
    }
    let listed = api.must(200, "GET", "/proxies", "");
    assert_eq!(listed.matches(r#""enabled":true"#).count(), 1000);
    api.must(204, "POST", "/reset", "");
}

#[tokio::test]
async fn dropping_the_server_closes_everything_and_its_port_is_free_at_once() {
    let api = Api::start().await;
    let proxy = api.proxy("p", echo());
    let mut client = connect(proxy);
    ping(&mut client).unwrap();
    let at = api.running.address();
    let mut idle = connect(at);
    idle.write_all(b"GET /version HTTP/1.1\r\nHost: x\r\n\r\n")
        .unwrap();
    idle.read_exact(&mut [0]).unwrap();
    drop(api);
    assert!(refused(proxy) && refused(at));
    assert_eq!(ending(&mut client), (vec![], None));
    assert_eq!(ending(&mut idle).1, None);
    let again = Server::new().listen(at.to_string()).start().await.unwrap();
    assert_eq!(again.address(), at);
    let taken = Server::new().listen(at.to_string()).start().await;
    let told = taken.unwrap_err().to_string();
    assert!(told.contains("another program listens there"), "{told}");
}
