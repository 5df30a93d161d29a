//! Loads against real servers.

use super::Tested;
use chaos_core::{BoxError, Observer, RunHandle, Seed};
use chaos_faults_http::HttpProxy;
use chaos_tests::{Nginx, Postgres, Redis, Tier};
use chaos_validator::{
    Class, Counts, Exchange, HttpLoad, Load, PostgresLoad, Recording, RedisLoad, TcpLoad,
};
use libtest_mimic::Trial;
use nix::sys::signal::Signal;
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Tier::trial("an_nginx_is_loaded_by_every_way_of_http", http),
        Tier::trial("a_redis_is_loaded_and_its_death_is_told", redis),
        Tier::trial("a_postgres_is_loaded_and_its_freeze_is_told", postgres),
        Tier::trial("plain_tcp_is_loaded", tcp),
    ]
}

const MS: Duration = Duration::from_millis(1);

/// Runs a load until so many requests are over.
async fn until(load: &dyn Load, n: u64) -> Result<Counts, BoxError> {
    let start = Instant::now();
    loop {
        let counts = load.counts();
        if counts.done() >= n {
            return Ok(counts);
        }
        if start.elapsed() > MS * 20_000 {
            return Err(format!("{n} requests are not over: {counts:?}").into());
        }
        tokio::time::sleep(MS * 5).await;
    }
}

async fn run(load: impl Load, n: u64) -> Result<Recording, BoxError> {
    load.start(&RunHandle::detached("test", Seed::new(1)))
        .await?;
    until(&load, n).await?;
    load.finish().await;
    Ok(load.recording())
}

fn failures(recording: &Recording) -> BTreeSet<Class> {
    let classes = recording.exchanges().iter().map(Exchange::class);
    classes.filter(|class| class.is_bad()).collect()
}

async fn http() -> Tested {
    let nginx = Nginx::start().await?;
    let dir = tempfile::tempdir()?;
    let ca = dir.path().join("ca.pem");
    let proxy = HttpProxy::builder(format!("http://{}", nginx.address()));
    let proxy = proxy.ca_file(&ca).open().await?;
    for (scheme, http2) in [
        ("http", false),
        ("http", true),
        ("https", false),
        ("https", true),
    ] {
        let before = nginx.answered();
        let load = HttpLoad::get(format!("{scheme}://{}/items", proxy.address()))
            .ca_file(&ca)
            .rate(200.0);
        let load = if http2 { load.http2() } else { load };
        let counts = run(load, 100).await?.counts();
        assert_eq!(
            (counts.bad, counts.cancelled),
            (0, 0),
            "{scheme} {http2}: {counts:?}"
        );
        // It writes down a request once it has answered it.
        let start = Instant::now();
        while nginx.answered() - before < usize::try_from(counts.good)? {
            assert!(start.elapsed() < MS * 5_000, "{scheme} {http2}: {counts:?}");
            tokio::time::sleep(MS * 5).await;
        }
    }
    // Without its certificate the authority is nobody's.
    let load = HttpLoad::get(format!("https://{}/", proxy.address())).rate(50.0);
    let failed = failures(&run(load, 10).await?);
    assert_eq!(failed, BTreeSet::from([Class::Tls]));
    Ok(())
}

async fn redis() -> Tested {
    let mut redis = Redis::start(&[]).await?;
    let url = format!("redis://{}", redis.address());
    let counts = run(RedisLoad::command(&url, ["SET", "a", "1"]).rate(200.0), 100)
        .await?
        .counts();
    assert_eq!(counts.bad, 0, "{counts:?}");
    // What it answers is an error, and the connection goes on.
    let wrong = run(
        RedisLoad::command(&url, ["LPUSH", "a", "1"]).rate(200.0),
        50,
    )
    .await?;
    assert_eq!(failures(&wrong), BTreeSet::from([Class::Failed]));

    let load = RedisLoad::command(&url, ["GET", "a"]).rate(200.0);
    load.start(&RunHandle::detached("test", Seed::new(1)))
        .await?;
    let alive = until(&load, 50).await?;
    assert_eq!(alive.bad, 0, "{alive:?}");
    redis.kill()?;
    let dead = until(&load, alive.done() + 50).await?;
    redis.start_again()?;
    let start = Instant::now();
    while load.counts().good < dead.good + 20 {
        assert!(
            start.elapsed() < MS * 20_000,
            "never again: {:?}",
            load.counts()
        );
        tokio::time::sleep(MS * 5).await;
    }
    load.finish().await;
    let failed = failures(&load.recording());
    assert!(failed.contains(&Class::Refused), "{failed:?}");
    assert!(
        failed.is_subset(&BTreeSet::from([
            Class::Refused,
            Class::Reset,
            Class::Failed
        ])),
        "{failed:?}"
    );
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
    let load = PostgresLoad::query(&server, "SELECT 1")
        .rate(100.0)
        .slots(8);
    let counts = run(load, 100).await?.counts();
    assert_eq!(counts.bad, 0, "{counts:?}");
    let load = PostgresLoad::query(&server, "SELECT 1 / 0")
        .rate(100.0)
        .slots(8);
    assert_eq!(
        failures(&run(load, 20).await?),
        BTreeSet::from([Class::Failed])
    );

    // The main process takes new sessions, so nobody who has none yet is answered.
    postgres.signal(Signal::SIGSTOP)?;
    let load = PostgresLoad::query(&server, "SELECT 1")
        .rate(50.0)
        .timeout(MS * 200)
        .slots(8);
    let frozen = run(load, 20).await;
    postgres.signal(Signal::SIGCONT)?;
    let failed = failures(&frozen?);
    assert!(failed.contains(&Class::Timeout), "{failed:?}");
    Ok(())
}

async fn tcp() -> Tested {
    let redis = Redis::start(&[]).await?;
    let address = redis.address().to_string();
    for load in [
        TcpLoad::connect(&address),
        TcpLoad::ask(&address, "PING\r\n", "+PONG\r\n"),
        // What the answer has beyond that is not the next one's.
        TcpLoad::ask(&address, "PING\r\n", "+PO").slots(2),
    ] {
        let counts = run(load.rate(200.0), 100).await?.counts();
        assert_eq!(counts.bad, 0, "{counts:?}");
    }
    let load = TcpLoad::ask(&address, "PING\r\n", "+PING\r\n").rate(200.0);
    assert_eq!(
        failures(&run(load, 20).await?),
        BTreeSet::from([Class::BadBody])
    );
    Ok(())
}
