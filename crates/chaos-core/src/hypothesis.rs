//! Deciding from samples.

use crate::{Mode, Samples, Tolerance, Value};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The parts of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Phase {
    /// Before the fault: what is normal.
    Baseline,
    /// While the fault is in place.
    Fault,
    /// After the fault, until steady again.
    Recovery,
}

impl Phase {
    /// All of them, in order.
    pub const ALL: [Self; 3] = [Self::Baseline, Self::Fault, Self::Recovery];
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Baseline => "baseline",
            Self::Fault => "fault",
            Self::Recovery => "recovery",
        })
    }
}

/// What was decided. Not an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "verdict")]
#[non_exhaustive]
pub enum Verdict {
    /// As expected.
    Held,
    /// Not as expected.
    Deviated {
        /// What was seen and what was expected.
        why: String,
    },
    /// It cannot be told.
    Unknown {
        /// Why not, and what would help.
        why: String,
    },
}

impl Verdict {
    /// Not as expected.
    pub fn deviated(why: impl Into<String>) -> Self {
        Self::Deviated { why: why.into() }
    }

    /// It cannot be told.
    pub fn unknown(why: impl Into<String>) -> Self {
        Self::Unknown { why: why.into() }
    }

    /// Whether it is as expected.
    pub fn is_held(&self) -> bool {
        matches!(self, Self::Held)
    }

    /// Why it is not as expected, or cannot be told.
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Held => None,
            Self::Deviated { why } | Self::Unknown { why } => Some(why),
        }
    }

    /// The worse of two: deviated, unknown, held.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let rank = |v: &Self| match v {
            Self::Held => 0,
            Self::Unknown { .. } => 1,
            Self::Deviated { .. } => 2,
        };
        if rank(&other) > rank(&self) {
            other
        } else {
            self
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held => f.write_str("held"),
            Self::Deviated { why } => write!(f, "deviated: {why}"),
            Self::Unknown { why } => write!(f, "cannot be told: {why}"),
        }
    }
}

/// Decides from samples. Pure: the same samples give the same verdict, so a run can be judged again.
pub trait Hypothesis: fmt::Debug + Send + Sync + 'static {
    /// What is claimed, in words: `health is 200`.
    fn name(&self) -> &str;

    /// Judges the samples of one phase. In the recovery these are the samples of the last second, again and
    /// again until it holds.
    fn judge(&self, phase: Phase, samples: &Samples) -> Verdict;
}

/// Every sample of one probe is within a tolerance.
#[derive(Debug, Clone)]
pub struct Steady {
    name: String,
    probe: String,
    tolerance: Tolerance,
    mode: Mode,
}

impl Steady {
    /// `probe` is `tolerance`, before the fault and again after it. What happens in between is not judged
    /// unless the [`mode`](Self::mode) says so.
    pub fn new(probe: impl Into<String>, tolerance: Tolerance) -> Self {
        let probe = probe.into();
        Self {
            name: format!("{probe} is {tolerance}"),
            probe,
            tolerance,
            mode: Mode::Edge,
        }
    }

    /// Judges the phases of this mode. Default: [`Mode::Edge`].
    #[must_use]
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Judges the fault phase, too: [`Mode::Continuous`].
    #[must_use]
    pub fn also_during_the_fault(self) -> Self {
        self.mode(Mode::Continuous)
    }
}

impl Hypothesis for Steady {
    fn name(&self) -> &str {
        &self.name
    }

    fn judge(&self, phase: Phase, samples: &Samples) -> Verdict {
        if !self.mode.judges(phase) {
            return Verdict::Held;
        }
        let samples = samples.of(&self.probe);
        if samples.is_empty() {
            return Verdict::unknown(format!("no sample of `{}`", self.probe));
        }
        let mut bad = samples.iter().filter(|s| !self.tolerance.accepts(&s.value));
        match bad.next() {
            None => Verdict::Held,
            Some(first) => {
                let hint = match (&self.tolerance, &first.value) {
                    (Tolerance::Good, Value::Text(_)) => ", a text: say which one is expected",
                    _ => "",
                };
                Verdict::deviated(format!(
                    "{} of {} samples of `{}` were not {}; the first, at {:.1?}, was {}{hint}",
                    bad.count() + 1,
                    samples.len(),
                    self.probe,
                    self.tolerance,
                    first.at,
                    first.value
                ))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Sample;
    use std::time::Duration;

    fn samples(values: &[Value]) -> Samples {
        let mut samples = Samples::new();
        for (i, value) in values.iter().enumerate() {
            samples.push(
                "health",
                Sample::new(Duration::from_secs(i as u64), Duration::ZERO, value.clone()),
            );
        }
        samples
    }

    #[test]
    fn no_sample_is_not_a_pass() {
        let steady = Steady::new("health", Tolerance::Is(Value::Flag(true)));
        assert!(matches!(
            steady.judge(Phase::Baseline, &Samples::new()),
            Verdict::Unknown { .. }
        ));
    }

    #[test]
    fn a_missing_value_is_never_tolerated() {
        let missing = Value::Missing("refused".into());
        let steady = Steady::new(
            "health",
            Tolerance::OneOf(vec![missing.clone(), Value::Flag(true)]),
        );
        let verdict = steady.judge(Phase::Baseline, &samples(&[Value::Flag(true), missing]));
        assert!(
            verdict.why().is_some_and(|why| why.contains("1 of 2")),
            "{verdict}"
        );
    }

    #[test]
    fn the_worse_verdict_wins() {
        let worst = Verdict::Held
            .and(Verdict::deviated("x"))
            .and(Verdict::unknown("y"));
        assert_eq!(worst, Verdict::deviated("x"));
    }
}
