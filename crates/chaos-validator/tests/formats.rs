//! Every form of a report, seen as it is.

#[path = "support/trace.rs"]
mod trace;
#[path = "support/used.rs"]
mod used;

use chaos_validator::{
    Class, CompareTolerance, Comparison, Exchange, Format, Paint, Recording, Report, Slo, Slos,
    Summary, Trend,
};
use std::time::Duration;
use trace::{Trace, ok};

fn in_fault(ms: u64) -> bool {
    (10_000..20_000).contains(&ms)
}

/// Refused for 4 s of the fault, and slow in the rest of it.
fn broken() -> Report {
    Trace::default().report(|ms| match ms {
        12_000..16_000 => (0, Class::Refused),
        ms if in_fault(ms) => ok(600 + ms % 7),
        ms => ok(5 + ms % 3),
    })
}

fn held() -> Report {
    let mut report = Trace::default().report(|ms| ok(5 + ms % 3));
    report.command = Some("chaos run chaos.yaml --scenario 'slow database' --seed 7".into());
    report
}

fn unclear() -> Report {
    let slos = Slos::none().with(Slo::ErrorRate, 5.0);
    Trace::default().report_with(
        |ms| {
            if in_fault(ms) {
                (0, Class::Unsent)
            } else {
                ok(5)
            }
        },
        &slos,
    )
}

/// One of each, and names that want to be more than names.
fn several() -> Summary {
    let mut nasty = broken();
    nasty.run.name = "<script>alert(1)</script> | @team\n::error::x \u{1b}[2J".into();
    nasty.run.judged.push(
        serde_json::from_value(serde_json::json!({
            "name": "health is good", "phase": "fault",
            "verdict": { "verdict": "deviated", "why": "3 of 7 samples were \"no\" & <b>" }
        }))
        .unwrap(),
    );
    let mut summary = Summary::new([held(), nasty, unclear()]);
    summary.refuse("refused", "the port 80 is taken");
    summary.not_run.push("never begun".into());
    summary
}

fn render(format: Format) -> String {
    several().render(format).unwrap()
}

/// Of two targets one was gone with the fault in place.
fn watched() -> Report {
    let mut report = held();
    report.resources = used::resources(10.0, 20.0, 30.0);
    report
}

#[test]
fn what_the_targets_used_is_in_markdown() {
    insta::assert_snapshot!(Summary::new([watched()]).render(Format::Markdown).unwrap());
}

#[test]
fn what_the_targets_used_is_in_the_table_and_gives_way_to_its_width() {
    insta::assert_snapshot!(watched().table(Paint::Plain));
    insta::assert_snapshot!(watched().table_in(Paint::Plain, Some(70)));
}

#[test]
fn what_the_targets_used_is_a_metric_and_what_is_not_known_is_none() {
    let text = Summary::new([watched()])
        .render(Format::Prometheus)
        .unwrap();
    let lines: Vec<&str> = text
        .lines()
        .filter(|l| l.contains("chaos_target_"))
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn a_report_with_resources_is_read_back_and_one_from_before_has_none() {
    let json = watched().to_json().unwrap();
    assert_eq!(
        Report::from_json(&json).unwrap().resources,
        watched().resources
    );
    let older = held().to_json().unwrap();
    assert!(!older.contains("resources"));
    assert!(Report::from_json(&older).unwrap().resources.is_empty());
}

#[test]
fn markdown() {
    insta::assert_snapshot!(render(Format::Markdown));
}

#[test]
fn a_held_report_in_markdown_is_short() {
    insta::assert_snapshot!(Summary::new([held()]).render(Format::Markdown).unwrap());
}

#[test]
fn annotations() {
    let text = render(Format::Github);
    assert!(text.lines().all(|line| line.starts_with("::")), "{text}");
    insta::assert_snapshot!(text);
    insta::assert_snapshot!(Summary::new([held()]).render(Format::Github).unwrap());
}

#[test]
fn prometheus() {
    let text = render(Format::Prometheus);
    // Every family is in one piece, and has a type.
    let mut families: Vec<&str> = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let name = line.split(['{', ' ']).next().unwrap();
        if families.last() != Some(&name) {
            assert!(!families.contains(&name), "{name} is in two pieces");
            assert!(text.contains(&format!("# TYPE {name} gauge")), "{name}");
            families.push(name);
        }
        line.rsplit(' ').next().unwrap().parse::<f64>().unwrap();
    }
    insta::assert_snapshot!(text);
}

#[cfg(feature = "junit")]
#[test]
fn junit() {
    insta::assert_snapshot!(render(Format::Junit));
}

/// A build must not be green because of a fault that did nothing.
#[cfg(feature = "junit")]
#[test]
fn a_run_that_proves_nothing_is_an_error_in_junit() {
    let idle = Trace {
        hits: Some(0),
        ..Trace::default()
    };
    let summary = Summary::new([idle.report(|_| ok(10))]);
    let text = summary.render(Format::Junit).unwrap();
    assert!(text.contains(r#"errors="1""#), "{text}");
    assert!(text.contains("hit nothing"), "{text}");
}

#[test]
fn what_would_help_is_said_only_where_the_data_point_to_it() {
    let advice = broken().advice();
    let what: Vec<&str> = advice.iter().map(|a| a.what.as_str()).collect();
    assert!(
        what.iter().any(|w| w.contains("exponential backoff")),
        "{advice:#?}"
    );
    assert!(
        advice.iter().any(|a| a.because.contains("200 of 1000")),
        "{advice:#?}"
    );
    assert!(
        !what.iter().any(|w| w.contains("circuit breaker")),
        "{advice:#?}"
    );
    assert_eq!(held().advice(), []);
    assert_eq!(unclear().advice(), []);
    let hanging = Trace::default().report(|ms| {
        if in_fault(ms) {
            (2000, Class::Timeout)
        } else {
            ok(5)
        }
    });
    let what: Vec<String> = hanging.advice().into_iter().map(|a| a.what).collect();
    assert!(
        what.iter().any(|w| w.contains("circuit breaker")),
        "{what:?}"
    );
    assert!(!what.iter().any(|w| w.contains("backoff")), "{what:?}");
}

/// Who is told 503 is told to come later; a fallback would be the advice for other errors.
#[test]
fn load_that_is_shed_is_told_from_errors() {
    for (status, says) in [
        (503, "Retry-After"),
        (429, "Retry-After"),
        (500, "fallback"),
    ] {
        let trace = Trace::default();
        let exchanges = (0..1500).map(|i| {
            let at = Duration::from_millis(i * 20);
            let done = at + Duration::from_millis(5);
            match in_fault(i * 20) {
                true => Exchange::new(at, at, done, Class::BadStatus).with_status(Some(status)),
                false => Exchange::new(at, at, done, Class::Ok).with_status(Some(200)),
            }
        });
        let timeout = Duration::from_secs(2);
        let recording = Recording::new("GET /", 50.0, timeout, exchanges.collect());
        let report = Report::new(trace.run(), &recording, &Slos::default());
        let fault = report.metrics.fault.as_ref().unwrap();
        assert_eq!(fault.statuses.get(&status), Some(&500));
        let advice = report.advice();
        assert!(
            advice.iter().any(|a| a.what.contains(says)),
            "{status}: {advice:#?}"
        );
        let others = advice
            .iter()
            .filter(|a| a.what.contains("fallback"))
            .count();
        assert_eq!(others, usize::from(status == 500), "{advice:#?}");
    }
}

#[test]
fn a_summary_is_read_back_and_so_is_a_report() {
    let summary = several();
    let again = Summary::from_json(&summary.to_json().unwrap()).unwrap();
    assert_eq!(
        again.render(Format::Markdown).unwrap(),
        render(Format::Markdown)
    );
    let one = Summary::from_json(&held().to_json().unwrap()).unwrap();
    assert_eq!(one.reports[0].run.name, "slow database");
    let json = summary.to_json().unwrap();
    for text in [
        "",
        "{}",
        "[]",
        "7",
        &json[..json.len() / 2],
        &json.replace("\"schema\": 1", "\"schema\": 99"),
    ] {
        let error = Summary::from_json(text).unwrap_err();
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(!source.is_empty());
        if text.contains("\"schema\": 99") {
            assert!(source.contains("schema 99"), "{source}");
        }
    }
}

#[test]
fn every_form_can_say_that_there_was_nothing() {
    let slos = Slos::default().with(Slo::Mttr, f64::NAN);
    let nothing = Report::new(
        Trace::default().run(),
        &chaos_validator::Recording::none(),
        &slos,
    );
    for summary in [Summary::default(), Summary::new([nothing])] {
        for format in Format::ALL.iter().filter(|f| **f != Format::Json) {
            let text = summary.render(*format).unwrap();
            let says_nan = text.contains(">NaN") || text.contains(" NaN ");
            assert!(
                !says_nan || *format == Format::Prometheus,
                "{format}: {text}"
            );
        }
    }
}

fn compared(before: impl Fn(u64) -> trace::Fate, now: impl Fn(u64) -> trace::Fate) -> Comparison {
    let summary = |fate: &dyn Fn(u64) -> trace::Fate| Summary::new([Trace::default().report(fate)]);
    Comparison::of(
        &summary(&before),
        &summary(&now),
        CompareTolerance::default(),
    )
}

#[test]
fn a_build_that_is_worse_is_told_from_one_that_is_not() {
    let fine = |ms| ok(5 + ms * 7 % 13);
    let slower = |ms| {
        ok(if in_fault(ms) {
            105 + ms * 7 % 13
        } else {
            5 + ms * 7 % 13
        })
    };
    let out = |ms| {
        if (12_000..16_000).contains(&ms) {
            (0, Class::Refused)
        } else {
            fine(ms)
        }
    };
    for (before, now, trend, code) in [
        (
            &fine as &dyn Fn(u64) -> trace::Fate,
            &fine as &dyn Fn(u64) -> trace::Fate,
            Trend::Same,
            0,
        ),
        (&fine, &slower, Trend::Worse, 1),
        (&fine, &out, Trend::Worse, 1),
        (&slower, &fine, Trend::Same, 0),
    ] {
        let comparison = compared(before, now);
        assert_eq!(
            comparison.trend(),
            trend,
            "{}",
            comparison.table(Paint::Plain, None)
        );
        assert_eq!(comparison.exit_code(), code);
    }
    let comparison = compared(fine, out);
    insta::assert_snapshot!(comparison.table(Paint::Plain, None));
    insta::assert_snapshot!(comparison.markdown());
}

#[test]
fn what_cannot_be_compared_is_not_called_the_same() {
    let comparison = Comparison::of(
        &Summary::new([held()]),
        &Summary::default(),
        CompareTolerance::default(),
    );
    assert_eq!(
        (comparison.trend(), comparison.exit_code()),
        (Trend::Unclear, 3)
    );
    assert_eq!(comparison.alone, ["slow database"]);
    // 5 requests say nothing.
    let few = |_| -> trace::Fate { ok(5) };
    let trace = Trace {
        rate: 0.5,
        ..Trace::default()
    };
    let summary = Summary::new([trace.report(few)]);
    let comparison = Comparison::of(&summary, &summary, CompareTolerance::default());
    assert_eq!(comparison.trend(), Trend::Unclear);
    // What is left out is said.
    let table = comparison.table(Paint::Plain, None);
    let latency: Vec<&str> = table.lines().filter(|l| l.contains("latency")).collect();
    assert_eq!(latency.len(), 2, "{table}");
    for row in latency {
        assert!(row.contains("– too few requests: "), "{row}");
    }
}

/// A p99 that cannot be compared is said, and the rest is judged all the same.
#[test]
fn too_few_requests_for_one_quantile_spoil_no_other() {
    let trace = Trace {
        rate: 20.0,
        ..Trace::default()
    };
    let summary = Summary::new([trace.report(|ms| ok(5 + ms * 7 % 13))]);
    let comparison = Comparison::of(&summary, &summary, CompareTolerance::default());
    let of = |measure| comparison.changes.iter().find(|c| c.measure == measure);
    let p99 = of(chaos_validator::Measure::LatencyP99).unwrap();
    assert_eq!(p99.trend, Trend::NotCompared, "{p99:?}");
    let compared = |c: &&chaos_validator::Change| c.trend != Trend::NotCompared;
    let rest = comparison.changes.iter().filter(compared);
    assert_eq!(rest.map(|c| c.trend).max(), Some(comparison.trend()));
    // What cannot be told says why.
    for change in &comparison.changes {
        let told = !matches!(change.trend, Trend::Unclear | Trend::NotCompared);
        assert_eq!(change.note.is_none(), told, "{change:?}");
    }
}

/// A build that goes around the fault has not become better.
#[test]
fn a_run_whose_fault_hit_nothing_is_not_compared() {
    let summary = |hits| {
        let trace = Trace {
            hits: Some(hits),
            ..Trace::default()
        };
        Summary::new([trace.report(|ms| ok(5 + ms % 3))])
    };
    let tolerance = CompareTolerance::default();
    for (before, now, code, says) in [(7, 7, 0, 0), (7, 0, 3, 1), (0, 0, 3, 2)] {
        let comparison = Comparison::of(&summary(before), &summary(now), tolerance);
        assert_eq!(comparison.exit_code(), code, "{before} {now}");
        assert_eq!(comparison.doubts.len(), says, "{:?}", comparison.doubts);
        let table = comparison.table(Paint::Plain, None);
        assert_eq!(table.contains("not proven active"), says > 0, "{table}");
    }
}

#[test]
fn a_comparison_in_json_says_its_version_and_verdict() {
    let comparison = compared(|_| ok(5), |ms| ok(if in_fault(ms) { 200 } else { 5 }));
    let json: serde_json::Value = serde_json::from_str(&comparison.to_json().unwrap()).unwrap();
    assert_eq!(json["schema"], 1);
    assert_eq!(json["verdict"], "worse");
    assert_eq!(json["exit_code"], 1);
    assert!(json["changes"].is_array() && json["alone"].is_array());
    let told = Summary::from_json(&json.to_string()).unwrap_err();
    let told = chaos_core::Chain(&told).to_string();
    assert!(told.contains("it is a comparison"), "{told}");
}

#[test]
fn what_is_no_report_is_told_so() {
    for (text, says) in [
        ("[1, 2]", "it is no report: a list"),
        ("7", "it is no report: a number"),
        ("{}", "it is no report: it has no `schema`"),
        (
            r#"{ "schema": "1" }"#,
            "it is no report: its `schema` is no number",
        ),
        (
            r#"{ "schema": 1 }"#,
            "it is no report: it has neither `run` nor `reports`",
        ),
        (r#"{ "schema": 9 }"#, "has schema 9"),
        ("name: x", "it is no JSON"),
        ("", "it is no JSON"),
    ] {
        let told = Summary::from_json(text).unwrap_err();
        let told = chaos_core::Chain(&told).to_string();
        assert!(told.contains(says), "{text}: {told}");
        let told = Report::from_json(text).unwrap_err();
        assert!(chaos_core::Chain(&told).to_string().contains(says));
    }
}
