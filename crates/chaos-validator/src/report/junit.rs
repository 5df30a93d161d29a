//! The reports as JUnit XML: a suite a scenario, a case a promise or a hypothesis, and one for how the run ended.

use super::{Report, Summary, paint::steers};
use crate::judge::{Conclusion, Judgement, SloResult};
use chaos_core::Verdict;
use quick_junit::{NonSuccessKind, SerializeError, TestCase, TestCaseStatus, TestSuite};

pub(super) fn render(summary: &Summary) -> Result<String, SerializeError> {
    let mut report = quick_junit::Report::new("chaos");
    report.add_test_suites(summary.reports.iter().map(suite));
    for refused in &summary.refused {
        let mut suite = TestSuite::new(clean(&refused.name));
        suite.add_test_case(case("the run", error("refused", &refused.why)));
        report.add_test_suite(suite);
    }
    for unmet in &summary.not_run {
        let mut suite = TestSuite::new(clean(unmet));
        suite.add_test_case(case("the run", skipped("the runs were ended before")));
        report.add_test_suite(suite);
    }
    report.to_string()
}

fn suite(report: &Report) -> TestSuite {
    let mut suite = TestSuite::new(clean(&report.run.name));
    suite.set_time(report.run.took);
    let mut run = case("the run", of_run(report));
    run.set_time(report.run.took);
    suite.add_test_case(run);
    for result in &report.slos {
        suite.add_test_case(case(result.slo.field(), of_slo(result)));
    }
    for judged in &report.run.judged {
        let name = format!("{} ({})", judged.name, judged.phase);
        let status = match &judged.verdict {
            Verdict::Held => TestCaseStatus::success(),
            Verdict::Deviated { why } => failure("deviated", why),
            Verdict::Unknown { why } => error("unknown", why),
            _ => error("unknown", "a verdict that this version does not know"),
        };
        suite.add_test_case(case(&name, status));
    }
    suite
}

/// How the run ended, apart from its promises.
fn of_run(report: &Report) -> TestCaseStatus {
    let why = report.verdict.to_string();
    match report.verdict.conclusion {
        Conclusion::Held | Conclusion::Violated => TestCaseStatus::success(),
        // What a promise or a hypothesis says itself is not said twice.
        Conclusion::Inconclusive if says_why(report) => TestCaseStatus::success(),
        Conclusion::Inconclusive => error("inconclusive", &why),
        Conclusion::Deviated => failure("deviated", &why),
        Conclusion::Aborted => error("aborted", &why),
        Conclusion::NotSteady => error("not steady", &why),
        Conclusion::Refused => error("refused", &why),
        Conclusion::Interrupted => error("interrupted", &why),
        Conclusion::Failed => error("failed", &why),
        Conclusion::Left => error("left on the host", &why),
    }
}

/// Whether a promise or a hypothesis is inconclusive itself.
fn says_why(report: &Report) -> bool {
    let unclear = |slo: &SloResult| matches!(slo.judgement, Judgement::Inconclusive { .. });
    let unknown = |verdict: &Verdict| matches!(verdict, Verdict::Unknown { .. });
    report.slos.iter().any(unclear) || report.run.judged.iter().any(|j| unknown(&j.verdict))
}

fn of_slo(result: &SloResult) -> TestCaseStatus {
    match &result.judgement {
        Judgement::Pass => TestCaseStatus::success(),
        Judgement::Fail => {
            let promised = result.slo.say_threshold(result.threshold);
            failure(
                "violated",
                &format!("{} {}, promised {promised}", result.slo, result.say_value()),
            )
        }
        Judgement::Inconclusive { why, fix } => {
            error("inconclusive", &format!("{why}; to tell: {fix}"))
        }
        Judgement::NotApplicable { why } => skipped(why),
    }
}

fn case(name: &str, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(clean(name), status);
    case.set_classname("chaos");
    case
}

fn failure(kind: &str, why: &str) -> TestCaseStatus {
    non_success(NonSuccessKind::Failure, kind, why)
}

fn error(kind: &str, why: &str) -> TestCaseStatus {
    non_success(NonSuccessKind::Error, kind, why)
}

fn non_success(sort: NonSuccessKind, kind: &str, why: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(sort);
    status.set_type(kind).set_message(clean(why));
    status
}

fn skipped(why: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    status.set_message(clean(why));
    status
}

/// Without what XML cannot say at all, and what would turn around what is read.
fn clean(text: &str) -> String {
    let shown = |c: char| match c {
        '\n' | '\t' => Some(c),
        c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => None,
        c if steers(c) => Some('\u{fffd}'),
        c => Some(c),
    };
    text.chars().filter_map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_it_is_written() {
        assert_eq!(clean("a\u{0}\u{202e}b\n\u{ffff}"), "a\u{fffd}b\n");
    }
}
