//! The report as a table that is read in five seconds.

use super::{
    Report,
    paint::{Paint, safe},
    short::Short,
};
use crate::{
    judge::{Judgement, SloResult},
    measure::PhaseMetrics,
};
use comfy_table::{CellAlignment, Table, presets};

pub(super) fn render(report: &Report, paint: Paint) -> String {
    let verdict = &report.verdict;
    let headline = format!(
        "{} {}: {verdict}",
        verdict.conclusion.sign(),
        report.run.name
    );
    let mut text = paint.bold(&safe(&headline));
    text.push('\n');
    if !report.slos.is_empty() {
        text += &format!("\n{}\n", slos(report));
    }
    if let Some(phases) = phases(report) {
        text += &format!("\n{phases}\n");
    }
    let remarks = remarks(report);
    if !remarks.is_empty() {
        text.push('\n');
    }
    for line in remarks {
        text += &format!("  {}\n", safe(&line));
    }
    paint.marks(text)
}

/// A table without lines but one under its header.
pub(super) fn table(header: &[&str], numbers: std::ops::Range<usize>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    table.force_no_tty();
    table.set_header(header.to_vec());
    for (i, column) in table.column_iter_mut().enumerate() {
        if numbers.contains(&i) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// The lines of a table without those that only cost height.
pub(super) fn lines(table: &Table) -> String {
    let all: Vec<String> = table
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect();
    let rule = |line: &str| !line.is_empty() && line.chars().all(|c| c == '─');
    let kept: Vec<&str> = all
        .iter()
        .map(String::as_str)
        .filter(|line| !rule(line))
        .collect();
    kept.join("\n").replace('═', "─")
}

fn slos(report: &Report) -> String {
    let mut table = table(&["SLO", "measured", "promised", ""], 1..3);
    for result in &report.slos {
        table.add_row(vec![
            result.slo.to_string(),
            result.say_value(),
            result.slo.say_threshold(result.threshold),
            mark(result).to_owned(),
        ]);
    }
    lines(&table)
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

fn phases(report: &Report) -> Option<String> {
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
    let header = [
        "phase", "time", "requests", "p50", "p95", "p99", "errors", "up",
    ];
    let mut table = table(&header, 1..8);
    for (name, phase) in rows {
        table.add_row(row(name, phase));
    }
    Some(lines(&table))
}

fn row(name: &str, phase: &PhaseMetrics) -> Vec<String> {
    let none = || "–".to_owned();
    let latency = |pick: fn(&crate::measure::Quantiles) -> crate::measure::Timing| {
        phase
            .latency
            .as_ref()
            .map_or_else(none, |q| pick(q).to_string())
    };
    vec![
        name.to_owned(),
        Short(phase.window.length()).to_string(),
        phase.counts.done().to_string(),
        latency(|q| q.p50),
        latency(|q| q.p95),
        latency(|q| q.p99),
        phase
            .error_rate
            .as_ref()
            .map_or_else(none, |e| crate::judge::Slo::ErrorRate.say(e.share * 100.0)),
        phase.availability.as_ref().map_or_else(none, |a| {
            crate::judge::Slo::Availability.say(a.time * 100.0)
        }),
    ]
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
    remarks.extend(report.warnings.iter().map(|w| format!("! {w}")));
    remarks
}
