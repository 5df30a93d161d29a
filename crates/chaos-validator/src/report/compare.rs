//! Whether one build is worse than another.

use super::{
    Measure, Paint, Report, Summary,
    width::{Grid, wrap},
};
use crate::{
    judge::{self, Conclusion, Judgement, SloResult},
    measure::{ErrorRate, PhaseMetrics, least_for_quantile},
};
use chaos_core::Outcome;
use serde::Serialize;

/// What has changed from one report to another.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Comparison {
    /// Every measure of every scenario that both have.
    pub changes: Vec<Change>,
    /// The scenarios that only one of them has.
    pub alone: Vec<String>,
    /// Which runs say nothing of what is compared, and why.
    pub doubts: Vec<String>,
}

/// The version of a comparison's JSON.
const COMPARISON_SCHEMA: u32 = 1;

/// What a comparison's JSON begins with.
#[derive(Serialize)]
struct Written<'a> {
    schema: u32,
    verdict: Trend,
    exit_code: u8,
    #[serde(flatten)]
    comparison: &'a Comparison,
}

/// By how much one measure of a scenario has changed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Change {
    /// The scenario.
    pub scenario: String,
    /// What was measured.
    pub measure: Measure,
    /// Before, and now; in seconds or as a share. None: it was not seen to end, or there was nothing to measure.
    pub before: Option<f64>,
    /// See [`before`](Self::before).
    pub now: Option<f64>,
    /// The 95 % interval of the difference.
    pub interval: Option<(f64, f64)>,
    /// What is to be made of it.
    pub trend: Trend,
    /// Why it is not compared, or cannot be told.
    pub note: Option<String>,
}

/// What has become of a measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Trend {
    /// There is too little to compare; the others decide.
    NotCompared,
    /// It is better, for sure.
    Better,
    /// It has not become worse by more than is tolerated.
    Same,
    /// It cannot be told: the interval has both in it.
    Unclear,
    /// It is worse by more than is tolerated, for sure.
    Worse,
}

/// How much worse is no worse: a share of the value before, and at least so much.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Tolerance {
    /// As a share of the value before.
    pub relative: f64,
}

impl Default for Tolerance {
    /// A tenth.
    fn default() -> Self {
        Self { relative: 0.1 }
    }
}

impl Tolerance {
    /// So much of the value before.
    pub const fn relative(share: f64) -> Self {
        Self { relative: share }
    }

    /// The least differences that mean anything: half a percent of requests or time, 5 ms, 0.2 s.
    fn of(self, measure: Measure, before: f64) -> f64 {
        let least = match measure {
            Measure::ErrorRate | Measure::Downtime => 0.005,
            Measure::LatencyP95 | Measure::LatencyP99 => 0.005,
            Measure::Mttr | Measure::Recovery => 0.2,
        };
        (before.abs() * self.relative).max(least)
    }
}

impl Comparison {
    /// Compares scenario by scenario, by their names.
    pub fn of(before: &Summary, now: &Summary, tolerance: Tolerance) -> Self {
        let find = |summary: &'_ Summary, name: &str| {
            let mut reports = summary.reports.iter();
            reports.find(|r| r.run.name == name).cloned()
        };
        let mut changes = Vec::new();
        let (mut alone, mut doubts) = (Vec::new(), Vec::new());
        for report in &now.reports {
            match find(before, &report.run.name) {
                Some(before) => {
                    let both = [("before", unfit(&before)), ("now", unfit(report))];
                    let unfit = both
                        .into_iter()
                        .filter_map(|(when, why)| Some((when, why?)));
                    let known = doubts.len();
                    doubts.extend(
                        unfit.map(|(when, why)| format!("{}, {when}: {why}", report.run.name)),
                    );
                    let fit = doubts.len() == known;
                    changes.extend(between(&before, report, tolerance, fit));
                }
                None => alone.push(report.run.name.clone()),
            }
        }
        let gone = before.reports.iter().map(|r| &r.run.name);
        alone.extend(gone.filter(|name| find(now, name).is_none()).cloned());
        Self {
            changes,
            alone,
            doubts,
        }
    }

    /// The worst that has become of anything; unclear when there is nothing to compare.
    pub fn trend(&self) -> Trend {
        let trends = self.changes.iter().map(|change| change.trend);
        let worst = trends.filter(|trend| *trend != Trend::NotCompared).max();
        match worst {
            // A scenario that is gone may have been the one that broke.
            Some(Trend::Better | Trend::Same) if !self.alone.is_empty() => Trend::Unclear,
            Some(worst) => worst,
            None => Trend::Unclear,
        }
    }

    /// The exit code of a command that shows it: 0 no worse, 1 worse, 3 cannot be told.
    pub fn exit_code(&self) -> u8 {
        match self.trend() {
            Trend::Better | Trend::Same => 0,
            Trend::Unclear | Trend::NotCompared => 3,
            Trend::Worse => 1,
        }
    }

    /// The comparison as JSON, indented: schema, verdict and exit code first.
    ///
    /// # Errors
    /// A number cannot be written as JSON.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(&Written {
            schema: COMPARISON_SCHEMA,
            verdict: self.trend(),
            exit_code: self.exit_code(),
            comparison: self,
        })
    }

    /// The comparison as a table.
    pub fn table(&self, paint: Paint, width: Option<usize>) -> String {
        let grid = Grid {
            header: [
                "scenario",
                "measure",
                "before",
                "now",
                "difference (95 %)",
                "",
            ],
            numbers: 2..5,
            rows: self.changes.iter().map(|c| c.row(c.trend())).collect(),
        };
        let (table, _) = grid.fit(width, &["difference (95 %)"]);
        let alone: String = self
            .alone
            .iter()
            .map(|name| {
                format!(
                    "  ? only in one of them: {}\n",
                    super::paint::printable(name)
                )
            })
            .collect();
        // A reason is longer than a table is wide.
        let unclear = self.changes.iter().filter_map(|change| {
            let why = change.why_unclear()?;
            Some(format!("{}, {}: {why}", change.scenario, change.measure))
        });
        let doubts = unclear.chain(self.doubts.iter().cloned()).map(|doubt| {
            let doubt = format!("  ? {}", super::paint::printable(&doubt).replace('\n', " "));
            format!("{}\n", wrap(&doubt, width))
        });
        let doubts: String = doubts.collect();
        paint.marks(format!(
            "{}\n\n{table}\n{doubts}{alone}",
            paint.bold(self.headline())
        ))
    }

    fn headline(&self) -> &'static str {
        match self.trend() {
            Trend::Better => "✓ it is better",
            Trend::Same => "✓ it is no worse",
            Trend::Unclear | Trend::NotCompared => "? whether it is worse cannot be told",
            Trend::Worse => "✗ it is WORSE",
        }
    }

    /// The comparison as Markdown, for a comment at a pull request.
    pub fn markdown(&self) -> String {
        let escape = super::markdown::escape;
        let mut text = format!("<!-- chaos-compare -->\n## Chaos: {}\n\n", self.headline());
        text += "| scenario | measure | before | now | difference (95 %) | |\n|---|---|--:|--:|--:|---|\n";
        for change in &self.changes {
            let why = change
                .why_unclear()
                .map_or_else(String::new, |why| format!(": {why}"));
            let row = change.row(change.trend() + &why);
            let row = row.map(|cell| escape(&cell));
            text += &format!("| {} |\n", row.join(" | "));
        }
        for doubt in &self.doubts {
            text += &format!("\nIt cannot be told by {}\n", escape(doubt));
        }
        for name in &self.alone {
            text += &format!("\nOnly in one of them: {}\n", escape(name));
        }
        text
    }
}

impl Change {
    /// What is to be made of it, in words.
    fn trend(&self) -> String {
        let trend = match self.trend {
            Trend::Better => "✓ better",
            Trend::Same => "✓ no worse",
            Trend::Unclear => "? cannot tell",
            Trend::Worse => "✗ WORSE",
            Trend::NotCompared => "–",
        };
        match &self.note {
            Some(note) if self.trend == Trend::NotCompared => format!("{trend} {note}"),
            _ => trend.to_owned(),
        }
    }

    fn why_unclear(&self) -> Option<&str> {
        let note = self.note.as_deref();
        note.filter(|_| self.trend == Trend::Unclear)
    }

    fn row(&self, trend: String) -> [String; 6] {
        let say =
            |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |v| self.measure.say(v));
        let interval = self.interval.map_or_else(
            || "–".to_owned(),
            |(low, high)| {
                let say = |value| self.measure.say_signed(value);
                format!("{} … {}", say(low), say(high))
            },
        );
        [
            super::paint::printable(&self.scenario).replace('\n', " "),
            self.measure.to_string(),
            say(self.before),
            say(self.now),
            interval,
            trend,
        ]
    }
}

/// A value and what it may be.
#[derive(Debug, Clone, Copy)]
struct Known {
    value: f64,
    lower: f64,
    upper: f64,
}

/// What a report knows of a measure.
type Look = fn(&Report) -> Option<Known>;

fn between(before: &Report, now: &Report, tolerance: Tolerance, fit: bool) -> Vec<Change> {
    let measures: [(Measure, Look); 6] = [
        (Measure::ErrorRate, error_rate),
        (Measure::Downtime, downtime),
        (Measure::LatencyP95, |report| shift(report, 0.95)),
        (Measure::LatencyP99, |report| shift(report, 0.99)),
        (Measure::Mttr, mttr),
        (Measure::Recovery, recovery),
    ];
    let changes = measures.into_iter().filter_map(|(measure, of)| {
        let (was, is) = (of(before), of(now));
        let few = measure.quantile().and_then(|q| too_few(before, now, q));
        // Neither had an outage, say.
        if was.or(is).is_none() && few.is_none() {
            return None;
        }
        let interval = was.zip(is).map(|(was, is)| difference(was, is));
        let tolerated = tolerance.of(measure, was.map_or(0.0, |k| k.value));
        let trend = match interval.filter(|_| fit) {
            _ if was.or(is).is_none() => Trend::NotCompared,
            None => Trend::Unclear,
            Some(interval) => trend(interval, tolerated),
        };
        // Of runs that are not fit it is said why.
        let unclear = fit && trend == Trend::Unclear;
        let why = unclear.then(|| measure.why_unclear(interval, tolerated));
        Some(Change {
            scenario: now.run.name.clone(),
            measure,
            before: was.map(|k| k.value),
            now: is.map(|k| k.value),
            interval,
            trend,
            note: few.or(why),
        })
    });
    changes.collect()
}

/// That one of them has too few requests for a quantile.
fn too_few(before: &Report, now: &Report, quantile: f64) -> Option<String> {
    let needed = least_for_quantile(quantile);
    let seen = [before, now].into_iter();
    let seen = seen.filter_map(|report| report.metrics.degradation.as_ref());
    let fewest = seen.map(|seen| seen.n_baseline.min(seen.n_fault)).min()?;
    (fewest < needed).then(|| format!("too few requests: {fewest} of {needed}"))
}

/// Why a run says nothing of what it compares: it did not go as it was meant, its fault did nothing, or its instrument cannot be
/// trusted.
fn unfit(report: &Report) -> Option<String> {
    let ended = matches!(
        report.verdict.conclusion,
        Conclusion::Held | Conclusion::Inconclusive | Conclusion::Deviated | Conclusion::Violated
    );
    let unclear = |slo: &SloResult| matches!(slo.judgement, Judgement::Inconclusive { .. });
    let blind = !report.slos.is_empty() && report.slos.iter().all(unclear);
    if !ended || blind || matches!(report.run.outcome, Outcome::Inconclusive { .. }) {
        return Some(report.verdict.to_string());
    }
    judge::doubts(&report.run).into_iter().next()
}

/// The interval of a difference from those of both (Newcombe, "Interval estimation for the difference between independent
/// proportions", Statistics in Medicine 17, 1998, method 10).
fn difference(was: Known, is: Known) -> (f64, f64) {
    let d = is.value - was.value;
    let low = ((is.value - is.lower).powi(2) + (was.upper - was.value).powi(2)).sqrt();
    let high = ((is.upper - is.value).powi(2) + (was.value - was.lower).powi(2)).sqrt();
    (d - low, d + high)
}

fn trend((low, high): (f64, f64), tolerated: f64) -> Trend {
    if !low.is_finite() || !high.is_finite() {
        Trend::Unclear
    } else if low > tolerated {
        Trend::Worse
    } else if high < -tolerated {
        Trend::Better
    } else if high <= tolerated {
        Trend::Same
    } else {
        Trend::Unclear
    }
}

fn error_rate(report: &Report) -> Option<Known> {
    let rate: &ErrorRate = report.metrics.judged.as_ref()?.error_rate.as_ref()?;
    Some(Known {
        value: rate.share,
        lower: rate.interval.0,
        upper: rate.interval.1,
    })
}

fn downtime(report: &Report) -> Option<Known> {
    let judged: &PhaseMetrics = report.metrics.judged.as_ref()?;
    let up = judged.availability.as_ref()?;
    Some(Known {
        value: 1.0 - up.time,
        lower: 1.0 - up.bounds.1,
        upper: 1.0 - up.bounds.0,
    })
}

/// By how much a quantile is higher with the fault; compared as that, so that two machines can be.
fn shift(report: &Report, quantile: f64) -> Option<Known> {
    let metrics = &report.metrics;
    let seen = metrics.degradation.as_ref()?;
    // Of a quantile that too few requests are beyond there is nothing to compare.
    if seen.n_baseline.min(seen.n_fault) < least_for_quantile(quantile) {
        return None;
    }
    let shift = metrics.shifts.iter().find(|s| s.quantile == quantile)?;
    // One that was given up has no end.
    let upper = shift.fault.exact().and(shift.interval.1);
    Some(Known {
        value: shift.seconds,
        lower: shift.interval.0.unwrap_or(f64::NEG_INFINITY),
        upper: upper.unwrap_or(f64::INFINITY),
    })
}

fn mttr(report: &Report) -> Option<Known> {
    report.metrics.judged.as_ref()?.error_rate.as_ref()?;
    let Some(repair) = &report.metrics.mttr else {
        // Nothing had to be repaired.
        return Some(Known {
            value: 0.0,
            lower: 0.0,
            upper: 0.0,
        });
    };
    Some(Known {
        value: repair.judged.lower().as_secs_f64(),
        lower: repair.lower.as_secs_f64(),
        upper: repair
            .upper
            .map_or(f64::INFINITY, |upper| upper.as_secs_f64()),
    })
}

fn recovery(report: &Report) -> Option<Known> {
    let time = report.metrics.recovery_time?;
    let value = time.lower().as_secs_f64();
    Some(Known {
        value,
        lower: value,
        upper: time.exact().map_or(f64::INFINITY, |t| t.as_secs_f64()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::coverage::{error_rate, percent};

    #[test]
    fn the_interval_of_a_difference_of_error_rates_holds_the_truth() {
        for burst in [1.0, 10.0] {
            let held = percent(|random| {
                let mut known = || {
                    let rate = error_rate(random, burst);
                    let (lower, upper) = rate.interval;
                    Known {
                        value: rate.share,
                        lower,
                        upper,
                    }
                };
                // Both fail alike.
                let (lower, upper) = difference(known(), known());
                lower <= 0.0 && upper >= 0.0
            });
            assert!(held >= 92, "{burst} failures in a row: {held}");
        }
    }
}
