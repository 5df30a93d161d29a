//! The tables, as people see them.

#[path = "support/trace.rs"]
mod trace;

use chaos_validator::{Class, Paint, Recording, Report, Slos, Summary};
use trace::{Trace, ok};

fn in_fault(ms: u64) -> bool {
    (10_000..20_000).contains(&ms)
}

fn held() -> Report {
    Trace::default().report(|at| ok(if in_fault(at) { 120 } else { 10 + at % 3 }))
}

fn violated() -> Report {
    Trace::default().report(|at| match at {
        11_000..14_000 => (2000, Class::Timeout),
        14_000..21_000 => (1, Class::Refused),
        _ => ok(12),
    })
}

fn unclear() -> Report {
    let trace = Trace {
        rate: 2.0,
        hits: Some(0),
        warnings: vec!["left alone, it is not ours: \u{1b}[31mqdisc 8001:".into()],
        ..Trace::default()
    };
    trace.report(|_| ok(10))
}

#[test]
fn a_run_that_held() {
    insta::assert_snapshot!(held().table(Paint::Plain));
}

#[test]
fn a_run_that_failed() {
    insta::assert_snapshot!(violated().table(Paint::Plain));
}

#[test]
fn a_run_that_proves_nothing() {
    insta::assert_snapshot!(unclear().table(Paint::Plain));
}

#[test]
fn a_run_without_traffic() {
    let report = Report::new(Trace::default().run(), &Recording::none(), &Slos::default());
    insta::assert_snapshot!(report.table(Paint::Plain));
}

#[test]
fn a_run_that_was_not_steady() {
    let trace = Trace {
        outcome: serde_json::json!({
            "outcome": "not_steady",
            "why": "17 of 250 requests failed before any fault, most often \"refused\"; at most 5 % may",
        }),
        ..Trace::default()
    };
    let report = Report::new(trace.run(), &Recording::none(), &Slos::none());
    insta::assert_snapshot!(report.table(Paint::Plain));
}

#[test]
fn several_runs() {
    insta::assert_snapshot!(Summary::new([held(), violated(), unclear()]).table(Paint::Plain));
}

/// No line of a table is broken by a terminal, and remarks break between words.
#[test]
fn narrow_terminals_show_less_and_break_nothing() {
    let summary = Summary::new([held(), violated(), unclear()]);
    for width in [60, 80, 120] {
        for text in [
            held().table_in(Paint::Plain, Some(width)),
            violated().table_in(Paint::Plain, Some(width)),
            unclear().table_in(Paint::Plain, Some(width)),
            summary.table_in(Paint::Plain, Some(width)),
        ] {
            for line in text.lines() {
                assert!(line.chars().count() <= width, "{width}: {line}\n{text}");
            }
        }
    }
    let (narrow, summary) = (
        violated().table_in(Paint::Plain, Some(60)),
        summary.table_in(Paint::Plain, Some(60)),
    );
    insta::assert_snapshot!(format!("{narrow}\n{summary}"));
}

#[test]
fn colour_changes_no_width_and_plain_has_none() {
    let coloured = violated().table(Paint::Colour);
    assert!(coloured.contains("\u{1b}[31m✗"));
    let mut stripped = coloured;
    for code in ["\u{1b}[0m", "\u{1b}[1m", "\u{1b}[31m", "\u{1b}[32m"] {
        stripped = stripped.replace(code, "");
    }
    assert_eq!(stripped, violated().table(Paint::Plain));
    assert!(!violated().table(Paint::Plain).contains('\u{1b}'));
}
