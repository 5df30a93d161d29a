//! The report of one run.

use super::{Machine, json::Schema, table};
use crate::{
    judge::{self, Overall, SloResult, Slos},
    load::Recording,
    measure::{Metrics, Timeline},
    report::{Paint, Short},
    resource::{ResourceWatch, Resources},
};
use chaos_core::{Run, seconds};
use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};

/// What the load was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LoadFacts {
    /// In words.
    pub description: String,
    /// Planned requests per second.
    pub rate: f64,
    /// After what time a request was given up.
    #[serde(with = "seconds")]
    pub timeout: Duration,
}

/// What a run has shown: its facts, the numbers, and the verdict on each promise.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[must_use = "a report that nobody looks at holds nothing: `assert_held()`, or its `verdict`"]
#[non_exhaustive]
pub struct Report {
    /// The version of the JSON.
    pub schema: Schema,
    /// The verdict.
    pub verdict: Overall,
    /// What happened.
    pub run: Run,
    /// What the load was.
    pub load: LoadFacts,
    /// The numbers.
    pub metrics: Metrics,
    /// What was promised.
    pub targets: Slos,
    /// The verdict on each promise.
    pub slos: Vec<SloResult>,
    /// The command that runs it again, if it came from one.
    #[serde(default)]
    pub command: Option<String>,
    /// Where it was measured; none of a report that was made from a recording alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<Machine>,
    /// What a reader should know.
    pub warnings: Vec<String>,
    /// What the promises cannot mean in this run, and what to change.
    #[serde(default)]
    pub lints: Vec<String>,
    /// The run slice by slice.
    #[serde(default)]
    pub timeline: Timeline,
    /// What the targets used; none when nobody was watched.
    #[serde(default, skip_serializing_if = "Resources::is_empty")]
    pub resources: Resources,
}

impl Report {
    /// Measures and judges a run by what its load saw.
    pub fn new(run: Run, recording: &Recording, slos: &Slos) -> Self {
        let metrics = Metrics::of(&run, recording);
        let results = judge::judge(&metrics, recording, slos);
        let doubts = judge::doubts(&run);
        let verdict = Overall::of(&run, &results, &doubts);
        let mut warnings = run.warnings.clone();
        warnings.extend(doubts);
        let lints = judge::lint(
            slos,
            &metrics.windows,
            recording,
            !metrics.outages.is_empty(),
        );
        warnings.extend(began_before(&metrics));
        let timeline = Timeline::of(&run, recording, &metrics.windows);
        Self {
            schema: Schema::current(),
            verdict,
            run,
            load: LoadFacts {
                description: recording.description().to_owned(),
                rate: recording.rate(),
                timeout: recording.timeout(),
            },
            metrics,
            targets: *slos,
            slos: results,
            command: None,
            machine: None,
            warnings,
            lints,
            timeline,
            resources: Resources::default(),
        }
    }

    /// Adds what a [`ResourceWatch`] has seen in the run.
    pub fn with_resources(mut self, watch: &ResourceWatch) -> Self {
        let seen = watch.resources(&self.metrics.windows);
        self.resources.sites.extend(seen.sites);
        self
    }

    /// Says where it was measured.
    pub fn measured_at(mut self, machine: Machine) -> Self {
        self.machine = Some(machine);
        self
    }

    /// How to run it again: the command that it came from, or what a test needs.
    pub fn reproduce(&self) -> String {
        match &self.command {
            Some(command) => command.clone(),
            None => format!("Experiment::seed({})", self.run.seed),
        }
    }

    /// The verdict.
    pub fn verdict(&self) -> &Overall {
        &self.verdict
    }

    /// The exit code of a command that shows this report: 0 held; 1 violated or deviated; 3 inconclusive;
    /// 4 not steady or aborted; 5 something is left on the host; 70 failed; 130 interrupted.
    pub fn exit_code(&self) -> u8 {
        self.verdict.exit_code()
    }

    /// The report as a table.
    pub fn table(&self, paint: Paint) -> String {
        self.table_in(paint, None)
    }

    /// The report as a table in so many columns; see [`terminal_width`](crate::terminal_width).
    pub fn table_in(&self, paint: Paint, width: Option<usize>) -> String {
        table::render(self, paint, width)
    }

    /// Ends a test whose experiment did not hold.
    ///
    /// # Panics
    /// With the table as the message, when the verdict is not [`Held`](crate::Conclusion::Held).
    #[track_caller]
    pub fn assert_held(&self) {
        assert!(
            self.verdict.is_held(),
            "the experiment did not hold\n\n{}",
            self.table(Paint::Plain)
        );
    }
}

/// The table, without colour.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.table(Paint::Plain))
    }
}

/// An outage that was there before the fault is not the fault's.
fn began_before(metrics: &Metrics) -> Option<String> {
    let start = metrics.windows.judged?.start;
    let before = start.checked_sub(metrics.outages.first()?.failed)?;
    (before > metrics.instrument.shortest_outage)
        .then(|| format!("the first outage began {} before the fault", Short(before)))
}
