//! What would help, where the data point to it.

use super::{Report, Short};
use crate::{
    judge::{Judgement, Slo},
    load::Class,
    measure::PhaseMetrics,
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A failure of this share of all is what went wrong, and not one thing among others.
const MOSTLY: f64 = 0.5;
/// What fails as fast as this can be tried again before anybody notices.
const FAST: Duration = Duration::from_millis(100);
/// A loss of good answers that the errors alone do not explain.
const LESS: f64 = 0.2;

/// What would help, and what in the data points to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Advice {
    /// Which broken promise it would help to keep.
    pub slo: Slo,
    /// What to do.
    pub what: String,
    /// What points to it.
    pub because: String,
}

impl Report {
    /// What would help to keep the promises that were broken; nothing where the data do not point to anything.
    pub fn advice(&self) -> Vec<Advice> {
        let broken = self.slos.iter().filter(|s| s.judgement == Judgement::Fail);
        let found = broken.flat_map(|result| match result.slo {
            Slo::ErrorRate => errors(self),
            Slo::Availability => availability(self),
            Slo::LatencyDegradation => latency(self),
            Slo::Mttr => repair(self),
            Slo::RecoveryTime => recovery(self),
        });
        let mut advice: Vec<Advice> = Vec::new();
        for next in found {
            // What helps twice is said once.
            if !advice.iter().any(|known| known.what == next.what) {
                advice.push(next);
            }
        }
        advice
    }
}

fn advice(slo: Slo, what: &str, because: String) -> Advice {
    Advice {
        slo,
        what: what.to_owned(),
        because,
    }
}

/// How many of the judged requests ended in one of these ways, and how many failed at all.
fn failed(phase: &PhaseMetrics, classes: &[Class]) -> (u64, u64) {
    let of = |class: &Class| phase.classes.get(class).copied().unwrap_or_default();
    (classes.iter().map(of).sum(), phase.counts.bad)
}

fn is_most((some, all): (u64, u64)) -> bool {
    all > 0 && crate::measure::share(some, all) >= MOSTLY
}

const BROKEN: [Class; 3] = [Class::Refused, Class::Reset, Class::Unreachable];
const WAITED: [Class; 3] = [Class::Timeout, Class::NoSlot, Class::Slow];

/// "Too many requests" and "unavailable" (RFC 6585, RFC 9110): said by who sheds load.
const SHED: [u16; 2] = [429, 503];

fn errors(report: &Report) -> Vec<Advice> {
    let Some(phase) = &report.metrics.judged else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let done = phase.counts.done();
    let broken = failed(phase, &BROKEN);
    if is_most(broken) {
        found.push(advice(
            Slo::ErrorRate,
            "retry with exponential backoff and jitter, within the caller's own deadline",
            format!(
                "{} of {done} requests were refused, reset or found no way: such failures are fast and often pass",
                broken.0
            ),
        ));
    }
    let waited = failed(phase, &WAITED);
    if is_most(waited) {
        found.push(advice(
            Slo::ErrorRate,
            "a circuit breaker, and a timeout towards the dependency that is shorter than the users'",
            format!(
                "{} of {done} requests waited until they were given up: the service, or something that it waits for, does not answer",
                waited.0
            ),
        ));
    }
    let answered = failed(phase, &[Class::BadStatus, Class::BadBody]);
    let shed: u64 = SHED.iter().filter_map(|s| phase.statuses.get(s)).sum();
    if is_most((shed, phase.counts.bad)) {
        found.push(advice(
            Slo::ErrorRate,
            "callers that slow down when they are told to (`Retry-After`, backoff with jitter), and more room where it is shed",
            format!("{shed} of {done} requests were answered 429 or 503: the service protects itself by turning them away"),
        ));
    } else if is_most(answered) {
        found.push(advice(
            Slo::ErrorRate,
            "a fallback for what the dependency gives: a cached or a default answer instead of an error",
            format!(
                "{} of {done} requests were answered, but with an error: the service is up and lets the failure through",
                answered.0
            ),
        ));
    }
    found
}

fn availability(report: &Report) -> Vec<Advice> {
    let metrics = &report.metrics;
    let down: Duration = metrics.outages.iter().map(|o| o.length().lower()).sum();
    let mut found = errors(report);
    found
        .iter_mut()
        .for_each(|advice| advice.slo = Slo::Availability);
    if metrics.outages.len() > 1 {
        found.push(advice(
            Slo::Availability,
            "health checks with hysteresis, and a slow start of what comes back",
            format!(
                "it was out {} times, {} in all: it comes back before it is ready",
                metrics.outages.len(),
                Short(down)
            ),
        ));
    } else if let Some(outage) = metrics.outages.first() {
        found.push(advice(
            Slo::Availability,
            "a second instance behind a health check",
            format!("nothing took over while it was out for {}", outage.length()),
        ));
    }
    found
}

fn latency(report: &Report) -> Vec<Advice> {
    let (Some(fault), Some(seen)) = (&report.metrics.fault, &report.metrics.degradation) else {
        return Vec::new();
    };
    let few_errors = fault.error_rate.as_ref().is_some_and(|e| e.share < 0.01);
    let lost = report.metrics.throughput_loss.unwrap_or_default();
    let mut found = Vec::new();
    if few_errors {
        found.push(advice(
            Slo::LatencyDegradation,
            "a cache or a fallback for what the dependency gives, or a shorter timeout with a retry",
            format!(
                "the p95 went from {} to {} and almost nothing failed: the service waits as long as the dependency takes",
                seen.baseline, seen.fault
            ),
        ));
    }
    if lost > LESS && few_errors {
        found.push(advice(
            Slo::LatencyDegradation,
            "a larger pool towards the dependency, or bulkheads, so that some slow calls do not hold up all",
            format!("{:.0} % of the good answers per second were lost without errors: requests queue", lost * 100.0),
        ));
    }
    let waited = failed(fault, &WAITED);
    if !few_errors && is_most(waited) {
        found.push(advice(
            Slo::LatencyDegradation,
            "a circuit breaker, and a timeout towards the dependency that is shorter than the users'",
            format!(
                "{} of {} requests with the fault waited until they were given up",
                waited.0,
                fault.counts.done()
            ),
        ));
    }
    found
}

fn repair(report: &Report) -> Vec<Advice> {
    let Some(detection) = &report.metrics.detection else {
        return Vec::new();
    };
    let mut found = Vec::new();
    if detection.residual_downtime > FAST {
        found.push(advice(
            Slo::Mttr,
            "a liveness check that restarts what hangs, and connections that are made anew when they break",
            format!("it was still out {} after the fault was gone", Short(detection.residual_downtime)),
        ));
    } else {
        found.push(advice(
            Slo::Mttr,
            "failing over to something that the fault does not reach",
            "it came back when the fault went, and not before: nothing in it recovers by itself"
                .to_owned(),
        ));
    }
    found
}

fn recovery(report: &Report) -> Vec<Advice> {
    let Some(time) = report.metrics.recovery_time else {
        return Vec::new();
    };
    let Some(after) = &report.metrics.recovery else {
        return Vec::new();
    };
    let broken = failed(after, &BROKEN);
    let waited = failed(after, &WAITED);
    let what = if is_most(broken) {
        "making connections anew at once when they break, and checking them before they are used again"
    } else if is_most(waited) {
        "limits for queues and retries, so that what has piled up is dropped and not worked off"
    } else if after.counts.bad == 0 {
        "warming caches and pools up before traffic comes"
    } else {
        return Vec::new();
    };
    vec![advice(
        Slo::RecoveryTime,
        what,
        format!(
            "it took {time} after the fault until things were normal; {} of {} requests failed in that part",
            after.counts.bad,
            after.counts.done()
        ),
    )]
}
