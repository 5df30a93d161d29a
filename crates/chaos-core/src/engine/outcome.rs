//! How a run ended.

use crate::{
    Chain, EdgeKind, EngineError, Experiment, Leftover, Outcome, Phase, Run, StopReason, Value,
    Verdict,
};

/// What went wrong with the faults.
#[derive(Debug)]
pub(super) enum Trouble {
    /// They were not in place all the time.
    Lost(String),
    /// A promise was broken.
    Error(EngineError),
}

/// The outcome of a run that has come to its end, with what may be left on the host; `stopped` is why it ended early, if it did.
pub(super) fn outcome(
    experiment: &Experiment,
    run: &mut Run,
    stopped: Option<StopReason>,
    trouble: Option<Trouble>,
) -> Outcome {
    match (trouble, stopped) {
        (Some(Trouble::Error(error)), _) => broken(run, &error),
        (_, Some(reason)) => ended_by(reason),
        (trouble, None) => shown(experiment, run, trouble),
    }
}

/// It ended early, as it was told to.
pub(super) fn ended_by(reason: StopReason) -> Outcome {
    match reason {
        StopReason::Interrupted { by } => Outcome::Interrupted { by },
        StopReason::Aborted { by } => Outcome::Aborted { by },
    }
}

/// A promise of the engine was broken.
fn broken(run: &mut Run, error: &EngineError) -> Outcome {
    match error {
        EngineError::Left { left, .. } => run.left.clone_from(left),
        // Nobody has seen it gone.
        EngineError::WardenGone => {
            let changes = run.changes.iter();
            run.left = changes.map(|c| Leftover::new(c, "not seen gone")).collect();
        }
        // The host could not be changed safely, so it was not, or not for long.
        EngineError::RefusedLater(_)
        | EngineError::UndoLog(_)
        | EngineError::UndoLogLost { .. } => {
            return Outcome::Aborted {
                by: format!("the engine: {}", Chain(error)),
            };
        }
        _ => {}
    }
    Outcome::Failed {
        why: Chain(error).to_string(),
        left: run.left.clone(),
    }
}

/// What the hypotheses have shown of the faults.
fn shown(experiment: &Experiment, run: &Run, trouble: Option<Trouble>) -> Outcome {
    let started = |index| {
        let mut edges = run.edges.iter();
        edges.any(|edge| edge.index == index && edge.kind == EdgeKind::Injected)
    };
    let mut faults = experiment.faults.iter().enumerate();
    let missing = faults.find(|(index, _)| !started(*index));
    let trouble = trouble.or_else(|| {
        missing.map(|(_, placed)| {
            Trouble::Lost(format!(
                "{} on {} was never in place",
                placed.kind(),
                placed.target()
            ))
        })
    });
    let judged = run
        .judged
        .iter()
        .filter(|judged| judged.phase != Phase::Baseline);
    let worst = judged.fold(Verdict::Held, |worst, judged| {
        let named = match &judged.verdict {
            Verdict::Deviated { why } => Verdict::deviated(format!("{}: {why}", judged.name)),
            Verdict::Unknown { why } => Verdict::unknown(format!("{}: {why}", judged.name)),
            held => held.clone(),
        };
        worst.and(named)
    });
    match (worst, trouble) {
        (Verdict::Deviated { why }, _) => Outcome::Deviated { why },
        (_, Some(Trouble::Lost(why))) | (Verdict::Unknown { why }, _) => {
            Outcome::Inconclusive { why }
        }
        _ => Outcome::Held,
    }
}

/// A probe that has never seen anything has shown nothing, even if no hypothesis asks for it.
pub(super) fn unless_blind(experiment: &Experiment, run: &mut Run, outcome: Outcome) -> Outcome {
    let mut blind = Vec::new();
    for asked in &experiment.probes {
        let samples = run.samples.of(&asked.settings.name);
        let seen = samples
            .iter()
            .any(|s| !matches!(s.value, Value::Missing(_)));
        if let (false, Some(Value::Missing(why))) = (seen, samples.last().map(|s| &s.value)) {
            blind.push(format!(
                "the probe `{}` has never seen anything: {why}",
                asked.settings.name
            ));
        }
    }
    run.warnings.extend(blind.iter().cloned());
    match (outcome, blind.into_iter().next()) {
        (Outcome::Held, Some(why)) => Outcome::Inconclusive { why },
        (outcome, _) => outcome,
    }
}
