//! A database whose process hangs.

use super::{
    Kind, Scene, Tested, assert_broken,
    down::{assert_answered, down},
    engine,
};
use chaos_core::{FaultExt, Placed};
use chaos_faults_resource::Process;
use chaos_tests::{Care, Database, Postgres, Tier};
use chaos_validator::Slo;
use libtest_mimic::Trial;
use std::time::Duration;
use tokio::time::timeout;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Tier::trial("a_redis_that_hangs_is_survived", survived),
        Tier::trial("a_redis_that_hangs_is_felt_without_resilience", felt),
        Tier::trial(
            "a_postgres_whose_main_process_hangs_takes_no_sessions",
            main_process,
        ),
    ]
}

/// By its port: the address to ask at is the target's.
fn by_port(scene: &Scene) -> Placed {
    let port = scene.database.server().address().port();
    down(Kind::Redis).on(&Process::listening_on(port))
}

/// By its pid: the address must be said.
fn by_pid(scene: &Scene) -> Placed {
    let server = scene.database.server();
    let down = down(Kind::Redis).address(server.address().to_string());
    down.on(&Process::pid(server.pid()))
}

async fn survived() -> Tested {
    let scene = Scene::set(Kind::Redis, Care::Resilient).await?;
    let report = scene.run("hangs", by_port(&scene)).await?;
    report.assert_held();
    assert_answered(&report.run);
    Ok(())
}

async fn felt() -> Tested {
    let scene = Scene::set(Kind::Redis, Care::Fragile).await?;
    let report = scene.run("hangs", by_pid(&scene)).await?;
    assert_broken(&report, Slo::ErrorRate);
    assert_answered(&report.run);
    Ok(())
}

/// Sessions have processes of their own in PostgreSQL, and go on.
async fn main_process() -> Tested {
    const MOMENT: Duration = Duration::from_millis(500);
    let server = Postgres::start().await?;
    let before = Database::postgres(server.address());
    before.write(42).await?;
    let (engine, _state) = engine().await?;
    let down = down(Kind::Postgres).on(&Process::listening_on(server.address().port()));
    let injection = engine.inject(down).await?;
    assert_eq!(before.read().await?, 42);
    let new = Database::postgres(server.address());
    assert!(timeout(MOMENT, new.read()).await.is_err());
    let recovered = injection.recover().await?;
    recovered.answered(Duration::from_secs(10)).await?;
    assert_eq!(new.read().await?, 42);
    Ok(())
}
