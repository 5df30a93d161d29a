//! The reports as Markdown, for a comment at a pull request.

use super::{Report, Summary, acted, books, paint::steers, resources, table::mark};
use crate::judge::{Conclusion, Judgement, SloResult};

/// By which a tool finds its own comment again, to write it anew and not another.
const STICKY: &str = "<!-- chaos-report -->";

/// GitHub takes comments of up to 65,536 characters.
const MOST: usize = 60_000;

pub(super) fn render(summary: &Summary) -> String {
    let mut text = format!(
        "{STICKY}\n## {} Chaos: {}\n",
        sign(summary.conclusion()),
        headline(summary)
    );
    if summary.reports.len() + summary.refused.len() > 1 {
        text += "\n| | scenario | verdict |\n|---|---|---|\n";
        for report in &summary.reports {
            let verdict = &report.verdict;
            text += &format!(
                "| {} | {} | {} |\n",
                sign(verdict.conclusion),
                escape(&report.run.name),
                escape(&verdict.to_string())
            );
        }
        for refused in &summary.refused {
            text += &format!(
                "| ✗ | {} | REFUSED: {} |\n",
                escape(&refused.name),
                escape(&refused.why)
            );
        }
    }
    for unmet in &summary.not_run {
        text += &format!("\nNot run: {}\n", escape(unmet));
    }
    let mut left_out = 0;
    for report in &summary.reports {
        let section = section(report);
        if text.len() + section.len() > MOST {
            left_out += 1;
        } else {
            text += &section;
        }
    }
    if left_out > 0 {
        text += &format!("\n_{left_out} more did not fit; they are in the JSON._\n");
    }
    text
}

fn headline(summary: &Summary) -> String {
    match summary.reports.as_slice() {
        [report] if summary.refused.is_empty() => {
            format!(
                "{}: {}",
                escape(&report.run.name),
                escape(&report.verdict.to_string())
            )
        }
        reports => {
            let held = reports.iter().filter(|r| r.verdict.is_held()).count();
            let all = reports.len() + summary.refused.len() + summary.not_run.len();
            format!("{held} of {all} scenarios held")
        }
    }
}

fn section(report: &Report) -> String {
    let mut text = format!(
        "\n### {} {}\n",
        sign(report.verdict.conclusion),
        escape(&report.run.name)
    );
    if !report.verdict.is_held() {
        text += &format!("\n**{}**\n", escape(&report.verdict.to_string()));
    }
    if !report.slos.is_empty() {
        text += "\n| SLO | measured | promised | |\n|---|--:|--:|---|\n";
        text.extend(report.slos.iter().map(row));
    }
    text += &used(report);
    for result in &report.slos {
        if let Judgement::Inconclusive { why, fix } = &result.judgement {
            text += &format!(
                "\n- {} cannot be told: {}. To tell: {}",
                result.slo,
                escape(why),
                escape(fix)
            );
        }
    }
    let judged = report.metrics.judged.iter();
    let failures: Vec<String> = judged
        .flat_map(|phase| &phase.classes)
        .filter(|(class, _)| class.is_bad())
        .map(|(class, n)| format!("{n} {class}"))
        .collect();
    if !failures.is_empty() {
        text += &format!("\n- What failed: {}", failures.join(", "));
    }
    if let Some(acted) = acted::all(&report.run) {
        text += &format!("\n- Faults: {}", escape(&acted));
    }
    if let Some(lost) = books::losses(report) {
        text += &format!("\n- What was lost: {}", escape(&lost));
    }
    if let Some(books) = books::balance(report) {
        text += &format!("\n- Requests: {}", escape(&books));
    }
    for absence in resources::absences(report) {
        text += &format!("\n- {}", escape(&absence));
    }
    for warning in report.warnings.iter().chain(&report.lints) {
        text += &format!("\n- ⚠ {}", escape(warning));
    }
    let advice = report.advice();
    if !advice.is_empty() {
        text += "\n\n**What would help**\n";
    }
    for advice in &advice {
        text += &format!(
            "\n- **{}**: {} ({})",
            advice.slo,
            escape(&advice.what),
            escape(&advice.because)
        );
    }
    let command = report.reproduce();
    text += &format!(
        "\n\n<sub>To see it again: <code>{}</code></sub>\n",
        escape(&command)
    );
    if let Some(machine) = &report.machine {
        text += &format!(
            "\n<sub>Measured on {}</sub>\n",
            escape(&machine.to_string())
        );
    }
    text
}

/// What the targets used: before the fault, with it, after it.
fn used(report: &Report) -> String {
    let row = |site| {
        let [name, numbers @ ..] = resources::row(site);
        format!("| {} | {} |\n", escape(&name), numbers.join(" | "))
    };
    let rows: String = resources::known(report).map(row).collect();
    match rows.as_str() {
        "" => rows,
        _ => format!(
            "\n| {} |\n|---|--:|--:|--:|--:|\n{rows}",
            resources::HEADER.join(" | ")
        ),
    }
}

fn row(result: &SloResult) -> String {
    format!(
        "| {} | {} | {} | {} |\n",
        result.slo,
        result.say_value(),
        result.slo.say_threshold(result.threshold),
        mark(result)
    )
}

fn sign(conclusion: Conclusion) -> &'static str {
    match conclusion {
        Conclusion::Held => "✅",
        Conclusion::Inconclusive | Conclusion::Interrupted => "❔",
        _ => "❌",
    }
}

/// A text of somebody else's as text: neither a tag, nor a link, a mention, a table's edge or emphasis.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            // A mention would call people, and an issue's number would link to it; an entity is decoded before they are
            // looked for.
            '@' | '#' => {
                escaped.push(c);
                escaped.push('\u{200b}');
            }
            ':' => escaped += "&#58;",
            '\n' | '\r' | '\t' => escaped.push(' '),
            c if steers(c) => {}
            '\\' | '`' | '*' | '_' | '[' | ']' | '(' | ')' | '!' | '|' | '~' | '$' => {
                escaped.push('\\');
                escaped.push(c);
            }
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_else_wrote_stays_text() {
        let nasty = "<img src=x> | @team [x](http://y) `a` **b** #1\nnext";
        assert_eq!(
            escape(nasty),
            "&lt;img src=x&gt; \\| @\u{200b}team \\[x\\]\\(http&#58;//y\\) \\`a\\` \\*\\*b\\*\\* #\u{200b}1 next"
        );
    }
}
