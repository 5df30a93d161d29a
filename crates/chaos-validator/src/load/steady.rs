//! Whether a load sees what is normal, while the run goes on.

use super::{Counts, recorder::Recorder};
use crate::measure::{Hold, Norm, share};
use chaos_core::{Edge, EdgeKind, Event, Phase, RunHandle, Verdict};
use std::time::Duration;

/// With fewer exchanges than this nothing can be said of the baseline.
const LEAST: u64 = 5;

/// The largest share of bad exchanges, or of unsent ones, with which a baseline is steady: the default SLO.
const MOST_BAD: f64 = 0.05;

/// Follows the phases of a run.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    hold: Option<Hold>,
    phase: Option<Phase>,
    baseline: Option<(Duration, Duration)>,
    injected: Option<Duration>,
    removed: Option<Duration>,
    norm: Option<Norm>,
}

impl Watch {
    pub(crate) fn new(run: RunHandle, rate: f64) -> Self {
        Self {
            hold: Some(Hold::at(rate)),
            baseline: Some((run.elapsed(), Duration::MAX)),
            ..Self::default()
        }
    }

    pub(crate) fn on(&mut self, event: &Event) {
        match event {
            Event::PhaseStarted { phase, at, .. } => {
                self.phase = Some(*phase);
                match phase {
                    Phase::Baseline => self.baseline = Some((*at, Duration::MAX)),
                    Phase::Fault => self.injected = self.injected.or(Some(*at)),
                    Phase::Recovery => self.removed = self.removed.or(Some(*at)),
                    _ => {}
                }
            }
            Event::PhaseEnded {
                phase: Phase::Baseline,
                at,
            } => {
                if let Some((_, end)) = &mut self.baseline {
                    *end = *at;
                }
            }
            Event::Edge(Edge {
                kind: EdgeKind::Recovered | EdgeKind::Over,
                confirmed,
                ..
            }) => self.removed = Some(*confirmed),
            _ => {}
        }
    }

    pub(crate) fn steady(&mut self, recorder: &Recorder) -> Verdict {
        match (self.phase, self.removed) {
            (Some(Phase::Recovery), Some(removed)) => self.recovered(recorder, removed),
            _ => self.at_baseline(recorder),
        }
    }

    fn at_baseline(&self, recorder: &Recorder) -> Verdict {
        let (start, end) = self.baseline.unwrap_or((Duration::ZERO, Duration::MAX));
        let (seen, waiting) = recorder.over_between(start, end);
        let counts: Counts = seen.iter().collect();
        if waiting as u64 > counts.done() {
            return Verdict::deviated(format!(
                "{waiting} requests are not answered, {} are; is the target up?",
                counts.good
            ));
        }
        let failed = share(counts.bad, counts.done());
        // A generator that comes too late makes some answers late, too, but not half of them failures.
        if let Some(why) = too_late(&counts).filter(|_| failed <= 0.5) {
            return Verdict::unknown(why);
        }
        if counts.done() < LEAST && failed <= 0.5 {
            return Verdict::unknown(format!(
                "only {} requests were answered in the baseline; {LEAST} are needed: make it longer or the rate higher",
                counts.done()
            ));
        }
        if failed > MOST_BAD {
            let worst = crate::measure::commonest_failure(&seen);
            return Verdict::deviated(format!(
                "{} of {} requests failed before any fault{worst}; at most {} % may",
                counts.bad,
                counts.done(),
                MOST_BAD * 100.0
            ));
        }
        Verdict::Held
    }

    fn recovered(&mut self, recorder: &Recorder, removed: Duration) -> Verdict {
        let Some(hold) = self.hold else {
            return Verdict::unknown("the load was not started");
        };
        let norm = self.norm.get_or_insert_with(|| {
            let (start, end) = self.baseline.unwrap_or((Duration::ZERO, removed));
            let (mut seen, _) = recorder.over_between(start, end.min(removed));
            // What was under way when the fault came may have met it.
            let injected = self.injected.unwrap_or(removed);
            seen.retain(|e| e.done() <= injected || !e.class().counts());
            Norm::of(seen.iter())
        });
        // Only the newest hold window can have become steady since the last time.
        let settled = recorder.settled_since(removed);
        let verdict = match hold.newest(&settled, removed) {
            None => Verdict::unknown(format!(
                "not yet watched for {:?} after the fault",
                hold.length()
            )),
            Some(window) => norm.judge(window, hold),
        };
        let counts: Counts = settled.iter().collect();
        match too_late(&counts) {
            // Late answers of a generator that cannot keep up are its own.
            Some(why) if !verdict.is_held() => Verdict::unknown(why),
            _ => verdict,
        }
    }
}

/// That the generator could not send what it should, and what would help.
fn too_late(counts: &Counts) -> Option<String> {
    (share(counts.unsent, counts.planned) > MOST_BAD).then(|| {
        format!(
            "the load generator was too late to send {} of {} requests: use a lower rate, or a less busy machine",
            counts.unsent, counts.planned
        )
    })
}
