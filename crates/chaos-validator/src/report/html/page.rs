//! The page around the sections, and the policy that keeps it to itself.

use super::{section::Section, words};
use crate::{
    judge::{Conclusion, SloResult, merge_lints},
    report::{Report, Summary, paint::steers},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use minijinja::{Environment, Error, value::Serde};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// What the template is filled with.
#[derive(Debug, Serialize)]
struct Page {
    title: String,
    policy: String,
    style: &'static str,
    script: &'static str,
    /// Only for several runs.
    overview: Option<Overview>,
    sections: Vec<Section>,
    version: &'static str,
}

#[derive(Debug, Serialize)]
struct Overview {
    verdict: Mark,
    headline: String,
    rows: Vec<Row>,
    lints: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Row {
    link: Option<String>,
    name: String,
    mark: Mark,
    why: String,
    cells: Vec<String>,
}

/// A sign, a word and a tone: never colour alone.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Mark {
    pub(super) sign: &'static str,
    pub(super) word: String,
    pub(super) tone: &'static str,
}

impl Mark {
    pub(super) fn of(conclusion: Conclusion) -> Self {
        Self {
            sign: conclusion.sign(),
            word: conclusion.to_string(),
            tone: match conclusion.sign() {
                "✓" => "good",
                "?" => "unsure",
                _ => "bad",
            },
        }
    }
}

pub(super) fn of_report(report: &Report) -> Result<String, Error> {
    let verdict = report.verdict.conclusion;
    let title = format!("{} {}: {verdict}", verdict.sign(), report.run.name);
    render(title, None, vec![Section::of(report, 1)])
}

pub(super) fn of_summary(summary: &Summary) -> Result<String, Error> {
    let reports = || summary.reports.iter().zip(1..);
    let sections = reports()
        .map(|(report, n)| Section::of(report, n))
        .collect();
    let held = summary
        .reports
        .iter()
        .filter(|r| r.verdict.is_held())
        .count();
    let all = summary.reports.len() + summary.refused.len() + summary.not_run.len();
    let headline = format!("{held} of {all} held");
    let mut rows: Vec<Row> = reports().map(|(report, n)| row(report, n)).collect();
    let not_begun = |name: &str, mark: Mark, why: &str| Row {
        link: None,
        name: name.to_owned(),
        mark,
        why: why.to_owned(),
        cells: vec!["–".to_owned(); 5],
    };
    for refused in &summary.refused {
        rows.push(not_begun(
            &refused.name,
            Mark::of(Conclusion::Refused),
            &refused.why,
        ));
    }
    let not_run = Mark {
        sign: "–",
        word: "NOT RUN".into(),
        tone: "none",
    };
    for name in &summary.not_run {
        rows.push(not_begun(
            name,
            not_run.clone(),
            "the runs were ended before",
        ));
    }
    let lints = summary.reports.iter().flat_map(|report| {
        let name = report.run.name.as_str();
        report.lints.iter().map(move |lint| (name, lint.as_str()))
    });
    let verdict = Mark::of(summary.conclusion());
    let title = format!("{} {headline}", verdict.sign);
    let lints = merge_lints(lints);
    render(
        title,
        Some(Overview {
            verdict,
            headline,
            rows,
            lints,
        }),
        sections,
    )
}

fn row(report: &Report, number: usize) -> Row {
    use crate::judge::Slo;
    let value = |slo| {
        let result = report.slos.iter().find(|r| r.slo == slo);
        result.map_or_else(|| "–".to_owned(), SloResult::say_value)
    };
    let p95 = report.metrics.degradation.as_ref();
    Row {
        link: Some(format!("s{number}")),
        name: report.run.name.clone(),
        mark: Mark::of(report.verdict.conclusion),
        why: report.verdict.why.clone(),
        cells: vec![
            value(Slo::ErrorRate),
            value(Slo::Availability),
            p95.map_or_else(
                || "–".to_owned(),
                |d| format!("{} → {}", words::timing(d.baseline), words::timing(d.fault)),
            ),
            value(Slo::Mttr),
            value(Slo::RecoveryTime),
        ],
    }
}

fn render(
    title: String,
    overview: Option<Overview>,
    sections: Vec<Section>,
) -> Result<String, Error> {
    let page = Page {
        title,
        policy: format!(
            "default-src 'none'; style-src '{}'; script-src '{}'; img-src data:; base-uri 'none'; form-action 'none'",
            hash(STYLE),
            hash(SCRIPT)
        ),
        style: STYLE,
        script: SCRIPT,
        overview,
        sections,
        version: env!("CARGO_PKG_VERSION"),
    };
    let mut environment = Environment::new();
    let mut syntax = environment.syntax().to_builder();
    let syntax = syntax.trim_blocks(true).lstrip_blocks(true).build()?;
    environment.set_syntax(syntax);
    // The name's ending is what makes it escape every text.
    environment.add_template("page.html", PAGE)?;
    let text = environment
        .get_template("page.html")?
        .render(Serde(&page))?;
    // The macros leave lines before the page, and some characters are none in HTML or turn around what is read.
    let allowed = |c: char| !steers(c) || c == '\n';
    let clean = |c| if allowed(c) { c } else { '\u{fffd}' };
    Ok(text.trim_start().chars().map(clean).collect())
}

/// The hash by which a policy knows a text.
fn hash(text: &str) -> String {
    format!(
        "sha256-{}",
        STANDARD.encode(Sha256::digest(text.as_bytes()))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the example of CSP Level 2, section 7.17.1.
    #[test]
    fn hashes_are_those_that_a_browser_computes() {
        let expected = "sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng=";
        assert_eq!(hash("alert('Hello, world.');"), expected);
    }
}
