//! Several runs in one table.

use super::{
    Report, ReportError, Schema,
    paint::{Paint, printable},
    width::{Grid, shorten, wrap},
};
use crate::judge::{Conclusion, Slo, SloResult, merge_lints};
use serde::{Deserialize, Serialize};

/// Several runs, one line each.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Summary {
    /// The reports, in the order of their runs.
    pub reports: Vec<Report>,
    /// What was refused before anything of it was touched.
    #[serde(default)]
    pub refused: Vec<RefusedScenario>,
    /// What was not begun, because the runs were ended before.
    #[serde(default)]
    pub not_run: Vec<String>,
}

/// A scenario that was refused before anything of it was touched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RefusedScenario {
    /// Its name.
    pub name: String,
    /// Why.
    pub why: String,
}

/// What a summary's JSON begins with.
#[derive(Serialize)]
struct Written<'a> {
    schema: Schema,
    conclusion: Conclusion,
    exit_code: u8,
    #[serde(flatten)]
    summary: &'a Summary,
}

impl Summary {
    /// A summary of these.
    pub fn new(reports: impl IntoIterator<Item = Report>) -> Self {
        Self {
            reports: reports.into_iter().collect(),
            ..Self::default()
        }
    }

    /// Adds a scenario that was refused.
    pub fn refuse(&mut self, name: impl Into<String>, why: impl Into<String>) {
        self.refused.push(RefusedScenario {
            name: name.into(),
            why: why.into(),
        });
    }

    /// The summary as JSON, indented: schema, conclusion and exit code first.
    ///
    /// # Errors
    /// A number of a run's samples cannot be written as JSON.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(&Written {
            schema: Schema::current(),
            conclusion: self.conclusion(),
            exit_code: self.exit_code(),
            summary: self,
        })
    }

    /// Reads what [`to_json`](Self::to_json) or [`Report::to_json`] has written.
    ///
    /// # Errors
    /// The text is cut off, is no report, or has another schema.
    pub fn from_json(text: &str) -> Result<Self, ReportError> {
        // Two forms, told apart by what only one of them has: an error is then about the right one.
        match ReportError::check_schema(text)?.contains_key("reports") {
            true => serde_json::from_str(text).map_err(ReportError),
            false => Ok(Self::new([Report::from_json(text)?])),
        }
    }

    /// The worst conclusion; inconclusive when nothing was run.
    pub fn conclusion(&self) -> Conclusion {
        let refused = self.refused.iter().map(|_| Conclusion::Refused);
        let run = self.reports.iter().map(|r| r.verdict.conclusion);
        run.chain(refused).max().unwrap_or(Conclusion::Inconclusive)
    }

    /// The exit code of the worst conclusion.
    pub fn exit_code(&self) -> u8 {
        self.conclusion().exit_code()
    }

    /// One line per run: the verdict and the numbers that people ask for.
    pub fn table(&self, paint: Paint) -> String {
        self.table_in(paint, None)
    }

    /// The same in so many columns; see [`terminal_width`](crate::terminal_width).
    pub fn table_in(&self, paint: Paint, width: Option<usize>) -> String {
        let mut remarks: Vec<String> = Vec::new();
        let mut rows = Vec::new();
        let name = |name: &str| shorten(&line(name), width.map_or(usize::MAX, |width| width / 3));
        for report in &self.reports {
            rows.push(row(report, name(&report.run.name)));
            if !report.verdict.is_held() {
                remarks.push(format!("{}: {}", report.run.name, report.verdict));
            }
        }
        for refused in &self.refused {
            let mut row = ["–"; 7].map(str::to_owned);
            row[0] = Conclusion::Refused.sign().to_owned();
            row[1] = name(&refused.name);
            rows.push(row);
            remarks.push(format!("{}: REFUSED: {}", refused.name, refused.why));
        }
        for unmet in &self.not_run {
            rows.push(["", &name(unmet), "not run", "", "", "", ""].map(str::to_owned));
        }
        let grid = Grid {
            header: [
                "",
                "scenario",
                "errors",
                "up",
                "p95 before → with",
                "MTTR",
                "recovery",
            ],
            numbers: 2..7,
            rows,
        };
        let (table, _) = grid.fit(width, &["p95 before → with", "recovery", "up", "MTTR"]);
        remarks.extend(self.warnings());
        let remarks: Vec<String> = remarks
            .iter()
            .map(|remark| wrap(&format!("  {}", printable(remark)), width) + "\n")
            .collect();
        let held = self.reports.iter().filter(|r| r.verdict.is_held()).count();
        let headline = format!(
            "{} {held} of {} held",
            self.conclusion().sign(),
            self.reports.len() + self.refused.len() + self.not_run.len()
        );
        paint.marks(format!(
            "{}\n\n{table}\n{}",
            paint.bold(&headline),
            remarks.concat()
        ))
    }

    /// What a reader should know of the promises, each once for all runs that it holds for.
    fn warnings(&self) -> Vec<String> {
        let lints = self.reports.iter().flat_map(|report| {
            let name = report.run.name.as_str();
            report.lints.iter().map(move |lint| (name, lint.as_str()))
        });
        let merged = merge_lints(lints).into_iter();
        merged.map(|lint| format!("! {lint}")).collect()
    }
}

fn row(report: &Report, name: String) -> [String; 7] {
    let result = |slo| report.slos.iter().find(|r| r.slo == slo);
    let value = |slo| result(slo).map_or_else(|| "–".to_owned(), SloResult::say_value);
    let p95 = report.metrics.degradation.as_ref().map_or_else(
        || "–".to_owned(),
        |d| format!("{} → {}", d.baseline, d.fault),
    );
    [
        report.verdict.conclusion.sign().to_owned(),
        name,
        value(Slo::ErrorRate),
        value(Slo::Availability),
        p95,
        value(Slo::Mttr),
        value(Slo::RecoveryTime),
    ]
}

/// A name on one line.
fn line(name: &str) -> String {
    printable(name).replace('\n', " ")
}
