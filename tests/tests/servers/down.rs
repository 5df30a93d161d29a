//! A database that is down, behind a proxy.

use super::{Kind, Scene, Tested, assert_broken};
use chaos_core::{EdgeKind, FaultExt, Placed, Run};
use chaos_faults_db::{Down, Protocol};
use chaos_tests::{Care, Tier};
use chaos_validator::Slo;
use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    let both = Kind::ALL.into_iter().flat_map(|kind| {
        let name = kind.name();
        [
            Tier::trial(format!("{name}_down_is_survived"), move || survived(kind)),
            Tier::trial(
                format!("{name}_down_is_felt_without_resilience"),
                move || felt(kind),
            ),
        ]
    });
    both.collect()
}

pub(crate) fn down(kind: Kind) -> Down {
    Down::new().protocol(match kind {
        Kind::Redis => Protocol::Redis,
        Kind::Postgres => Protocol::Postgres,
    })
}

fn fault(kind: Kind, scene: &Scene) -> Placed {
    down(kind).on(&scene.proxy)
}

async fn survived(kind: Kind) -> Tested {
    let scene = Scene::set(kind, Care::Resilient).await?;
    let report = scene.run("down", fault(kind, &scene)).await?;
    report.assert_held();
    assert_answered(&report.run);
    Ok(())
}

async fn felt(kind: Kind) -> Tested {
    let scene = Scene::set(kind, Care::Fragile).await?;
    let report = scene.run("down", fault(kind, &scene)).await?;
    assert_broken(&report, Slo::ErrorRate);
    assert_eq!(report.metrics.outages.len(), 1, "{report}");
    assert_answered(&report.run);
    Ok(())
}

/// The database was asked until it answered, after the fault was gone, and the moment is told.
pub(crate) fn assert_answered(run: &Run) {
    let at = |kind| {
        let edge = run.edges.iter().find(|edge| edge.kind == kind);
        edge.map(|edge| edge.confirmed)
    };
    let recovered = at(EdgeKind::Recovered).expect("it was recovered");
    let answered = at(EdgeKind::Answered).expect("it answered again");
    assert!(recovered <= answered, "{:#?}", run.edges);
}
