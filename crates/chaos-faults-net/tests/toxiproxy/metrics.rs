//! What `/metrics` tells.

use crate::world::{Api, connect, echo, ping, until};
use chaos_faults_net::toxiproxy::Server;

#[tokio::test]
async fn bytes_are_told_while_the_connection_lives_and_after_its_proxy_is_gone() {
    let api = Api::with(Server::new().proxy_metrics(true)).await;
    let upstream = echo();
    let at = api.proxy("p", upstream);
    let mut client = connect(at);
    for _ in 0..3 {
        ping(&mut client).unwrap();
    }
    let expected: Vec<String> = ["received", "sent"]
        .into_iter()
        .flat_map(|which| {
            ["upstream", "downstream"].map(|direction| {
                format!(
                    "toxiproxy_proxy_{which}_bytes_total{{direction=\"{direction}\",listener=\"{at}\",proxy=\"p\",upstream=\"{upstream}\"}} 12\n"
                )
            })
        })
        .collect();
    let told = || {
        let answer = api.call("GET", "/metrics", "");
        assert_eq!(answer.status, 200);
        let kind = answer.header("Content-Type").unwrap();
        assert!(kind.starts_with("text/plain; version=0.0.4"), "{kind}");
        assert!(!answer.body.contains("process_"));
        answer.body
    };
    let all = || expected.iter().all(|line| told().contains(line));
    until("every byte is told", all);
    assert!(told().contains("# TYPE toxiproxy_proxy_sent_bytes_total counter\n"));
    api.must(204, "DELETE", "/proxies/p", "");
    drop(client);
    assert!(all(), "{}", told());

    // Many come and go, and what they moved is still known.
    for _ in 0..200 {
        let at = api.proxy("p", upstream);
        ping(&mut connect(at)).unwrap();
        api.must(204, "DELETE", "/proxies/p", "");
    }
    let received =
        |line: &&str| line.starts_with("toxiproxy_proxy_received") && line.contains("\"upstream\"");
    let sum = || -> u64 {
        let told = told();
        let lines = told
            .lines()
            .filter(|line| line.contains("direction=\"upstream\""))
            .filter(|line| received(line));
        lines
            .map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap())
            .sum()
    };
    until("all of it is told", || sum() == 12 + 200 * 4);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_the_process_uses_is_told_when_asked_for() {
    let api = Api::with(Server::new().runtime_metrics(true)).await;
    let told = api.must(200, "POST", "/metrics", "");
    for name in [
        "cpu_seconds_total",
        "open_fds",
        "resident_memory_bytes",
        "start_time_seconds",
    ] {
        let line = told
            .lines()
            .find(|line| line.starts_with(&format!("process_{name} ")));
        let value = line.and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
        assert!(value.is_some_and(|value| value >= 0.0), "{name}: {told}");
    }
    assert!(!told.contains("toxiproxy_proxy"));
}
