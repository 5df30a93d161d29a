//! What keeps a run from proving anything.

use super::{Judgement, Slos};
use crate::{
    load::Recording,
    measure::{Metrics, Part, share},
    report::Short,
};
use chaos_core::{EdgeKind, Phase, Run};
use std::{collections::BTreeMap, time::Duration};

/// The largest share of requests that the generator may miss, or fail itself.
const MOST_UNSENT: f64 = 0.01;
/// The generator may always be this late.
const LATE: Duration = Duration::from_millis(5);
/// The share of the latency SLO that the generator may be late.
const LATE_OF_SLO: f64 = 0.1;

/// The instrument was not fit, or the target was not well before the fault: neither a pass nor a failure
/// would mean anything.
pub(super) fn against_everything(
    metrics: &Metrics,
    recording: &Recording,
    slos: &Slos,
) -> Option<Judgement> {
    instrument(metrics, slos).or_else(|| baseline(metrics, recording, slos))
}

pub(crate) fn instrument(metrics: &Metrics, slos: &Slos) -> Option<Judgement> {
    let counts = metrics.instrument.counts;
    let over = counts.done() + counts.unsent + counts.cancelled;
    if counts.planned != over {
        return Some(Judgement::inconclusive(
            format!(
                "the load lost track of {} requests",
                counts.planned.abs_diff(over)
            ),
            "the load was cut off before it had finished; run it again",
        ));
    }
    let unsent = share(counts.unsent, counts.planned);
    if unsent > MOST_UNSENT {
        return Some(Judgement::inconclusive(
            format!(
                "the load generator could not send {:.1} % of the requests in time",
                unsent * 100.0
            ),
            "a less busy machine, or a lower rate",
        ));
    }
    let starved = metrics.instrument.starved;
    if share(starved, counts.planned) > MOST_UNSENT {
        return Some(Judgement::inconclusive(
            format!(
                "{starved} requests failed in the queue of the load, whose slots were all taken"
            ),
            "more slots: the highest rate times the timeout, which is the default",
        ));
    }
    let allowed = slos
        .max_latency_degradation_ms
        .and_then(|ms| Duration::try_from_secs_f64(ms / 1e3 * LATE_OF_SLO).ok())
        .unwrap_or(LATE * 10)
        .max(LATE);
    let late = metrics.instrument.late_p99;
    (late > allowed).then(|| {
        Judgement::inconclusive(
            format!(
                "the load generator itself was {} late (p99; {} is allowed)",
                Short(late),
                Short(allowed)
            ),
            "a less busy machine, or a lower rate",
        )
    })
}

fn baseline(metrics: &Metrics, recording: &Recording, slos: &Slos) -> Option<Judgement> {
    let baseline = metrics.baseline.as_ref()?;
    let bad = baseline.error_rate.as_ref()?.share * 100.0;
    if slos.max_error_rate_percent.is_some_and(|slo| bad > slo) {
        return Some(Judgement::inconclusive(
            format!("{bad:.1} % of the requests failed before the fault"),
            "start from a healthy target",
        ));
    }
    let before = Part::of(recording, &metrics.windows, baseline.window);
    let noise = crate::measure::noise(before.iter());
    let drift = slos
        .max_latency_degradation_ms
        .is_some_and(|slo| noise.as_secs_f64() * 1e3 > slo / 4.0 && noise > LATE);
    drift.then(|| {
        Judgement::inconclusive(
            format!(
                "the p95 of the two halves of the baseline differs by {}",
                Short(noise)
            ),
            "a longer baseline, after a warm-up",
        )
    })
}

/// Why a run that looks good proves nothing: a fault that was never seen in place, or never did anything.
pub(crate) fn doubts(run: &Run) -> Vec<String> {
    let mut doubts = Vec::new();
    let injected = |edge: &&chaos_core::Edge| edge.kind == EdgeKind::Injected;
    if run.phase(Phase::Fault).is_some()
        && !run.changes.is_empty()
        && run.edges.iter().find(injected).is_none()
    {
        doubts.push("no fault was confirmed in place".to_owned());
    }
    // A fault that repeats is proven by any of its repetitions.
    let mut hits: BTreeMap<usize, (Option<u64>, &chaos_core::Edge)> = BTreeMap::new();
    for edge in run.edges.iter().filter(|e| e.kind == EdgeKind::Recovered) {
        // One of which it is not known may be the one that hit.
        let (sum, _) = hits.entry(edge.index).or_insert((Some(0), edge));
        *sum = sum.zip(edge.hits).map(|(sum, n)| sum + n);
    }
    for (sum, edge) in hits.values() {
        if *sum == Some(0) {
            doubts.push(format!(
                "fault not proven active: {} on {} was in place and hit nothing: nobody came (is the service pointed there?), or nothing that it is for, or too little for its share",
                edge.fault, edge.target
            ));
        }
    }
    doubts
}
