//! The numbers behind the pictures, for those who read tables.

use super::{
    fault_bar::FaultBar,
    frame::Frame,
    page::Mark,
    resource_table,
    words::{self, count, short, timing},
};
use crate::{
    judge::{Judgement, Slo, instrument_doubt},
    measure::{EndpointPhase, PhaseMetrics},
    report::{Report, books::losses},
};
use chaos_core::Verdict;
use serde::Serialize;
use std::borrow::Cow;

/// A name and a value.
#[derive(Debug, Serialize)]
pub(super) struct Fact {
    name: &'static str,
    value: String,
}

/// A table; the first column of each row is its head.
#[derive(Debug, Default, Serialize)]
pub(super) struct Table {
    head: Vec<Cow<'static, str>>,
    /// How many columns are words, on the left.
    words: usize,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn some(
        head: &[&'static str],
        words: usize,
        rows: Vec<Vec<String>>,
    ) -> Option<Self> {
        (!rows.is_empty()).then(|| Self {
            head: cows(head),
            words,
            rows,
        })
    }
}

fn cows(head: &[&'static str]) -> Vec<Cow<'static, str>> {
    head.iter().map(|name| Cow::Borrowed(*name)).collect()
}

fn fact(name: &'static str, value: impl Into<String>) -> Fact {
    Fact {
        name,
        value: value.into(),
    }
}

pub(super) fn none() -> String {
    "–".to_owned()
}

/// What is said below the verdict.
pub(super) fn facts(report: &Report) -> Vec<Fact> {
    let run = &report.run;
    let load = Some(report.load.description.as_str()).filter(|l| !l.is_empty());
    let mut facts = vec![
        fact("started", started(report)),
        fact("took", short(run.took)),
        fact("seed", run.seed.to_string()),
        fact("load", load.unwrap_or("none")),
    ];
    facts.extend(losses(report).map(|lost| fact("lost", lost)));
    facts
}

fn started(report: &Report) -> String {
    let time = humantime::format_rfc3339_seconds(report.run.started).to_string();
    time.replace('T', " ").replace('Z', " UTC")
}

/// Whether the instrument can be trusted, in a word.
pub(super) fn instrument(report: &Report) -> Mark {
    if report.metrics.instrument.counts.planned == 0 {
        return Mark {
            sign: "?",
            word: "instrument saw no traffic".into(),
            tone: "unsure",
        };
    }
    match instrument_doubt(&report.metrics, &report.targets) {
        Some(Judgement::Inconclusive { why, .. }) => Mark {
            sign: "?",
            word: format!("instrument in doubt: {why}"),
            tone: "unsure",
        },
        _ => Mark {
            sign: "✓",
            word: "instrument healthy".into(),
            tone: "good",
        },
    }
}

/// The numbers of the instrument.
pub(super) fn health(report: &Report) -> Vec<Fact> {
    let instrument = &report.metrics.instrument;
    let counts = instrument.counts;
    let observed = report
        .metrics
        .judged
        .as_ref()
        .and_then(|j| j.availability.as_ref());
    vec![
        fact("planned", count(counts.planned)),
        fact("good", count(counts.good)),
        fact("bad", count(counts.bad)),
        fact("unsent, by the generator's own fault", count(counts.unsent)),
        fact("cancelled at the end", count(counts.cancelled)),
        fact(
            "the generator was late by",
            format!(
                "{} (p50), {} (p99), {} (max)",
                short(instrument.late_p50),
                short(instrument.late_p99),
                short(instrument.late_max)
            ),
        ),
        fact(
            "shortest outage that is found for sure",
            short(instrument.shortest_outage),
        ),
        fact(
            "observed of the judged time",
            observed.map_or_else(none, |a| {
                format!("{} %", words::trimmed(a.coverage * 100.0))
            }),
        ),
    ]
}

/// What was set up.
pub(super) fn setup(report: &Report) -> Vec<Fact> {
    let run = &report.run;
    let promised = Slo::ALL.into_iter().filter_map(|slo| {
        let threshold = report.targets.threshold(slo)?;
        Some(format!("{slo} {}", slo.say_threshold(threshold)))
    });
    let promised: Vec<String> = promised.collect();
    let mut facts = vec![
        fact("scenario", run.name.clone()),
        fact("seed", run.seed.to_string()),
        fact("outcome of the run", run.outcome.to_string()),
        fact("load", report.load.description.clone()),
        fact(
            "planned rate",
            format!("{} per second", words::number(report.load.rate)),
        ),
        fact("timeout", short(report.load.timeout)),
        fact(
            "promises",
            if promised.is_empty() {
                "none".to_owned()
            } else {
                promised.join(", ")
            },
        ),
    ];
    facts.extend(
        report
            .machine
            .iter()
            .map(|machine| fact("measured on", machine.to_string())),
    );
    facts.extend(
        run.changes
            .iter()
            .map(|change| fact("change", change.clone())),
    );
    facts.extend(
        run.stopped
            .iter()
            .map(|why| fact("stopped early", why.to_string())),
    );
    facts
}

pub(super) fn phases(report: &Report) -> Table {
    let metrics = &report.metrics;
    let parts = [
        ("baseline", &metrics.baseline),
        ("fault", &metrics.fault),
        ("recovery", &metrics.recovery),
    ];
    let row = |(name, phase): (&str, &Option<PhaseMetrics>)| {
        let phase = phase.as_ref()?;
        let latency = phase.latency.map_or_else(
            || vec![none(); 5],
            |q| [q.p50, q.p95, q.p99, q.p999, q.max].map(timing).to_vec(),
        );
        let errors = phase.error_rate.as_ref();
        let up = phase.availability.as_ref();
        let mut row = vec![
            name.to_owned(),
            short(phase.window.length()),
            count(phase.counts.done()),
        ];
        row.extend(latency);
        row.push(errors.map_or_else(none, |e| Slo::ErrorRate.say(e.share * 100.0)));
        row.push(up.map_or_else(none, |a| Slo::Availability.say(a.time * 100.0)));
        row.push(words::number(phase.good_per_second));
        Some(row)
    };
    Table {
        head: cows(&[
            "phase", "time", "requests", "p50", "p95", "p99", "p99.9", "max", "errors", "up",
            "good/s",
        ]),
        words: 1,
        rows: parts.into_iter().filter_map(row).collect(),
    }
}

pub(super) fn endpoints(report: &Report) -> Option<Table> {
    let cells = |phase: Option<EndpointPhase>| match phase {
        Some(p) => vec![
            count(p.counts.done()),
            Slo::ErrorRate.say(crate::measure::share(p.counts.bad, p.counts.done()) * 100.0),
            timing(p.p50),
            timing(p.p95),
        ],
        None => vec![none(); 4],
    };
    let rows = report.timeline.endpoints.iter().map(|endpoint| {
        let mut row = vec![endpoint.name.clone()];
        row.extend(cells(endpoint.baseline));
        row.extend(cells(endpoint.fault));
        row
    });
    let head = [
        "endpoint",
        "before",
        "errors",
        "p50",
        "p95",
        "with the fault",
        "errors",
        "p50",
        "p95",
    ];
    Table::some(&head, 1, rows.collect())
}

pub(super) fn hypotheses(report: &Report) -> Option<Table> {
    let rows = report.run.judged.iter().map(|judged| {
        let said = match &judged.verdict {
            Verdict::Held => "✓ held".to_owned(),
            Verdict::Deviated { .. } => format!("✗ {}", judged.verdict),
            other => format!("? {other}"),
        };
        vec![judged.name.clone(), judged.phase.to_string(), said]
    });
    Table::some(&["hypothesis", "phase", "verdict"], 3, rows.collect())
}

pub(super) fn edges(report: &Report) -> Option<Table> {
    let row = |bar: FaultBar<'_>| {
        let until = bar.until;
        vec![
            bar.from.fault.clone(),
            bar.from.target.clone(),
            short(bar.from.requested),
            short(bar.from.confirmed),
            until.map_or_else(none, |e| short(e.requested)),
            until.map_or_else(|| "never".to_owned(), |e| short(e.confirmed)),
            until.and_then(|e| e.hits).map_or_else(none, count),
        ]
    };
    let rows = FaultBar::all(&report.run).into_iter().take(500).map(row);
    let head = [
        "fault",
        "target",
        "asked for",
        "in place",
        "removal asked for",
        "gone",
        "hits",
    ];
    Table::some(&head, 2, rows.collect())
}

pub(super) fn outages(report: &Report) -> Option<Table> {
    let rows = report.metrics.outages.iter().take(500).map(|outage| {
        let (least, most) = outage.length_bounds();
        vec![
            short(outage.failed),
            short(outage.detected),
            outage.recovered.map_or_else(|| "never".to_owned(), short),
            timing(outage.length()),
            match most {
                Some(most) => format!("{} … {}", short(least), short(most)),
                None => format!("≥ {}", short(least)),
            },
            outage.segments.to_string(),
        ]
    });
    let head = [
        "failed",
        "could be known",
        "answered again",
        "length",
        "bounds",
        "segments",
    ];
    Table::some(&head, 1, rows.collect())
}

/// By how much the latency was higher with the fault than before it.
pub(super) fn shifts(report: &Report) -> Option<Table> {
    let rows = report.metrics.shifts.iter().map(|shift| {
        let end = |seconds: Option<f64>| seconds.map_or_else(|| "?".to_owned(), words::signed);
        let least = if shift.fault.exact().is_none() {
            "≥ "
        } else {
            ""
        };
        vec![
            format!("p{}", words::trimmed(shift.quantile * 100.0)),
            timing(shift.baseline),
            timing(shift.fault),
            format!("{least}{}", words::signed(shift.seconds)),
            format!("{} … {}", end(shift.interval.0), end(shift.interval.1)),
        ]
    });
    let head = [
        "latency",
        "before",
        "with the fault",
        "difference",
        "95 % interval",
    ];
    Table::some(&head, 1, rows.collect())
}

/// The columns of the pictures as numbers; what hovering tells comes from here.
pub(super) fn seconds(frame: &Frame<'_>) -> Table {
    let rows = frame.columns.iter().map(|column| {
        let latency = column.sum.latency;
        let quantile = |of: fn(&crate::measure::SliceLatency) -> crate::measure::Timing| {
            latency.map_or_else(none, |l| timing(of(&l)))
        };
        let mut row = vec![
            words::clock(column.start, frame.end),
            count(column.sum.offered),
            count(column.sum.good),
            words::failures(&column.sum),
            quantile(|l| l.p50),
            quantile(|l| l.p95),
            quantile(|l| l.p99),
            latency.and_then(|l| l.max).map_or_else(none, short),
        ];
        row.extend(resource_table::cells(frame.report, column));
        row
    });
    let mut head = cows(&[
        "from",
        "offered",
        "good",
        "not good",
        "p50",
        "p95",
        "p99",
        "slowest good",
    ]);
    head.extend(resource_table::heads(frame.report).map(Cow::Owned));
    Table {
        head,
        words: 1,
        rows: rows.collect(),
    }
}
