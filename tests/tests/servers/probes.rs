//! Probes of real servers.

use super::Tested;
use chaos_core::{BoxError, Probe, Value};
use chaos_faults_http::HttpProxy;
use chaos_tests::{Nginx, Postgres, Prometheus, Redis, Tier};
use chaos_validator::{
    DnsProbe, HttpProbe, PostgresProbe, ProcessProbe, PrometheusProbe, ReadAs, RedisProbe,
};
use libtest_mimic::Trial;
use std::time::{Duration, Instant};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Tier::trial("a_prometheus_is_asked", prometheus),
        Tier::trial("a_redis_is_asked", redis),
        Tier::trial("a_postgres_is_asked", postgres),
        Tier::trial("an_nginx_is_asked_also_by_tls", nginx),
        Tier::trial("a_dnsmasq_is_asked", dns),
    ]
}

const MS: Duration = Duration::from_millis(1);

fn number(value: f64) -> Value {
    Value::Number(value)
}

/// The error in words.
async fn no_value(probe: &impl Probe) -> Result<String, BoxError> {
    match probe.sample().await {
        Ok(value) => Err(format!("{probe:?} saw {value}").into()),
        Err(error) => Ok(error.to_string()),
    }
}

async fn prometheus() -> Tested {
    let prometheus = Prometheus::start().await?;
    let url = format!("http://{}", prometheus.address());
    let ask = |query: &str| PrometheusProbe::query(&url, query);
    let up = ask("up{job=\"itself\"}")?;
    let start = Instant::now();
    // It has nothing to say before it has looked for the first time: nothing, and never a zero.
    loop {
        match up.sample().await {
            Ok(value) if value == number(1.0) => break,
            other if start.elapsed() > MS * 30_000 => return Err(format!("{other:?}").into()),
            _ => tokio::time::sleep(MS * 100).await,
        }
    }
    assert_eq!(ask("scalar(vector(42)) / 4")?.sample().await?, number(10.5));
    assert_eq!(ask("sum(up) + 1")?.sample().await?, number(2.0));
    no_value(&ask("nothing_of_that_name")?).await?;
    no_value(&ask("vector(0) / 0")?).await?;
    no_value(&ask("{__name__=~\"prometheus_.+_total\"}")?).await?;
    let wrong = no_value(&ask("sum(")?).await?;
    assert!(wrong.contains("parse error"), "{wrong}");
    Ok(())
}

async fn redis() -> Tested {
    let mut redis = Redis::start(&[]).await?;
    let url = format!("redis://{}", redis.address());
    let ping = RedisProbe::ping(&url)?;
    assert_eq!(ping.sample().await?, Value::Flag(true));
    let set = RedisProbe::ping(&url)?.command(["SET", "stock", "42"])?;
    set.sample().await?;
    let stock = RedisProbe::ping(&url)?
        .command(["GET", "stock"])?
        .read_as(ReadAs::Number);
    assert_eq!(stock.sample().await?, number(42.0));
    let length = RedisProbe::ping(&url)?.command(["STRLEN", "stock"])?;
    assert_eq!(length.sample().await?, number(2.0));
    no_value(&RedisProbe::ping(&url)?.command(["LPUSH", "stock", "1"])?).await?;
    redis.kill()?;
    no_value(&stock).await?;
    redis.start_again()?;
    // What is asked again finds its target again.
    let start = Instant::now();
    while ping.sample().await.is_err() {
        assert!(start.elapsed() < MS * 20_000, "it is not found again");
        tokio::time::sleep(MS * 20).await;
    }
    Ok(())
}

async fn postgres() -> Tested {
    let postgres = Postgres::start().await?;
    let address = postgres.address();
    let server = format!(
        "host={} port={} user=postgres dbname=postgres",
        address.ip(),
        address.port()
    );
    let ask = |query: &str| PostgresProbe::query(&server, query);
    for (query, seen) in [
        ("SELECT 42", number(42.0)),
        ("SELECT 10.5::numeric", number(10.5)),
        ("SELECT 'chair'::text", Value::Text("chair".into())),
        ("SELECT 1 = 1", Value::Flag(true)),
    ] {
        assert_eq!(ask(query)?.sample().await?, seen, "{query}");
    }
    no_value(&ask("SELECT 1 WHERE false")?).await?;
    no_value(&ask("SELECT NULL::int")?).await?;
    no_value(&ask("SELECT 1 / 0")?).await?;
    no_value(&ask("SELECT pg_sleep(10)")?.timeout(MS * 200)).await?;

    let main = ProcessProbe::pid(postgres.pid());
    assert_eq!(main.sample().await?, Value::Flag(true));
    drop(postgres);
    assert_eq!(main.sample().await?, Value::Flag(false));
    Ok(())
}

async fn nginx() -> Tested {
    let nginx = Nginx::start().await?;
    let dir = tempfile::tempdir()?;
    let ca = dir.path().join("ca.pem");
    let proxy = HttpProxy::builder(format!("http://{}", nginx.address()));
    let proxy = proxy.ca_file(&ca).open().await?;
    for scheme in ["http", "https"] {
        let url = format!("{scheme}://{}/items", proxy.address());
        let probe = || -> Result<HttpProbe, BoxError> {
            let probe = HttpProbe::get(&url)?;
            Ok(if scheme == "https" {
                probe.trust(&ca)?
            } else {
                probe
            })
        };
        assert_eq!(probe()?.sample().await?, number(200.0), "{scheme}");
        assert_eq!(
            probe()?.json("$.left")?.sample().await?,
            number(3.0),
            "{scheme}"
        );
    }
    no_value(&HttpProbe::get(&format!("https://{}/", proxy.address()))?).await?;
    Ok(())
}

async fn dns() -> Tested {
    let dnsmasq = chaos_tests::Dnsmasq::start().await?;
    let probe = DnsProbe::resolve("db.internal")?.at(dnsmasq.address())?;
    let seen = probe.sample().await?;
    assert!(matches!(seen, Value::Number(n) if n >= 1.0), "{seen}");
    let first = DnsProbe::resolve("db.internal")?
        .at(dnsmasq.address())?
        .first();
    assert_eq!(first.sample().await?, Value::Text("10.1.2.3".into()));
    // That there is no such name is an answer: it has no address.
    let nobody = DnsProbe::resolve("nobody.internal")?.at(dnsmasq.address())?;
    assert_eq!(nobody.sample().await?, number(0.0));
    Ok(())
}
