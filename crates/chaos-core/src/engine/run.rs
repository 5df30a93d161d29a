//! One experiment: baseline, fault, recovery.

use super::{
    EdgeNotice, Engine, Notice, Recovered, SessionHandle,
    audience::Audience,
    check::check,
    outcome::{Trouble, ended_by, outcome, unless_blind},
    sampler::Sampler,
};
use crate::{
    Edge, EdgeKind, EngineError, Event, Experiment, Judged, Outcome, Phase, PhaseSpan, Placements,
    Run, RunHandle, Seed, Stop, StopReason, Verdict, guard::panic_message,
};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant, SystemTime},
};
use tokio::time::sleep;
use tracing::Instrument;

/// How often it is asked whether things are steady again.
const STEADY_EVERY: Duration = Duration::from_millis(100);
/// How much of the past a hypothesis is shown when it is asked whether things are steady again.
const STEADY_WINDOW: Duration = Duration::from_secs(1);

/// Runs an experiment to its end.
pub(super) async fn run(
    engine: &Engine,
    experiment: &Experiment,
    stop: &Stop,
) -> Result<Run, EngineError> {
    check(experiment)?;
    let seed = experiment.seed.unwrap_or_else(Seed::fresh);
    let faults = Placements(experiment.faults.clone());
    let span = tracing::info_span!("experiment", name = experiment.name, seed = %seed);
    let session = span
        .in_scope(|| engine.session(faults, seed, experiment.max_duration, &experiment.protected));
    async move {
        let preview = session.prepare().await?;
        let changes = preview
            .faults
            .iter()
            .flat_map(|fault| fault.changes.iter().map(ToString::to_string));
        let handle = RunHandle {
            name: experiment.name.as_str().into(),
            epoch: Instant::now(),
            seed,
            stop: stop.clone(),
        };
        let runner = Runner {
            experiment,
            session,
            sampler: Sampler::default(),
            observers: Audience::new(&experiment.observers),
            run: Run {
                name: experiment.name.clone(),
                seed,
                started: SystemTime::now(),
                took: Duration::ZERO,
                outcome: Outcome::Held,
                phases: Vec::new(),
                edges: Vec::new(),
                changes: changes.collect(),
                judged: Vec::new(),
                left: Vec::new(),
                warnings: Vec::new(),
                stopped: None,
                samples: crate::Samples::new(),
            },
            handle,
            asked: Vec::new(),
        };
        Ok(runner.run().await)
    }
    .instrument(span)
    .await
}

#[derive(Debug)]
struct Runner<'a> {
    experiment: &'a Experiment,
    session: SessionHandle,
    sampler: Sampler,
    observers: Audience,
    run: Run,
    handle: RunHandle,
    /// What is asked of the targets until they answer again.
    asked: Vec<String>,
}

impl Runner<'_> {
    async fn run(mut self) -> Run {
        let outcome = match self.observers.start(&self.handle).await {
            Ok(()) => {
                self.sampler = Sampler::start(&self.experiment.probes, self.handle.epoch);
                self.phases().await
            }
            Err(why) => Outcome::NotSteady { why },
        };
        let now = self.handle.elapsed();
        self.emit(&Event::Finished {
            at: now,
            outcome: outcome.clone(),
        });
        let panics = self.observers.finish().await;
        self.run.warnings.extend(panics);
        self.run.stopped = self.handle.stop.requested();
        self.run.samples = std::mem::take(&mut self.sampler).finish();
        self.run.took = self.handle.elapsed();
        self.run.outcome = unless_blind(self.experiment, &mut self.run, outcome);
        self.run
    }

    async fn phases(&mut self) -> Outcome {
        if let Err(stopped) = self.baseline().await {
            return stopped;
        }
        let hold = self.experiment.hold;
        let start = self.begin(Phase::Fault, hold);
        let mut trouble = match self.session.start().await {
            Ok(()) => {
                self.sampler.phase(Some(Phase::Fault));
                self.hold(hold).await
            }
            Err(error) => Some(Trouble::Error(error)),
        };
        self.sampler.phase(None);
        self.drain();
        if trouble.is_none() {
            self.judge(Phase::Fault, start, self.handle.elapsed());
        }
        let recovered = self.session.recover().await;
        self.drain();
        self.close(Phase::Fault);
        match recovered {
            Ok(recovered) => {
                if trouble.is_none()
                    && let Some(why) = recovered.lost.first()
                {
                    trouble = Some(Trouble::Lost(why.clone()));
                }
                self.remember(recovered);
            }
            // The error of the start was told already; a second one is worse only when something is left.
            Err(error) => match (&trouble, &error) {
                (Some(Trouble::Error(EngineError::WardenGone)), _)
                | (Some(Trouble::Error(_)), EngineError::Left { .. })
                | (None | Some(Trouble::Lost(_)), _) => {
                    trouble = Some(Trouble::Error(error));
                }
                _ => {}
            },
        }
        if !matches!(trouble, Some(Trouble::Error(_))) {
            self.aftermath().await;
        }
        let stopped = self.handle.stop.requested();
        outcome(self.experiment, &mut self.run, stopped, trouble)
    }

    /// Watches normal, and says whether it is.
    async fn baseline(&mut self) -> Result<(), Outcome> {
        let start = self.begin(Phase::Baseline, self.experiment.baseline);
        self.sampler.phase(Some(Phase::Baseline));
        let stop = self.handle.stop.clone();
        let mut failed = None;
        let stopped = tokio::select! {
            () = sleep(self.experiment.baseline) => None,
            reason = stop.wait() => Some(reason),
            why = self.sampler.failure() => {
                failed = Some(why);
                None
            }
        };
        self.sampler.phase(None);
        if let Some(reason) = stopped {
            self.stopping(&reason);
            self.close(Phase::Baseline);
            return Err(ended_by(reason));
        }
        let judged = self.judge(Phase::Baseline, start, self.handle.elapsed());
        let watched = self.observers.steady();
        self.close(Phase::Baseline);
        match (failed, judged, watched) {
            (Some(why), ..) => Err(Outcome::NotSteady { why }),
            // An instrument that cannot tell says nothing of the target.
            (None, Verdict::Held, Verdict::Unknown { why }) => Err(Outcome::Inconclusive {
                why: format!("before the fault, nothing was injected: {why}"),
            }),
            (None, judged, watched) => match judged.and(watched).why() {
                Some(why) => Err(Outcome::NotSteady { why: why.into() }),
                None => Ok(()),
            },
        }
    }

    /// Waits until the time is over, somebody asks to stop, or the faults are gone.
    async fn hold(&mut self, hold: Duration) -> Option<Trouble> {
        let stop = self.handle.stop.clone();
        let over = sleep(hold);
        let failure = self.sampler.failure();
        tokio::pin!(over, failure);
        loop {
            tokio::select! {
                () = &mut over => return None,
                reason = stop.wait() => {
                    self.stopping(&reason);
                    return None;
                }
                by = &mut failure, if stop.requested().is_none() => {
                    stop.request(StopReason::Aborted { by });
                }
                notice = self.session.notice() => match notice {
                    Some(Notice::Edge(edge)) => self.edge(edge),
                    Some(Notice::StopAsked(why)) => {
                        self.handle.stop.request(StopReason::Aborted { by: why });
                    }
                    Some(Notice::Warning(why)) => self.run.warnings.push(why),
                    Some(Notice::Ended(why)) => return Some(Trouble::Lost(why)),
                    None => return Some(Trouble::Error(EngineError::WardenGone)),
                },
            }
        }
    }

    /// Waits until things are steady again, at most for the recovery limit.
    async fn aftermath(&mut self) {
        let limit = self.experiment.recovery_limit;
        let start = self.begin(Phase::Recovery, limit);
        self.sampler.phase(Some(Phase::Recovery));
        let stop = self.handle.stop.clone();
        let mut blind;
        let verdict = loop {
            let now = self.handle.elapsed();
            let window = now.saturating_sub(STEADY_WINDOW).max(start);
            self.drain();
            let judged = self.verdict(Phase::Recovery, window, now);
            let watched = self.observers.steady();
            let answered = self.answered();
            // All that is missing is an instrument that can tell.
            blind = judged.is_held()
                && answered.is_held()
                && matches!(watched, Verdict::Unknown { .. });
            let verdict = judged.and(watched).and(answered);
            if verdict.is_held() || now.saturating_sub(start) >= limit {
                break verdict;
            }
            tokio::select! {
                () = sleep(STEADY_EVERY) => {}
                reason = stop.wait() => {
                    // A run that is being stopped still waits a moment, but not for long.
                    if now.saturating_sub(start) >= STEADY_WINDOW {
                        break Verdict::unknown(format!("stopped by {reason}"));
                    }
                    sleep(STEADY_EVERY).await;
                }
            }
        };
        let verdict = match verdict {
            Verdict::Held => Verdict::Held,
            Verdict::Unknown { why } if blind && self.handle.stop.requested().is_none() => {
                let limit = humantime::format_duration(limit);
                Verdict::unknown(format!("not known to be so within {limit}: {why}"))
            }
            Verdict::Deviated { why } | Verdict::Unknown { why }
                if self.handle.stop.requested().is_none() =>
            {
                let limit = humantime::format_duration(limit);
                Verdict::deviated(format!("not steady again within {limit}: {why}"))
            }
            other => other,
        };
        self.run.judged.push(Judged {
            name: "steady again".into(),
            phase: Phase::Recovery,
            verdict,
        });
        self.close(Phase::Recovery);
    }

    fn begin(&mut self, phase: Phase, planned: Duration) -> Duration {
        let at = self.handle.elapsed();
        tracing::info!(%phase, "begins");
        self.run.phases.push(PhaseSpan {
            phase,
            start: at,
            end: at,
        });
        self.emit(&Event::PhaseStarted { phase, at, planned });
        at
    }

    fn close(&mut self, phase: Phase) {
        let at = self.handle.elapsed();
        if let Some(span) = self.run.phases.iter_mut().find(|span| span.phase == phase) {
            span.end = at;
        }
        self.emit(&Event::PhaseEnded { phase, at });
    }

    fn stopping(&mut self, reason: &StopReason) {
        tracing::info!(%reason, "stopping");
        self.emit(&Event::Stopping {
            at: self.handle.elapsed(),
            reason: reason.clone(),
        });
    }

    /// Judges a phase and keeps the verdicts.
    fn judge(&mut self, phase: Phase, from: Duration, to: Duration) -> Verdict {
        let samples = self.sampler.between(from, to);
        let mut worst = Verdict::Held;
        for hypothesis in &self.experiment.hypotheses {
            let verdict = judged(hypothesis.as_ref(), phase, &samples);
            worst = worst.and(verdict.clone());
            self.run.judged.push(Judged {
                name: hypothesis.name().to_owned(),
                phase,
                verdict,
            });
        }
        worst
    }

    /// Judges without keeping.
    fn verdict(&self, phase: Phase, from: Duration, to: Duration) -> Verdict {
        let samples = self.sampler.between(from, to);
        let hypotheses = self.experiment.hypotheses.iter();
        hypotheses.fold(Verdict::Held, |worst, h| {
            worst.and(judged(h.as_ref(), phase, &samples))
        })
    }

    /// Whether every target that knows how to be asked answers again.
    fn answered(&self) -> Verdict {
        let edges = self
            .run
            .edges
            .iter()
            .filter(|edge| edge.kind == EdgeKind::Answered);
        let mut heard: Vec<&str> = edges.filter_map(|edge| edge.detail.as_deref()).collect();
        for asked in &self.asked {
            match heard.iter().position(|answer| answer == asked) {
                Some(at) => drop(heard.swap_remove(at)),
                None => return Verdict::deviated(format!("not yet true: {asked}")),
            }
        }
        Verdict::Held
    }

    fn emit(&mut self, event: &Event) {
        self.run.warnings.extend(self.observers.tell(event));
    }

    /// Takes in the notices that are there.
    fn drain(&mut self) {
        for notice in self.session.notices() {
            match notice {
                Notice::Edge(edge) => self.edge(edge),
                Notice::Warning(why) => self.run.warnings.push(why),
                _ => {}
            }
        }
    }

    fn edge(&mut self, notice: EdgeNotice) {
        let since = |at: Instant| at.saturating_duration_since(self.handle.epoch);
        let edge = Edge {
            kind: notice.kind,
            fault: notice.fault,
            target: notice.target,
            index: notice.index,
            repetition: notice.repetition,
            requested: since(notice.requested),
            confirmed: since(notice.confirmed),
            hits: notice.hits,
            detail: notice.detail,
        };
        if edge.kind == EdgeKind::Lost {
            let why = edge.detail.as_deref().unwrap_or("gone");
            self.run
                .warnings
                .push(format!("{} on {} was lost: {why}", edge.fault, edge.target));
        }
        self.emit(&Event::Edge(edge.clone()));
        self.run.edges.push(edge);
    }

    fn remember(&mut self, recovered: Recovered) {
        self.asked = recovered
            .ready
            .iter()
            .map(|ready| ready.describe())
            .collect();
        let alone = recovered
            .left_alone
            .into_iter()
            .map(|what| format!("left alone, it is not ours: {what}"));
        self.run.warnings.extend(alone);
    }
}

fn judged(hypothesis: &dyn crate::Hypothesis, phase: Phase, samples: &crate::Samples) -> Verdict {
    catch_unwind(AssertUnwindSafe(|| hypothesis.judge(phase, samples))).unwrap_or_else(|panic| {
        Verdict::unknown(format!(
            "the hypothesis panicked: {}",
            panic_message(panic.as_ref())
        ))
    })
}
