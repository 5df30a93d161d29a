//! The numbers that people ask for first.

use super::{
    curve_panel::{less, p99},
    page::Mark,
    slo_rows::mark,
    words,
};
use crate::{
    judge::{Slo, SloResult},
    measure::Timing,
    report::Report,
};
use serde::Serialize;

/// One number, and what it means.
#[derive(Debug, Serialize)]
pub(super) struct Tile {
    label: &'static str,
    value: String,
    /// The verdict, if it was promised.
    mark: Option<Mark>,
    /// What it is made of, and what was promised.
    lines: Vec<String>,
}

pub(super) fn of(report: &Report) -> Vec<Tile> {
    vec![
        error_rate(report),
        availability(report),
        degradation(report),
        slower_p99(report),
        mttr(report),
        recovery(report),
    ]
}

fn result(report: &Report, slo: Slo) -> Option<&SloResult> {
    report.slos.iter().find(|r| r.slo == slo)
}

fn tile(
    report: &Report,
    slo: Slo,
    label: &'static str,
    value: Option<String>,
    about: Option<String>,
) -> Tile {
    let result = result(report, slo);
    let value = value.or_else(|| result.map(SloResult::say_value));
    let promised = result.map(|r| format!("promised {}", slo.say_threshold(r.threshold)));
    Tile {
        label,
        value: value.unwrap_or_else(|| "–".to_owned()),
        mark: result.map(mark),
        lines: promised.into_iter().chain(about).collect(),
    }
}

fn error_rate(report: &Report) -> Tile {
    let judged = report.metrics.judged.as_ref();
    let rate = judged.and_then(|j| j.error_rate.as_ref());
    let of = rate.map(|r| format!("{} of {} failed", words::count(r.bad), words::count(r.n)));
    let value = rate.map(|r| Slo::ErrorRate.say(r.share * 100.0));
    tile(report, Slo::ErrorRate, "Error rate", value, of)
}

fn availability(report: &Report) -> Tile {
    let slo = Slo::Availability;
    let judged = report.metrics.judged.as_ref();
    let seen = judged.and_then(|j| j.availability.as_ref());
    let threshold = report.targets.threshold(slo).filter(|t| t.is_finite());
    let down = seen.map(|a| {
        let budget = threshold
            .map(|percent| (a.up + a.down).mul_f64((1.0 - percent / 100.0).clamp(0.0, 1.0)));
        match budget {
            Some(budget) => format!(
                "down {} of {} allowed",
                words::short(a.down),
                words::short(budget)
            ),
            None => format!("down {}", words::short(a.down)),
        }
    });
    let value = seen.map(|a| slo.say(a.time * 100.0));
    tile(report, slo, "Availability", value, down)
}

fn degradation(report: &Report) -> Tile {
    let seen = report.metrics.degradation.as_ref();
    let value = seen.map(|d| difference(d.baseline, d.fault));
    let from_to = seen.map(|d| from_to(d.baseline, d.fault));
    tile(
        report,
        Slo::LatencyDegradation,
        "Latency p95",
        value,
        from_to,
    )
}

fn slower_p99(report: &Report) -> Tile {
    let both = p99(report);
    Tile {
        label: "Latency p99",
        value: both.map_or_else(|| "–".to_owned(), |(before, with)| difference(before, with)),
        mark: None,
        lines: both
            .map(|(before, with)| from_to(before, with))
            .into_iter()
            .collect(),
    }
}

fn difference(before: Timing, with: Timing) -> String {
    let at_least = if with.exact().is_none() { "≥ " } else { "" };
    match before.exact() {
        Some(_) => format!("{at_least}{}", words::signed(less(with, before))),
        None => "–".to_owned(),
    }
}

fn from_to(before: Timing, with: Timing) -> String {
    format!("{} → {}", words::timing(before), words::timing(with))
}

fn mttr(report: &Report) -> Tile {
    let repair = report.metrics.mttr.as_ref();
    let about = repair.map(|r| match r.outages {
        1 => "1 outage".to_owned(),
        n => format!("{n} outages, the longest {}", words::timing(r.longest)),
    });
    let value = repair.map(|r| words::timing(r.judged));
    tile(report, Slo::Mttr, "MTTR", value, about)
}

fn recovery(report: &Report) -> Tile {
    let value = report.metrics.recovery_time.map(words::timing);
    let about = value
        .is_some()
        .then(|| "after the fault was gone".to_owned());
    tile(report, Slo::RecoveryTime, "Recovery", value, about)
}
