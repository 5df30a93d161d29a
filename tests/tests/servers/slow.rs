//! A slow database.

use super::{Kind, Scene, Tested, assert_broken};
use chaos_core::FaultExt;
use chaos_faults_net::Latency;
use chaos_tests::{Care, Tier};
use chaos_validator::Slo;
use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    let both = Kind::ALL.into_iter().flat_map(|kind| {
        let name = kind.name();
        [
            Tier::trial(format!("a_slow_{name}_is_survived"), move || survived(kind)),
            Tier::trial(
                format!("a_slow_{name}_is_felt_without_resilience"),
                move || felt(kind),
            ),
        ]
    });
    both.collect()
}

/// Longer than a client may wait by the SLO.
const SLOW: Latency = Latency::ms(700);

async fn survived(kind: Kind) -> Tested {
    let scene = Scene::set(kind, Care::Resilient).await?;
    let report = scene.run("slow", SLOW.on(&scene.proxy)).await?;
    report.assert_held();
    // It was felt, and no longer than two tries take.
    let slower = report
        .metrics
        .degradation
        .as_ref()
        .ok_or("unknown")?
        .seconds;
    assert!((0.15..0.5).contains(&slower), "{report}");
    Ok(())
}

async fn felt(kind: Kind) -> Tested {
    let scene = Scene::set(kind, Care::Fragile).await?;
    let report = scene.run("slow", SLOW.on(&scene.proxy)).await?;
    assert_broken(&report, Slo::LatencyDegradation);
    Ok(())
}
