//! `db.down` on a container: it stops, starts again, and Redis answers.

use chaos_core::{BoxError, EdgeKind, Engine, Experiment, FaultExt, OnLost, Placed, Registry};
use chaos_faults_container::Container;
use chaos_faults_db::{Down, Protocol};
use chaos_tests::{Care, Database, RedisContainer, Service, Tier};
use chaos_validator::{Conclusion, HttpLoad, Judgement, Report, Slo, Slos};
use libtest_mimic::Trial;
use std::time::Duration;

type Tested = Result<(), BoxError>;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Tier::trial("a_dry_run_says_how_a_container_is_taken_down", dry_run),
        Tier::trial("redis_down_in_a_container_is_survived", survived),
        Tier::trial("redis_down_in_a_container_is_felt_without_resilience", felt),
    ]
}

async fn engine() -> Result<(Engine, tempfile::TempDir), BoxError> {
    let mut registry = Registry::new();
    chaos_faults_container::register(&mut registry);
    chaos_faults_db::register(&mut registry);
    let state = tempfile::tempdir()?;
    let builder = Engine::builder().registry(registry);
    let engine = builder.state_dir(state.path().join("chaos")).open().await?;
    Ok((engine, state))
}

fn down(redis: &RedisContainer) -> Placed {
    // With the host's network a container has no address of its own.
    let down = Down::new().protocol(Protocol::Redis);
    let down = down.address(redis.address().to_string());
    down.on(&Container::named(redis.name()))
        .on_lost(OnLost::Stop)
}

async fn dry_run() -> Tested {
    let redis = RedisContainer::start().await?;
    let (engine, _state) = engine().await?;
    let preview = engine.dry_run(down(&redis)).await?;
    assert!(preview.refusals.is_empty(), "{preview:?}");
    let fault = &preview.faults[0];
    let change = fault.changes[0].to_string();
    assert_eq!(change, format!("docker stop -t 5 {}", redis.name()));
    assert!(fault.notes[0].contains("container.stop"), "{preview:?}");
    Ok(())
}

/// Runs it; again, when it could tell nothing, as on a busy machine.
async fn run(care: Care) -> Result<Report, BoxError> {
    for _ in 0..2 {
        let report = run_once(care).await?;
        if report.verdict().conclusion != Conclusion::Inconclusive {
            return Ok(report);
        }
    }
    run_once(care).await
}

async fn run_once(care: Care) -> Result<Report, BoxError> {
    let redis = RedisContainer::start().await?;
    Database::redis(redis.address())?.write(42).await?;
    let service = Service::start(Database::redis(redis.address())?, care).await?;
    let (engine, _state) = engine().await?;
    let experiment = Experiment::named("down")
        .baseline(Duration::from_secs(2))
        .hold(Duration::from_secs(2))
        .recovery_limit(Duration::from_secs(10))
        .fault(down(&redis));
    let load = HttpLoad::get(service.url()).rate(50.0);
    let load = load.timeout(Duration::from_millis(1500));
    let report = chaos_validator::run(&engine, experiment, load, &Slos::default()).await?;
    // What was written is there again, from disk.
    assert_eq!(Database::redis(redis.address())?.read().await?, 42);
    let answered = |what: &str| {
        let edges = report.run.edges.iter();
        let answers = |kind| kind == EdgeKind::Answered;
        let said = edges
            .filter(|edge| answers(edge.kind))
            .filter_map(|edge| edge.detail.as_ref());
        said.into_iter().any(|said| said.contains(what))
    };
    let all = &report.run.edges;
    assert!(answered("answers as Redis") && answered("runs"), "{all:#?}");
    Ok(report)
}

async fn survived() -> Tested {
    run(Care::Resilient).await?.assert_held();
    Ok(())
}

async fn felt() -> Tested {
    let report = run(Care::Fragile).await?;
    assert_eq!(report.exit_code(), 1, "{report}");
    let errors = report
        .slos
        .iter()
        .find(|result| result.slo == Slo::ErrorRate);
    let judged = errors.map(|result| result.judgement.clone());
    assert_eq!(judged, Some(Judgement::Fail), "{report}");
    Ok(())
}
