//! Several runs in one table.

use super::{
    Report, Schema,
    paint::{Paint, safe},
    table,
};
use crate::judge::{Conclusion, Slo, SloResult};
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
        let header = [
            "",
            "scenario",
            "errors",
            "up",
            "p95 before → with",
            "MTTR",
            "recovery",
        ];
        let mut table = table::table(&header, 2..7);
        let mut remarks = String::new();
        for report in &self.reports {
            table.add_row(row(report));
            if !report.verdict.is_held() {
                remarks += &format!("  {}: {}\n", report.run.name, report.verdict);
            }
        }
        for refused in &self.refused {
            let mut row = vec![Conclusion::Refused.sign().to_owned(), line(&refused.name)];
            row.extend(["–"; 5].map(str::to_owned));
            table.add_row(row);
            remarks += &format!("  {}: REFUSED: {}\n", refused.name, refused.why);
        }
        for name in &self.not_run {
            table.add_row(["", line(name).as_str(), "not run", "", "", "", ""]);
        }
        let held = self.reports.iter().filter(|r| r.verdict.is_held()).count();
        let headline = format!(
            "{} {held} of {} held",
            self.conclusion().sign(),
            self.reports.len() + self.refused.len() + self.not_run.len()
        );
        paint.marks(format!(
            "{}\n\n{}\n{}",
            paint.bold(&headline),
            table::lines(&table),
            safe(&remarks)
        ))
    }
}

fn row(report: &Report) -> Vec<String> {
    let result = |slo| report.slos.iter().find(|r| r.slo == slo);
    let value = |slo| result(slo).map_or_else(|| "–".to_owned(), SloResult::say_value);
    let p95 = report.metrics.degradation.as_ref().map_or_else(
        || "–".to_owned(),
        |d| format!("{} → {}", d.baseline, d.fault),
    );
    vec![
        report.verdict.conclusion.sign().to_owned(),
        line(&report.run.name),
        value(Slo::ErrorRate),
        value(Slo::Availability),
        p95,
        value(Slo::Mttr),
        value(Slo::RecoveryTime),
    ]
}

/// A name on one line.
fn line(name: &str) -> String {
    safe(name).replace('\n', " ")
}
