//! The report as a table that is read in five seconds.

use super::{
    Report, acted, books,
    paint::{Paint, printable},
    resources,
    short::Short,
    width::{Grid, shorten, wrap},
};
use crate::{
    judge::{Judgement, Slo, SloResult},
    measure::PhaseMetrics,
};

/// The name of a target is cut to so many columns.
const MOST_NAME: usize = 40;

pub(super) fn render(report: &Report, paint: Paint, width: Option<usize>) -> String {
    let verdict = &report.verdict;
    let headline = format!(
        "{} {}: {verdict}",
        verdict.conclusion.sign(),
        report.run.name
    );
    let mut text = paint.bold(&wrap(&printable(&headline), width));
    text.push('\n');
    let mut remarks = remarks(report);
    if !report.slos.is_empty() {
        let (slos, without) = slos(report, width);
        text += &format!("\n{slos}\n");
        if !without.is_empty() {
            let (errors, up) = (Slo::ErrorRate, Slo::Availability);
            let over = over(errors);
            remarks.insert(0, format!("{errors} and {up} are over {over}"));
        }
    }
    if let Some(phases) = phases(report, width) {
        text += &format!("\n{phases}\n");
    }
    if let Some(resources) = resources(report, width) {
        text += &format!("\n{resources}\n");
    }
    if !remarks.is_empty() {
        text.push('\n');
    }
    for line in remarks {
        text += &format!("{}\n", wrap(&format!("  {}", printable(&line)), width));
    }
    paint.marks(text)
}

fn slos(report: &Report, width: Option<usize>) -> (String, Vec<&'static str>) {
    let row = |result: &SloResult| {
        [
            result.slo.to_string(),
            over(result.slo).to_owned(),
            result.say_value(),
            result.slo.say_threshold(result.threshold),
            mark(result).to_owned(),
        ]
    };
    let grid = Grid {
        header: ["SLO", OVER, "measured", "promised", ""],
        numbers: 2..4,
        rows: report.slos.iter().map(row).collect(),
    };
    grid.fit(width, &[OVER])
}

/// The column that says in which part of the run something is measured.
const OVER: &str = "over";

/// In which part of the run a promise is measured.
pub(super) fn over(slo: Slo) -> &'static str {
    match slo {
        Slo::ErrorRate | Slo::Availability | Slo::Mttr => "fault + recovery",
        Slo::LatencyDegradation => "fault, to baseline",
        Slo::RecoveryTime => "after the fault",
    }
}

/// A sign and a word: never colour alone.
pub(super) fn mark(result: &SloResult) -> &'static str {
    match result.judgement {
        Judgement::Pass => "✓ pass",
        Judgement::Fail => "✗ FAIL",
        Judgement::Inconclusive { .. } => "? cannot tell",
        Judgement::NotApplicable { .. } => "– n/a",
    }
}

fn phases(report: &Report, width: Option<usize>) -> Option<String> {
    let metrics = &report.metrics;
    let rows: Vec<(&str, &PhaseMetrics)> = [
        ("baseline", &metrics.baseline),
        ("fault", &metrics.fault),
        ("recovery", &metrics.recovery),
    ]
    .into_iter()
    .filter_map(|(name, phase)| Some((name, phase.as_ref()?)))
    .collect();
    if rows.iter().all(|(_, phase)| phase.counts.planned == 0) {
        return None;
    }
    let grid = Grid {
        header: [
            "phase", "time", "requests", "p50", "p95", "p99", "errors", "up",
        ],
        numbers: 1..8,
        rows: rows.iter().map(|(name, phase)| row(name, phase)).collect(),
    };
    Some(grid.fit(width, &["p50", "time", "p99", "requests"]).0)
}

fn row(name: &str, phase: &PhaseMetrics) -> [String; 8] {
    let none = || "–".to_owned();
    let latency = |pick: fn(&crate::measure::Quantiles) -> crate::measure::Timing| {
        phase
            .latency
            .as_ref()
            .map_or_else(none, |q| pick(q).to_string())
    };
    [
        name.to_owned(),
        Short(phase.window.length()).to_string(),
        phase.counts.done().to_string(),
        latency(|q| q.p50),
        latency(|q| q.p95),
        latency(|q| q.p99),
        phase
            .error_rate
            .as_ref()
            .map_or_else(none, |e| Slo::ErrorRate.say(e.share * 100.0)),
        phase
            .availability
            .as_ref()
            .map_or_else(none, |a| Slo::Availability.say(a.time * 100.0)),
    ]
}

/// What the targets used, one line each.
fn resources(report: &Report, width: Option<usize>) -> Option<String> {
    let row = |site| resources::row(site).map(|cell| shorten(&printable(&cell), MOST_NAME));
    let rows: Vec<[String; 5]> = resources::known(report).map(row).collect();
    let grid = Grid {
        header: resources::HEADER,
        numbers: 1..5,
        rows,
    };
    let expendable = ["threads", "descriptors"];
    (!grid.rows.is_empty()).then(|| grid.fit(width, &expendable).0)
}

/// What does not fit into the tables: why something cannot be told, what failed how, warnings.
fn remarks(report: &Report) -> Vec<String> {
    let mut remarks = Vec::new();
    let judged = report.metrics.judged.as_ref();
    let failures: Vec<String> = judged
        .into_iter()
        .flat_map(|phase| &phase.classes)
        .filter(|(class, _)| class.is_bad())
        .map(|(class, n)| format!("{n} {class}"))
        .collect();
    if !failures.is_empty() {
        remarks.push(format!("failures: {}", failures.join(", ")));
    }
    remarks.extend(acted::all(&report.run).map(|acted| format!("faults: {acted}")));
    remarks.extend(books::losses(report).map(|lost| format!("lost: {lost}")));
    remarks.extend(books::balance(report).map(|books| format!("requests: {books}")));
    // The same reason often holds for several promises.
    let mut unclear: Vec<(Vec<String>, String)> = Vec::new();
    for result in &report.slos {
        if let Judgement::Inconclusive { why, fix } = &result.judgement {
            let reason = format!("{why}; to tell: {fix}");
            match unclear.iter_mut().find(|(_, r)| *r == reason) {
                Some((slos, _)) => slos.push(result.slo.to_string()),
                None => unclear.push((vec![result.slo.to_string()], reason)),
            }
        }
    }
    remarks.extend(
        unclear
            .into_iter()
            .map(|(slos, reason)| format!("? {}: {reason}", slos.join(", "))),
    );
    remarks.extend(resources::absences(report));
    let advice = report.advice().into_iter();
    remarks.extend(advice.map(|a| format!("→ {}: {} ({})", a.slo, a.what, a.because)));
    let warnings = report.warnings.iter().chain(&report.lints);
    remarks.extend(warnings.map(|w| format!("! {w}")));
    remarks
}
