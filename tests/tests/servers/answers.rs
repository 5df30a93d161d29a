//! What real servers say while they are there and do not work yet, and when they do.

use super::{Kind, Tested, down::down, engine};
use chaos_core::{Chain, FaultExt};
use chaos_faults_net::Proxy;
use chaos_tests::{Database, Postgres, Redis, Tier};
use libtest_mimic::Trial;
use std::time::{Duration, Instant};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Tier::trial("a_postgres_that_recovers_has_not_answered", recovering),
        Tier::trial("a_redis_with_a_password_answers", password),
    ]
}

const SHORT: Duration = Duration::from_millis(500);
const LONG: Duration = Duration::from_secs(20);

async fn recovering() -> Tested {
    let server = Postgres::start_recovering().await?;
    let proxy = Proxy::in_front_of(server.address().to_string()).await?;
    let (engine, _state) = engine().await?;
    let injection = engine.inject(down(Kind::Postgres).on(&proxy)).await?;
    let recovered = injection.recover().await?;
    // A busy machine may not even say so in time.
    let start = Instant::now();
    loop {
        let error = recovered.answered(SHORT).await.unwrap_err();
        let error = Chain(&error).to_string();
        if error.contains("57P03") {
            break;
        }
        assert!(start.elapsed() < LONG, "{error}");
    }
    server.promote()?;
    recovered.answered(LONG).await?;
    Database::postgres(proxy.address()).write(42).await
}

async fn password() -> Tested {
    let server = Redis::start(&["--requirepass", "wrong"]).await?;
    let proxy = Proxy::in_front_of(server.address().to_string()).await?;
    let (engine, _state) = engine().await?;
    let injection = engine.inject(down(Kind::Redis).on(&proxy)).await?;
    injection.recover().await?.answered(LONG).await?;
    Ok(())
}
