//! Verdicts on recordings whose truth is known.

#[path = "support/trace.rs"]
mod trace;

use chaos_core::Run;
use chaos_validator::{
    Class, Conclusion, Exchange, Judgement, Paint, Recording, Report, Slo, SloResult, Slos, Summary,
};
use std::{panic::catch_unwind, time::Duration};
use trace::{Trace, ok};

fn result(report: &Report, slo: Slo) -> &SloResult {
    report.slos.iter().find(|r| r.slo == slo).unwrap()
}

fn inconclusive(report: &Report, slo: Slo) -> bool {
    matches!(
        result(report, slo).judgement,
        Judgement::Inconclusive { .. }
    )
}

fn in_fault(ms: u64) -> bool {
    (10_000..20_000).contains(&ms)
}

#[test]
fn nothing_felt_is_held() {
    let report = Trace::default().report(|_| ok(10));
    assert_eq!(report.verdict().conclusion, Conclusion::Held, "{report}");
    assert_eq!(report.exit_code(), 0);
    report.assert_held();
    for slo in &report.slos {
        assert_eq!(slo.judgement, Judgement::Pass, "{report}");
    }
}

#[test]
fn slower_than_promised_fails_on_latency_alone() {
    let report = Trace::default().report(|at| ok(if in_fault(at) { 800 } else { 10 }));
    assert_eq!(report.exit_code(), 1);
    let latency = result(&report, Slo::LatencyDegradation);
    assert_eq!(latency.judgement, Judgement::Fail);
    assert_eq!(latency.value, Some(790.0));
    assert!(
        report.verdict().why.contains("+790 ms > +500 ms"),
        "{report}"
    );
    assert_eq!(result(&report, Slo::ErrorRate).judgement, Judgement::Pass);
    assert_eq!(
        result(&report, Slo::Availability).judgement,
        Judgement::Pass
    );
}

#[test]
fn an_outage_fails_and_is_measured() {
    let report = Trace::default().report(|at| match at {
        11_000..15_000 => (1, Class::Refused),
        _ => ok(10),
    });
    assert_eq!(report.exit_code(), 1);
    let errors = result(&report, Slo::ErrorRate);
    assert_eq!((errors.value, errors.n), (Some(20.0), 1000));
    let availability = result(&report, Slo::Availability).value.unwrap();
    assert!((availability - 80.0).abs() < 0.2, "{availability}");
    let mttr = result(&report, Slo::Mttr);
    assert!((mttr.value.unwrap() - 4.0).abs() <= 0.03, "{mttr:?}");
    assert_eq!(mttr.judgement, Judgement::Pass);
    let recovery = result(&report, Slo::RecoveryTime);
    assert_eq!(
        recovery.value,
        Some(0.0),
        "it was back before the fault was gone"
    );
}

#[test]
fn slow_recovery_is_counted_from_the_removal() {
    let report = Trace::default().report(|at| match at {
        10_000..23_000 => (1, Class::Reset),
        _ => ok(10),
    });
    let recovery = result(&report, Slo::RecoveryTime);
    assert!(
        (recovery.value.unwrap() - 3.0).abs() <= 0.05,
        "{recovery:?}"
    );
    assert_eq!(recovery.judgement, Judgement::Pass);
    assert_eq!(result(&report, Slo::ErrorRate).judgement, Judgement::Fail);
}

#[test]
fn what_never_recovers_is_censored_and_never_passes() {
    let fate = |at| {
        if at < 10_000 {
            ok(10)
        } else {
            (2000, Class::Timeout)
        }
    };
    let report = Trace::default().report(fate);
    let recovery = result(&report, Slo::RecoveryTime);
    assert!(recovery.at_least, "{recovery:?}");
    // 10 s were watched, and 10 s are promised: it cannot be told.
    assert!(inconclusive(&report, Slo::RecoveryTime));
    // 20 s of an outage, and 30 s are promised.
    assert!(inconclusive(&report, Slo::Mttr));
    assert_eq!(report.exit_code(), 1, "errors and availability have failed");
    let strict = Slos::default()
        .with(Slo::RecoveryTime, 5.0)
        .with(Slo::Mttr, 10.0);
    let report = Trace::default().report_with(fate, &strict);
    assert_eq!(
        result(&report, Slo::RecoveryTime).judgement,
        Judgement::Fail
    );
    assert_eq!(result(&report, Slo::Mttr).judgement, Judgement::Fail);
}

#[test]
fn no_traffic_is_never_a_pass() {
    let run = Trace::default().run();
    let report = Report::new(run, &Recording::none(), &Slos::default());
    assert_eq!(report.exit_code(), 3);
    for slo in Slo::ALL {
        assert!(inconclusive(&report, slo), "{slo}");
    }
    // Traffic that stops with the fault is no better.
    let trace = Trace::default();
    let all = trace.recording(|_| ok(10));
    let before: Vec<Exchange> = all
        .between(Duration::ZERO, Duration::from_secs(10))
        .to_vec();
    let recording = Recording::new("half", 50.0, Duration::from_secs(2), before);
    let report = Report::new(trace.run(), &recording, &Slos::default());
    assert_eq!(report.exit_code(), 3, "{report}");
}

#[test]
fn a_gap_in_the_traffic_is_inconclusive() {
    let trace = Trace::default();
    let with_gap: Vec<Exchange> = trace
        .recording(|_| ok(10))
        .exchanges()
        .iter()
        .filter(|e| !(12..16).contains(&e.intended().as_secs()))
        .copied()
        .collect();
    let recording = Recording::new("gap", 50.0, Duration::from_secs(2), with_gap);
    let report = Report::new(trace.run(), &recording, &Slos::default());
    assert!(inconclusive(&report, Slo::Availability), "{report}");
    assert_eq!(report.exit_code(), 3);
}

#[test]
fn a_late_instrument_proves_nothing() {
    // 2 % were not sent.
    let unsent = Trace::default().report(|at| {
        if at % 1000 == 0 {
            (0, Class::Unsent)
        } else {
            ok(10)
        }
    });
    assert_eq!(unsent.exit_code(), 3, "{unsent}");
    // All were sent 80 ms late, and a failure in it is no failure of the target.
    let trace = Trace::default();
    let late: Vec<Exchange> = (0..1500)
        .map(|i| {
            let at = Duration::from_millis(i * 20);
            let sent = at + Duration::from_millis(80);
            Exchange::new(at, sent, sent + Duration::from_millis(900), Class::Ok)
        })
        .collect();
    let recording = Recording::new("late", 50.0, Duration::from_secs(2), late);
    let slos = Slos::default().with(Slo::LatencyDegradation, 0.0);
    let report = Report::new(trace.run(), &recording, &slos);
    assert!(inconclusive(&report, Slo::LatencyDegradation), "{report}");
}

/// What is under way when the fault comes meets it: it is the fault's, and no part of what was normal.
#[test]
fn what_the_fault_catches_under_way_is_its_own() {
    let report = Trace::default().report(|at| match at {
        9_900..10_000 => (900, Class::Reset),
        _ => ok(10),
    });
    let baseline = report.metrics.baseline.as_ref().unwrap();
    assert_eq!((baseline.counts.planned, baseline.counts.bad), (495, 0));
    let judged = report.metrics.judged.as_ref().unwrap();
    assert_eq!((judged.counts.planned, judged.counts.bad), (1005, 5));
}

#[test]
fn what_was_not_reached_is_not_judged() {
    let mut run = serde_json::to_value(
        Trace {
            injected: false,
            ..Trace::default()
        }
        .run(),
    )
    .unwrap();
    run["outcome"] = serde_json::json!({ "outcome": "not_steady", "why": "x" });
    run["phases"].as_array_mut().unwrap().truncate(1);
    let run: Run = serde_json::from_value(run).unwrap();
    let report = Report::new(
        run,
        &Trace::default().recording(|_| ok(10)),
        &Slos::default(),
    );
    assert_eq!(report.exit_code(), 4);
    assert!(report.warnings.is_empty(), "{report}");
    for slo in &report.slos {
        assert!(
            matches!(slo.judgement, Judgement::NotApplicable { .. }),
            "{report}"
        );
    }
}

#[test]
fn a_sick_baseline_proves_nothing() {
    let report = Trace::default().report(|at| match at {
        0..2_000 => (1, Class::BadStatus),
        _ => ok(10),
    });
    assert_eq!(report.exit_code(), 3, "{report}");
    let drifting = Trace::default().report(|at| ok(if at < 5_000 { 10 } else { 400 }));
    assert_eq!(drifting.exit_code(), 3, "{drifting}");
}

#[test]
fn a_few_failures_are_no_proof_and_few_requests_no_pass() {
    let trace = Trace {
        rate: 2.0,
        ..Trace::default()
    };
    // 40 requests are judged; 5 % with certainty needs 73.
    assert!(inconclusive(&trace.report(|_| ok(10)), Slo::ErrorRate));
    let lenient = Slos::default().with(Slo::ErrorRate, 10.0);
    let report = trace.report_with(|_| ok(10), &lenient);
    assert_eq!(result(&report, Slo::ErrorRate).judgement, Judgement::Pass);
    // Three of 40 failed: more than 5 %, and maybe chance.
    let report = trace.report(|at| match at {
        12_000 | 14_000 | 16_000 => (1, Class::Reset),
        _ => ok(10),
    });
    assert!(inconclusive(&report, Slo::ErrorRate), "{report}");
    // All of them: no chance.
    let report = trace.report(|at| {
        if at < 10_000 {
            ok(10)
        } else {
            (1, Class::Reset)
        }
    });
    assert_eq!(result(&report, Slo::ErrorRate).judgement, Judgement::Fail);
}

#[test]
fn a_short_run_passes_on_latency_when_even_the_slowest_is_fast_enough() {
    // 100 requests before and with the fault are too few for a p95 with ten beyond it.
    let trace = Trace {
        rate: 10.0,
        ..Trace::default()
    };
    let report = trace.report(|at| ok(if in_fault(at) { 400 } else { 10 }));
    assert_eq!(
        result(&report, Slo::LatencyDegradation).judgement,
        Judgement::Pass
    );
    let one_slow = trace.report(|at| match at {
        15_000 => ok(1_500),
        at => ok(if in_fault(at) { 400 } else { 10 }),
    });
    assert!(
        inconclusive(&one_slow, Slo::LatencyDegradation),
        "{one_slow}"
    );
    let slow = trace.report(|at| ok(if in_fault(at) { 700 } else { 10 }));
    assert_eq!(
        result(&slow, Slo::LatencyDegradation).judgement,
        Judgement::Fail
    );
}

/// T13: what ends at the timeout cannot be compared with a threshold above it.
#[test]
fn a_censored_latency_is_a_breach_only_below_the_timeout() {
    let fate = |at| {
        if in_fault(at) && at % 100 == 0 {
            (2000, Class::Timeout)
        } else {
            ok(10)
        }
    };
    let below = Trace::default().report(fate);
    assert_eq!(
        result(&below, Slo::LatencyDegradation).judgement,
        Judgement::Fail
    );
    let slos = Slos::default().with(Slo::LatencyDegradation, 5_000.0);
    let above = Trace::default().report_with(fate, &slos);
    assert!(inconclusive(&above, Slo::LatencyDegradation), "{above}");
    assert!(
        above.lints.iter().any(|w| w.contains("raise the timeout")),
        "{above}"
    );
}

#[test]
fn a_fault_that_did_nothing_proves_nothing() {
    let trace = Trace {
        hits: Some(0),
        ..Trace::default()
    };
    let report = trace.report(|_| ok(10));
    assert_eq!(report.exit_code(), 3);
    assert!(
        report.verdict().why.contains("not proven active"),
        "{report}"
    );
    // A failure stays one.
    assert_eq!(
        trace
            .report(|at| if in_fault(at) {
                (1, Class::Reset)
            } else {
                ok(1)
            })
            .exit_code(),
        1
    );
    let never = Trace {
        injected: false,
        ..Trace::default()
    };
    assert_eq!(never.report(|_| ok(10)).exit_code(), 3);
}

#[test]
fn how_the_run_ended_wins() {
    let left = serde_json::json!([{ "change": "tc qdisc add dev eth0", "why": "no such device" }]);
    for (outcome, leftovers, conclusion, code) in [
        (
            r#"{ "outcome": "not_steady", "why": "x" }"#,
            false,
            Conclusion::NotSteady,
            4,
        ),
        (
            r#"{ "outcome": "aborted", "by": "x" }"#,
            false,
            Conclusion::Aborted,
            4,
        ),
        (
            r#"{ "outcome": "interrupted", "by": "Ctrl-C" }"#,
            false,
            Conclusion::Interrupted,
            130,
        ),
        (
            r#"{ "outcome": "deviated", "why": "x" }"#,
            false,
            Conclusion::Deviated,
            1,
        ),
        (
            r#"{ "outcome": "inconclusive", "why": "x" }"#,
            false,
            Conclusion::Inconclusive,
            3,
        ),
        (
            r#"{ "outcome": "failed", "why": "x", "left": [] }"#,
            false,
            Conclusion::Failed,
            70,
        ),
        (r#"{ "outcome": "held" }"#, true, Conclusion::Left, 5),
    ] {
        let trace = Trace {
            outcome: serde_json::from_str(outcome).unwrap(),
            left: if leftovers {
                left.clone()
            } else {
                serde_json::json!([])
            },
            ..Trace::default()
        };
        let report = trace.report(|_| ok(10));
        assert_eq!(report.verdict().conclusion, conclusion, "{outcome}");
        assert_eq!(report.exit_code(), code, "{outcome}");
    }
}

#[test]
fn the_worst_of_several_runs_is_their_exit_code() {
    let held = || Trace::default().report(|_| ok(10));
    let failed = Trace::default().report(|at| ok(if in_fault(at) { 800 } else { 10 }));
    let unclear = Trace {
        hits: Some(0),
        ..Trace::default()
    }
    .report(|_| ok(10));
    assert_eq!(Summary::new([held(), held()]).exit_code(), 0);
    assert_eq!(Summary::new([held(), unclear]).exit_code(), 3);
    assert_eq!(Summary::new([failed, held()]).exit_code(), 1);
    assert_eq!(Summary::default().exit_code(), 3, "nothing was shown");
}

#[test]
fn thresholds_that_are_no_numbers_judge_nothing() {
    let slos = Slos::default().with(Slo::ErrorRate, f64::NAN);
    let report = Trace::default().report_with(|_| ok(10), &slos);
    assert!(inconclusive(&report, Slo::ErrorRate));
    let none = Trace::default().report_with(|_| ok(10), &Slos::none());
    assert!(none.slos.is_empty());
    assert_eq!(none.exit_code(), 0);
}

#[test]
fn a_test_that_did_not_hold_panics_with_the_table() {
    let report = Trace::default().report(|at| ok(if in_fault(at) { 800 } else { 10 }));
    let panic = catch_unwind(|| report.assert_held()).unwrap_err();
    let message = panic.downcast_ref::<String>().unwrap();
    assert!(
        message.contains("latency p95") && message.contains("✗ FAIL"),
        "{message}"
    );
}

#[test]
fn a_report_is_read_back_as_it_was() {
    let fate = |at| match at {
        11_000..15_000 => (1, Class::Refused),
        25_000 => (2_000, Class::Timeout),
        at => ok(at % 17),
    };
    let report = Trace::default().report(fate);
    let json = report.to_json().unwrap();
    let again = Report::from_json(&json).unwrap();
    assert_eq!(again.metrics, report.metrics);
    assert_eq!(again.slos, report.slos);
    assert_eq!(again.verdict, report.verdict);
    assert_eq!(again.to_json().unwrap(), json);
    assert_eq!(again.table(Paint::Plain), report.table(Paint::Plain));
}

#[test]
fn other_reports_are_refused_in_words() {
    let json = Trace::default().report(|_| ok(10)).to_json().unwrap();
    let chain = |text: &str| {
        let error = Report::from_json(text).unwrap_err();
        chaos_core::Chain(&error).to_string()
    };
    let future = json.replacen("\"schema\": 1", "\"schema\": 2", 1);
    assert!(
        chain(&future).contains("schema 2; this version reads 1"),
        "{}",
        chain(&future)
    );
    assert!(chain(&json[..json.len() / 2]).contains("EOF"));
    assert!(chain("[]").contains("cannot read the report"));
    assert!(chain(r#"{ "schema": 1, "run": {} }"#).contains("missing field"));
}

/// A run is judged in less than a moment: 100,000 requests.
#[test]
fn many_requests_are_judged_at_once() {
    let trace = Trace {
        rate: 3_400.0,
        ..Trace::default()
    };
    let recording = trace.recording(|at| ok(at % 23));
    assert!(recording.exchanges().len() > 100_000);
    let run: Run = trace.run();
    let start = std::time::Instant::now();
    let report = Report::new(run, &recording, &Slos::default());
    assert_eq!(report.exit_code(), 0, "{report}");
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
}
