//! Several runs in one table.

use super::{
    Report,
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
}

impl Summary {
    /// A summary of these.
    pub fn new(reports: impl IntoIterator<Item = Report>) -> Self {
        Self {
            reports: reports.into_iter().collect(),
        }
    }

    /// The worst conclusion; inconclusive without a report.
    pub fn conclusion(&self) -> Conclusion {
        self.reports
            .iter()
            .map(|r| r.verdict.conclusion)
            .max()
            .unwrap_or(Conclusion::Inconclusive)
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
        let held = self.reports.iter().filter(|r| r.verdict.is_held()).count();
        let headline = format!(
            "{} {held} of {} held",
            self.conclusion().sign(),
            self.reports.len()
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
        safe(&report.run.name).replace('\n', " "),
        value(Slo::ErrorRate),
        value(Slo::Availability),
        p95,
        value(Slo::Mttr),
        value(Slo::RecoveryTime),
    ]
}
