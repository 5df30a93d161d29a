//! The configuration, which is what `/populate` takes, and toxics.

use crate::world::{Api, connect, echo, fastest, listens, ms};
use chaos_faults_net::toxiproxy::Server;

#[tokio::test]
async fn a_configuration_may_have_toxics() {
    let api = Api::start().await;
    let upstream = echo();
    let config = format!(
        r#"[{{"name":"p","listen":"127.0.0.1:0","upstream":"{upstream}",
             "toxics":[{{"type":"latency","attributes":{{"latency":80}}}},
                       {{"type":"latency","stream":"upstream","attributes":{{"latency":20}}}}]}},
            {{"name":"off","listen":"127.0.0.1:0","upstream":"{upstream}","enabled":false}}]"#
    );
    assert_eq!(api.running.populate(&config).await.unwrap(), 2);
    let at = listens(&api.must(200, "GET", "/proxies/p", ""));
    assert!(fastest(&mut connect(at)) >= ms(100));
    let off = api.must(200, "GET", "/proxies/off", "");
    assert!(off.contains(r#""enabled":false"#), "{off}");
}

#[tokio::test]
async fn a_configuration_with_a_mistake_changes_nothing_and_says_where_it_is() {
    let api = Api::start().await;
    for (config, says) in [
        ("[", "bad request body: "),
        ("", "bad request body: EOF"),
        (
            r#"[{"name":"a","upstream":"b:1"},{"name":"c"}]"#,
            "missing required field: upstream at proxy 2",
        ),
        (
            r#"[{"name":"a","upstream":"b:1"},{"name":"c","upstream":"d:1","toxics":[{"type":"none"}]}]"#,
            "invalid toxic type at proxy 2",
        ),
    ] {
        let error = api.running.populate(config).await.unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
        assert_eq!(api.must(200, "GET", "/proxies", ""), "{}");
    }
    let config = r#"[{"name":"a","listen":"nowhere","upstream":"b:1"}]"#;
    let error = api.running.populate(config).await.unwrap_err();
    let told = chaos_core::Chain(&error).to_string();
    assert!(told.contains("missing port in address"), "{told}");
}

#[tokio::test]
async fn an_address_of_the_api_that_is_none_is_told_why() {
    for (listen, why) in [
        ("127.0.0.1", "missing port in address"),
        ("localhost", "missing port in address"),
        ("::1", "too many colons in address"),
        ("[::1:8474", "missing ']' in address"),
    ] {
        let error = Server::new().listen(listen).start().await.unwrap_err();
        let said = chaos_core::Chain(&error).to_string();
        assert!(
            said.contains(&format!("listen: `{listen}`: {why}")),
            "{said}"
        );
        assert!(said.contains("write host:port"), "{said}");
    }
}
