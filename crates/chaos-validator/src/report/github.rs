//! The reports as annotations of a GitHub workflow: commands that a step prints.

use super::{Summary, paint::steers};
use crate::judge::{Conclusion, Judgement};

/// GitHub shows ten of each sort in a step.
const MOST: usize = 10;

pub(super) fn render(summary: &Summary) -> String {
    let mut errors = Vec::new();
    let mut warnings = Vec::new();
    let mut worst: Vec<&super::Report> = summary.reports.iter().collect();
    worst.sort_by_key(|report| std::cmp::Reverse(report.verdict.conclusion));
    for report in worst {
        let (name, verdict) = (&report.run.name, &report.verdict);
        match verdict.conclusion {
            Conclusion::Held => {}
            Conclusion::Inconclusive => warnings.push((name, verdict.to_string())),
            _ => errors.push((name, verdict.to_string())),
        }
        for result in &report.slos {
            if let Judgement::Inconclusive { why, fix } = &result.judgement {
                warnings.push((name, format!("{}: {why}; to tell: {fix}", result.slo)));
            }
        }
        let notes = report.warnings.iter().chain(&report.lints);
        warnings.extend(notes.map(|warning| (name, warning.clone())));
    }
    for refused in &summary.refused {
        errors.push((&refused.name, format!("refused: {}", refused.why)));
    }
    let command = |sort: &str, found: Vec<(&String, String)>| -> String {
        let left = found.len().saturating_sub(MOST);
        let shown = found
            .into_iter()
            .take(if left > 0 { MOST - 1 } else { MOST });
        let mut lines: String = shown
            .map(|(name, text)| format!("::{sort} title={}::{}\n", property(name), data(&text)))
            .collect();
        if left > 0 {
            lines += &format!("::{sort} title=chaos::{} more\n", left + 1);
        }
        lines
    };
    let mut text = command("error", errors) + &command("warning", warnings);
    if summary.conclusion() == Conclusion::Held {
        let held = summary.reports.len();
        text += &format!("::notice title=chaos::{held} of {held} scenarios held\n");
    }
    text
}

/// The message of a command: what would end it is encoded, as the runner decodes it.
fn data(text: &str) -> String {
    let shown = |c| match c {
        '\n' | '\r' => c,
        c if steers(c) => '\u{fffd}',
        c => c,
    };
    let text: String = text.chars().map(shown).collect();
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// A property of a command, in which two more signs mean something.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_be_a_command() {
        assert_eq!(data("100 %\n::error::x"), "100 %25%0A::error::x");
        assert_eq!(property("a:b,c\r"), "a%3Ab%2Cc%0D");
        assert_eq!(data("a\u{202e}b\u{1b}c"), "a\u{fffd}b\u{fffd}c");
    }
}
