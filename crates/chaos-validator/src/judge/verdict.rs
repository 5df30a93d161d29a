//! The verdict on each promise.
//!
//! The basis is this run: whether the promise was kept in it, with the bounds of the measurement. What other
//! runs would give is in the intervals of the metrics, and is not judged.

use super::{Slo, Slos, doubt};
use crate::{
    load::Recording,
    measure::{Metrics, Timing, least_for_quantile},
    report::Short,
};
use serde::{Deserialize, Serialize};

/// With fewer failures than this nothing has failed: they may be chance.
const LEAST_BAD: u64 = 5;
/// With fewer requests than this nothing is passed.
const LEAST: u64 = 20;
/// The share of the judged window that must have been observed.
const LEAST_COVERAGE: f64 = 0.95;

/// What was decided of a promise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
#[non_exhaustive]
pub enum Judgement {
    /// Kept.
    Pass,
    /// Not kept.
    Fail,
    /// It cannot be told.
    Inconclusive {
        /// Why not.
        why: String,
        /// What would make it conclusive.
        fix: String,
    },
    /// There is nothing to judge.
    NotApplicable {
        /// Why not.
        why: String,
    },
}

impl Judgement {
    pub(crate) fn inconclusive(why: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::Inconclusive {
            why: why.into(),
            fix: fix.into(),
        }
    }

    /// Pass, fail or, between the bounds, inconclusive.
    fn of(slo: Slo, lower: f64, upper: f64, threshold: f64) -> Self {
        match (slo.keeps(lower, threshold), slo.keeps(upper, threshold)) {
            (true, true) => Self::Pass,
            (false, false) => Self::Fail,
            _ => Self::inconclusive(
                format!(
                    "it is between {} and {}, which the threshold divides",
                    slo.say(lower),
                    slo.say(upper)
                ),
                "measure finer with a higher rate",
            ),
        }
    }
}

/// A promise, what was measured, and the verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SloResult {
    /// The promise.
    pub slo: Slo,
    /// The verdict.
    pub judgement: Judgement,
    /// What was measured, in the unit of the SLO's name.
    pub value: Option<f64>,
    /// Whether the value is only a lower bound, because the end was not seen.
    pub at_least: bool,
    /// What the value may be, as far as was measured; no upper bound when the end was not seen.
    pub bounds: Option<(f64, Option<f64>)>,
    /// What was promised.
    pub threshold: f64,
    /// How many requests or outages it stands on.
    pub n: u64,
    /// What else a reader should know.
    pub note: Option<String>,
}

impl SloResult {
    fn new(slo: Slo, threshold: f64, n: u64, judgement: Judgement) -> Self {
        Self {
            slo,
            judgement,
            value: None,
            at_least: false,
            bounds: None,
            threshold,
            n,
            note: None,
        }
    }

    fn value(mut self, value: f64) -> Self {
        self.value = Some(value);
        self
    }

    fn bounds(mut self, lower: f64, upper: Option<f64>) -> Self {
        self.bounds = Some((lower, upper));
        self
    }

    fn note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    /// The measured value in words.
    pub fn say_value(&self) -> String {
        match (self.value, self.at_least) {
            (Some(value), true) => format!("≥ {}", self.slo.say(value)),
            (Some(value), false) => self.slo.say(value),
            (None, _) => self.note.clone().unwrap_or_else(|| "–".into()),
        }
    }
}

/// Judges every promise that was made.
pub(crate) fn judge(metrics: &Metrics, recording: &Recording, slos: &Slos) -> Vec<SloResult> {
    let against_all = doubt::against_everything(metrics, recording, slos);
    let against_pass = against_a_pass(metrics);
    Slo::ALL
        .into_iter()
        .filter_map(|slo| Some((slo, slos.threshold(slo)?)))
        .map(|(slo, threshold)| {
            let mut result = one(slo, threshold, metrics);
            if !threshold.is_finite() {
                result.judgement = Judgement::inconclusive(
                    "the threshold is not a number",
                    format!("set {}", slo.field()),
                );
            }
            let doubt = match &result.judgement {
                Judgement::Pass => against_all.as_ref().or(against_pass.as_ref()),
                Judgement::Fail => against_all.as_ref(),
                _ => None,
            };
            if let Some(doubt) = doubt {
                result.judgement = doubt.clone();
            }
            result
        })
        .collect()
}

fn one(slo: Slo, threshold: f64, metrics: &Metrics) -> SloResult {
    let Some(judged) = &metrics.judged else {
        return nothing(slo, threshold, "not reached");
    };
    if judged.counts.done() == 0 {
        let why = "there was no traffic while the fault was in place";
        let judgement =
            Judgement::inconclusive(why, "add a load, and check that it reaches the target");
        return SloResult::new(slo, threshold, 0, judgement).note("no traffic");
    }
    match slo {
        Slo::ErrorRate => error_rate(threshold, metrics),
        Slo::Availability => availability(threshold, metrics),
        Slo::LatencyDegradation => degradation(threshold, metrics),
        Slo::Mttr => mttr(threshold, metrics),
        Slo::RecoveryTime => recovery(threshold, metrics),
    }
}

fn nothing(slo: Slo, threshold: f64, why: &str) -> SloResult {
    SloResult::new(
        slo,
        threshold,
        0,
        Judgement::NotApplicable { why: why.into() },
    )
    .note(why)
}

fn more_requests(n: u64, least: u64) -> Judgement {
    Judgement::inconclusive(
        format!("{n} requests are too few to be sure"),
        format!("at least {least} are needed: hold the fault longer, or raise the rate"),
    )
}

fn error_rate(threshold: f64, metrics: &Metrics) -> SloResult {
    let slo = Slo::ErrorRate;
    let Some(rate) = metrics.judged.as_ref().and_then(|j| j.error_rate.as_ref()) else {
        return nothing(slo, threshold, "no traffic");
    };
    let (lower, upper) = (rate.bounds.0 * 100.0, rate.bounds.1 * 100.0);
    let least = crate::measure::least_for_share(threshold / 100.0);
    let judgement = match Judgement::of(slo, lower, upper, threshold) {
        Judgement::Pass if rate.n < least => more_requests(rate.n, least),
        Judgement::Fail if rate.bad < LEAST_BAD && rate.n < least => Judgement::inconclusive(
            format!("{} of {} failed, which may be chance", rate.bad, rate.n),
            format!("at least {least} requests: hold the fault longer, or raise the rate"),
        ),
        judgement => judgement,
    };
    SloResult::new(slo, threshold, rate.n, judgement)
        .value(rate.share * 100.0)
        .bounds(lower, Some(upper))
}

fn availability(threshold: f64, metrics: &Metrics) -> SloResult {
    let slo = Slo::Availability;
    let judged = metrics.judged.as_ref();
    let Some((phase, seen)) = judged.and_then(|j| Some((j, j.availability.as_ref()?))) else {
        return nothing(slo, threshold, "nothing was observed");
    };
    let n = phase.counts.done();
    let (lower, upper) = (seen.bounds.0 * 100.0, seen.bounds.1 * 100.0);
    let judgement = match Judgement::of(slo, lower, upper, threshold) {
        Judgement::Pass if n < LEAST => more_requests(n, LEAST),
        judgement => judgement,
    };
    SloResult::new(slo, threshold, n, judgement)
        .value(seen.time * 100.0)
        .bounds(lower, Some(upper))
}

fn degradation(threshold: f64, metrics: &Metrics) -> SloResult {
    let slo = Slo::LatencyDegradation;
    let Some(seen) = &metrics.degradation else {
        let judgement = Judgement::inconclusive(
            "there is no baseline to compare with",
            "watch the target before the fault: set a baseline",
        );
        return SloResult::new(slo, threshold, 0, judgement).note("no baseline");
    };
    let n = seen.n_baseline.min(seen.n_fault);
    let least = least_for_quantile(seen.quantile);
    let value = seen.seconds * 1e3;
    let (lower, upper) = (seen.bounds.0 * 1e3, seen.bounds.1 * 1e3);
    let censored = seen.fault.exact().is_none();
    // Five requests beyond a quantile are the least that is no chance; of few requests half must be.
    let enough_to_fail = seen.n_fault * 2 >= least
        || (seen.n_fault >= 2 * LEAST_BAD && seen.median * 1e3 > threshold);
    // Whatever the quantile is, it cannot differ by more than the slowest from the fastest.
    let surely_kept = n >= LEAST && seen.most.is_some_and(|most| most * 1e3 <= threshold);
    let too_few = || {
        Judgement::inconclusive(
            format!("{n} requests are too few for a p95"),
            format!("at least {least} before and with the fault: watch longer, or raise the rate"),
        )
    };
    let judgement = if seen.baseline.exact().is_none() {
        Judgement::inconclusive(
            "more than 5 % of the requests before the fault failed, so the p95 of the baseline is not known",
            "start from a healthy target, or raise the timeout",
        )
    } else if censored && slo.keeps(lower, threshold) {
        Judgement::inconclusive(
            format!(
                "more than 5 % had no answer, and {} is not above the threshold",
                slo.say(value)
            ),
            "raise the timeout above the threshold plus the normal latency",
        )
    } else if censored {
        Judgement::Fail
    } else {
        Judgement::of(slo, lower, upper, threshold)
    };
    let judgement = match judgement {
        Judgement::Pass if n < least && !surely_kept => too_few(),
        Judgement::Fail if !enough_to_fail => too_few(),
        judgement => judgement,
    };
    let result = SloResult {
        at_least: censored,
        ..SloResult::new(slo, threshold, n, judgement)
            .value(value)
            .bounds(lower, Some(upper).filter(|_| !censored))
    };
    if seen.noise.as_secs_f64() > seen.seconds.abs() {
        result.note("within noise")
    } else {
        result
    }
}

fn mttr(threshold: f64, metrics: &Metrics) -> SloResult {
    let slo = Slo::Mttr;
    let n = metrics.judged.as_ref().map_or(0, |j| j.counts.done());
    let Some(repair) = &metrics.mttr else {
        let judgement = if n < LEAST {
            more_requests(n, LEAST)
        } else {
            Judgement::Pass
        };
        return SloResult::new(slo, threshold, 0, judgement).note("no outage");
    };
    let lower = repair.lower.as_secs_f64();
    let upper = repair.upper.map(|u| u.as_secs_f64());
    let result = SloResult {
        at_least: matches!(repair.judged, Timing::AtLeast(_)),
        ..SloResult::new(
            slo,
            threshold,
            repair.outages as u64,
            timed(
                slo,
                lower,
                upper,
                threshold,
                "an outage was not over when the watching ended",
            ),
        )
    };
    let result = match repair.interval {
        Some(interval) => result.note(format!(
            "mean of {}; 95 % interval {} to {}",
            repair.outages,
            Short(interval.lower),
            Short(interval.upper)
        )),
        None => result,
    };
    result
        .value(repair.judged.lower().as_secs_f64())
        .bounds(lower, upper)
}

fn recovery(threshold: f64, metrics: &Metrics) -> SloResult {
    let slo = Slo::RecoveryTime;
    let Some(timing) = metrics.recovery_time else {
        return match metrics.windows.removed {
            None => nothing(slo, threshold, "no fault was removed"),
            Some(_) => {
                let judgement = Judgement::inconclusive(
                    "nothing was seen after the fault",
                    "keep the load running after the fault, with a recovery limit above the SLO",
                );
                SloResult::new(slo, threshold, 0, judgement).note("not seen")
            }
        };
    };
    let lower = timing.lower().as_secs_f64();
    let upper = timing.exact().map(|t| t.as_secs_f64());
    let n = metrics.recovery.as_ref().map_or(0, |r| r.counts.done());
    let judgement = timed(
        slo,
        lower,
        upper,
        threshold,
        "it was not normal again when the watching ended",
    );
    let result = SloResult {
        at_least: upper.is_none(),
        ..SloResult::new(slo, threshold, n, judgement)
    };
    result.value(lower).bounds(lower, upper)
}

/// The verdict on a time whose end may not have been seen.
fn timed(slo: Slo, lower: f64, upper: Option<f64>, threshold: f64, open: &str) -> Judgement {
    match upper {
        Some(upper) => Judgement::of(slo, lower, upper, threshold),
        None if lower > threshold => Judgement::Fail,
        None => Judgement::inconclusive(
            format!("{open} after {}", slo.say(lower)),
            "observe longer: raise the recovery limit above the SLO",
        ),
    }
}

/// What makes a pass worth nothing, and a failure no less true.
fn against_a_pass(metrics: &Metrics) -> Option<Judgement> {
    let coverage = metrics.judged.as_ref()?.availability.as_ref()?.coverage;
    (coverage < LEAST_COVERAGE).then(|| {
        Judgement::inconclusive(
            format!("only {:.0} % of the time was observed", coverage * 100.0),
            "a load without gaps; at least one request per second",
        )
    })
}
