//! The promises, one line each.

use super::{page::Mark, words};
use crate::{
    judge::{Judgement, Slo, SloResult},
    report::Report,
};
use serde::Serialize;

/// A promise, what was measured, and by how much it was kept or not.
#[derive(Debug, Serialize)]
pub(super) struct SloRow {
    name: String,
    over: &'static str,
    value: String,
    bounds: String,
    threshold: String,
    margin: String,
    n: String,
    mark: Mark,
    reason: String,
}

pub(super) fn of(report: &Report) -> Vec<SloRow> {
    report.slos.iter().map(row).collect()
}

fn row(result: &SloResult) -> SloRow {
    let slo = result.slo;
    SloRow {
        name: slo.to_string(),
        over: crate::report::table::over(slo),
        value: result.say_value(),
        bounds: match result.bounds {
            Some((low, Some(high))) if low == high => "exact".to_owned(),
            Some((low, Some(high))) => format!("{} … {}", slo.say(low), slo.say(high)),
            Some((low, None)) => format!("≥ {}", slo.say(low)),
            None => "–".to_owned(),
        },
        threshold: slo.say_threshold(result.threshold),
        margin: margin(result),
        n: words::count(result.n),
        mark: mark(result),
        reason: match &result.judgement {
            Judgement::Inconclusive { why, fix } => format!("{why}; to tell: {fix}"),
            Judgement::NotApplicable { why } => why.clone(),
            _ => result.note.clone().unwrap_or_default(),
        },
    }
}

/// `1.2 points spare`, `4.2 s over`.
fn margin(result: &SloResult) -> String {
    let Some(value) = result
        .value
        .filter(|v| v.is_finite() && result.threshold.is_finite())
    else {
        return "–".to_owned();
    };
    let better = match result.slo {
        Slo::Availability => value - result.threshold,
        _ => result.threshold - value,
    };
    let amount = match result.slo {
        Slo::ErrorRate | Slo::Availability => format!("{} points", words::number(better.abs())),
        Slo::LatencyDegradation => seconds(better.abs() / 1e3),
        Slo::Mttr | Slo::RecoveryTime => seconds(better.abs()),
    };
    let beyond = if result.slo == Slo::Availability {
        "short"
    } else {
        "over"
    };
    let at_least = if result.at_least && better < 0.0 {
        "≥ "
    } else {
        ""
    };
    match better {
        b if b < 0.0 => format!("{at_least}{amount} {beyond}"),
        // How much is spare is not known while the end is not.
        _ if result.at_least => format!("at most {amount} spare"),
        _ => format!("{amount} spare"),
    }
}

fn seconds(seconds: f64) -> String {
    let time = std::time::Duration::try_from_secs_f64(seconds);
    time.map_or_else(|_| "–".to_owned(), words::short)
}

/// The verdict on a promise.
pub(super) fn mark(result: &SloResult) -> Mark {
    let (sign, word, tone) = match result.judgement {
        Judgement::Pass => ("✓", "pass", "good"),
        Judgement::Fail => ("✗", "FAIL", "bad"),
        Judgement::Inconclusive { .. } => ("?", "cannot tell", "unsure"),
        Judgement::NotApplicable { .. } => ("–", "n/a", "none"),
    };
    Mark {
        sign,
        word: word.to_owned(),
        tone,
    }
}
