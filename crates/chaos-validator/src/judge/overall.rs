//! One verdict from all.

use super::{Judgement, SloResult};
use chaos_core::{Outcome, Run};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a run has shown, from the best to the worst for those who act on an exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Conclusion {
    /// Every promise was kept, every hypothesis held.
    Held,
    /// It cannot be told.
    Inconclusive,
    /// A hypothesis did not hold.
    Deviated,
    /// A promise was not kept.
    Violated,
    /// A stop condition or an observer ended it.
    Aborted,
    /// Things were not normal before the fault; nothing was injected.
    NotSteady,
    /// It was refused before anything was touched.
    Refused,
    /// Somebody ended it.
    Interrupted,
    /// The engine could not do what it should; nothing is left on the host.
    Failed,
    /// Something is left on the host.
    Left,
}

impl Conclusion {
    /// The exit code of a command that shows it.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Held => 0,
            Self::Violated | Self::Deviated => 1,
            Self::Inconclusive => 3,
            Self::NotSteady | Self::Refused | Self::Aborted => 4,
            Self::Left => 5,
            Self::Failed => 70,
            Self::Interrupted => 130,
        }
    }

    /// One sign for a table.
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Held => "✓",
            Self::Inconclusive | Self::Interrupted => "?",
            _ => "✗",
        }
    }
}

impl fmt::Display for Conclusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Held => "HELD",
            Self::Inconclusive => "INCONCLUSIVE",
            Self::Deviated => "DEVIATED",
            Self::Violated => "FAIL",
            Self::Aborted => "ABORTED",
            Self::NotSteady => "NOT STEADY",
            Self::Refused => "REFUSED",
            Self::Interrupted => "INTERRUPTED",
            Self::Failed => "FAILED",
            Self::Left => "LEFT ON THE HOST",
        })
    }
}

/// One verdict, and why in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Overall {
    /// What was shown.
    pub conclusion: Conclusion,
    /// Why, with the number: `error rate 12.3 % > 5 %`.
    pub why: String,
}

impl Overall {
    /// How the run ended wins over what the promises say; among these a failure wins over what is
    /// inconclusive, and that over a pass.
    pub(crate) fn of(run: &Run, slos: &[SloResult], doubts: &[String]) -> Self {
        let failed = || {
            let failed = slos.iter().filter(|s| s.judgement == Judgement::Fail);
            let all: Vec<String> = failed.map(broken).collect();
            (!all.is_empty()).then(|| all.join("; "))
        };
        let unclear = || {
            slos.iter().find_map(|s| match &s.judgement {
                Judgement::Inconclusive { why, fix } => Some((s, why, fix)),
                _ => None,
            })
        };
        let (conclusion, why) = match &run.outcome {
            Outcome::Failed { why, left } if !left.is_empty() || !run.left.is_empty() => {
                (Conclusion::Left, format!("{}: {why}", left_over(run)))
            }
            _ if !run.left.is_empty() => (Conclusion::Left, left_over(run)),
            Outcome::Failed { why, .. } => (Conclusion::Failed, why.clone()),
            Outcome::NotSteady { why } => (Conclusion::NotSteady, why.clone()),
            Outcome::Aborted { by } => (Conclusion::Aborted, format!("by {by}")),
            Outcome::Interrupted { by } => (Conclusion::Interrupted, format!("by {by}")),
            outcome => match (failed(), outcome, doubts.first(), unclear()) {
                (Some(why), ..) => (Conclusion::Violated, why),
                (None, Outcome::Deviated { why }, ..) => (Conclusion::Deviated, why.clone()),
                (None, Outcome::Inconclusive { why }, ..) => {
                    (Conclusion::Inconclusive, why.clone())
                }
                (None, _, Some(doubt), _) => (Conclusion::Inconclusive, doubt.clone()),
                (None, _, None, Some((slo, why, fix))) => (
                    Conclusion::Inconclusive,
                    format!("{}: {why} ({fix})", slo.slo),
                ),
                (None, Outcome::Held, None, None) => (Conclusion::Held, kept(slos)),
                // An outcome that this version does not know is not a pass.
                (None, other, None, None) => (Conclusion::Inconclusive, other.to_string()),
            },
        };
        Self { conclusion, why }
    }

    /// Whether everything held.
    pub fn is_held(&self) -> bool {
        self.conclusion == Conclusion::Held
    }

    /// The exit code of a command that shows it.
    pub const fn exit_code(&self) -> u8 {
        self.conclusion.exit_code()
    }
}

impl fmt::Display for Overall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.conclusion, self.why)
    }
}

fn left_over(run: &Run) -> String {
    let left = match &run.outcome {
        Outcome::Failed { left, .. } if !left.is_empty() => left,
        _ => &run.left,
    };
    match left.as_slice() {
        [one] => format!("{} is still in place ({})", one.change, one.why),
        several => format!("{} changes are still in place", several.len()),
    }
}

/// `error rate 12.3 % > 5 %`
fn broken(result: &SloResult) -> String {
    let slo = result.slo;
    let beyond = if slo == super::Slo::Availability {
        "<"
    } else {
        ">"
    };
    format!(
        "{slo} {} {beyond} {}",
        result.say_value(),
        slo.say(result.threshold)
    )
}

fn kept(slos: &[SloResult]) -> String {
    let passed = slos
        .iter()
        .filter(|s| s.judgement == Judgement::Pass)
        .count();
    match passed {
        0 => "every hypothesis held; no SLO was judged".to_owned(),
        1 => "1 SLO was kept".to_owned(),
        n => format!("{n} SLOs were kept"),
    }
}
