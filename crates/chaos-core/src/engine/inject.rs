//! The write-ahead loop: record, apply, look.

use super::{
    prepare::Prepared,
    recover::{hits_of, undo_record},
    session::Session,
};
use crate::{
    Chain, Change, EngineError, FaultError, Leftover, Presence, Ready, UndoLogError, Undone,
    guard::{guarded, panic_message},
    identity,
    in_process::{ErasedHeld, ErasedInProcess},
    plan::How,
    testing::crash_point,
    undo_log::{Entry, FORMAT, Header, Log, Outstanding},
};
use std::{
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, Instant},
};
use tracing::Instrument;

/// How much later than its owner a watchdog acts.
const DEADLINE_GRACE: Duration = Duration::from_secs(2);
/// What it takes the host at most to tell how often a change has acted, when nothing is wrong.
const USUAL_COUNT: Duration = Duration::from_millis(50);

/// A fault that was begun.
#[derive(Debug)]
pub(super) struct Started {
    pub(super) index: usize,
    pub(super) repetition: u64,
    pub(super) kind: &'static str,
    pub(super) target: String,
    pub(super) sites: Vec<String>,
    pub(super) requested: Instant,
    pub(super) done: Vec<Done>,
    pub(super) ready: Vec<Arc<dyn Ready>>,
    pub(super) lost: bool,
    /// It was seen in place, all of it.
    pub(super) in_place: bool,
    pub(super) ended: bool,
    /// When it ends, if it does so by itself.
    pub(super) ends: Option<Ends>,
}

/// When a fault ends that is in place for a time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ends {
    /// When it was to end, as it was asked for.
    pub(super) asked: Instant,
    /// When it has been in place for as long as it was said.
    pub(super) due: Instant,
    pub(super) hold: Duration,
}

impl Started {
    /// The resources of what is to be undone of it.
    pub(super) fn resources(&self) -> impl Iterator<Item = &String> {
        self.done.iter().filter_map(|done| match done {
            Done::Logged(step) => Some(&step.change.resource),
            Done::Held { .. } | Done::OneWay => None,
        })
    }

    /// Whether nothing of it can be taken back.
    pub(super) fn cannot_be_undone(&self) -> bool {
        !self.done.is_empty() && self.done.iter().all(|done| matches!(done, Done::OneWay))
    }
}

/// A step that was begun.
#[derive(Debug)]
pub(super) enum Done {
    Logged(Outstanding),
    Held {
        change: Change,
        held: Box<dyn ErasedHeld>,
    },
    OneWay,
}

/// Why an injection failed half-way.
#[derive(Debug)]
pub(super) enum Failure {
    Log(UndoLogError),
    Apply { change: String, source: FaultError },
}

impl Failure {
    /// The error, once everything is undone.
    pub(super) fn into_error(self, untouched: bool, done: usize) -> EngineError {
        match self {
            Self::Log(source) if untouched => EngineError::UndoLog(source),
            Self::Log(source) => EngineError::UndoLogLost { done, source },
            Self::Apply { change, source } => EngineError::Apply { change, source },
        }
    }
}

/// How taking back one fault went.
#[derive(Debug, Default)]
pub(super) struct Ended {
    pub(super) hits: Option<u64>,
    pub(super) gone_early: Option<String>,
    pub(super) detail: Option<String>,
}

impl Session {
    /// Carries out a plan. What was begun stands in `started`, also after a failure.
    pub(super) async fn inject(&mut self, prepared: Prepared) -> Result<usize, Failure> {
        let placed = &self.placements[prepared.index];
        let at = self.started.len();
        self.started.push(Started {
            index: prepared.index,
            repetition: prepared.repetition,
            kind: placed.kind(),
            target: placed.target(),
            sites: prepared.sites,
            requested: Instant::now(),
            done: Vec::new(),
            ready: prepared.plan.ready,
            lost: false,
            in_place: false,
            ended: false,
            ends: None,
        });
        for step in prepared.plan.steps {
            let change = step.change;
            match step.how {
                How::Reversible { undo, action } => {
                    let number = self.next_step;
                    self.next_step += 1;
                    let entry = Entry::Intent {
                        step: number,
                        fault: self.started[at].kind.to_owned(),
                        change: change.clone(),
                        undo: undo.clone(),
                    };
                    self.open_log()?.append(&entry).map_err(Failure::Log)?;
                    crash_point("after-intent", number);
                    let outstanding = Outstanding {
                        step: number,
                        change: change.clone(),
                        undo: undo.clone(),
                        applied: false,
                    };
                    self.started[at].done.push(Done::Logged(outstanding));

                    let part = format!("{}-{}", prepared.index, prepared.repetition);
                    let cx = self
                        .shared
                        .context(&self.id, &part, self.seed.derive("step", 0));
                    let failed = |source| Failure::Apply {
                        change: change.summary.clone(),
                        source,
                    };
                    self.still_ours()?;
                    let span =
                        tracing::info_span!("apply", step = number, resource = change.resource);
                    guarded(&change.summary, cx.step_limit, action.apply_erased(&cx))
                        .instrument(span)
                        .await
                        .map_err(failed)?;
                    tracing::debug!(step = number, change = %change, "applied");
                    crash_point("after-apply", number);
                    self.still_ours()?;

                    let look = async {
                        self.shared
                            .registry
                            .decode(&undo)?
                            .presence_erased(&cx)
                            .await
                    };
                    let presence =
                        guarded(&format!("look for {change}"), cx.step_limit, look).await;
                    match presence.map_err(failed)? {
                        Presence::InPlace => {}
                        Presence::Gone => {
                            return Err(failed(FaultError::NoEffect {
                                change: change.summary.clone(),
                            }));
                        }
                        Presence::Foreign { found } => {
                            return Err(failed(FaultError::conflict(&change.resource, found)));
                        }
                    }
                    if let Some(Done::Logged(step)) = self.started[at].done.last_mut() {
                        step.applied = true;
                    }
                    self.open_log()?
                        .note(&Entry::Applied { step: number })
                        .map_err(Failure::Log)?;
                    crash_point("after-applied", number);
                }
                How::OneWay { action, .. } => {
                    if let Some(log) = &mut self.log {
                        let fault = self.started[at].kind.to_owned();
                        log.append(&Entry::OneWay {
                            fault,
                            change: change.clone(),
                        })
                        .map_err(Failure::Log)?;
                    }
                    let part = format!("{}-{}", prepared.index, prepared.repetition);
                    let cx = self
                        .shared
                        .context(&self.id, &part, self.seed.derive("step", 0));
                    guarded(&change.summary, cx.step_limit, action.apply(&cx))
                        .await
                        .map_err(|source| Failure::Apply {
                            change: change.summary.clone(),
                            source,
                        })?;
                    self.started[at].done.push(Done::OneWay);
                }
                How::InProcess(action) => {
                    let held = hold(action.as_ref(), &change).map_err(|source| Failure::Apply {
                        change: change.summary.clone(),
                        source,
                    })?;
                    self.started[at].done.push(Done::Held { change, held });
                }
            }
        }
        Ok(at)
    }

    /// The log, made when the first record is due.
    fn open_log(&mut self) -> Result<&mut Log, Failure> {
        if self.log.is_none() {
            let left = self.deadline.map_or(Duration::ZERO, |at| {
                at.saturating_duration_since(Instant::now())
            });
            let header = Header {
                format: FORMAT,
                injection: self.id.clone(),
                pid: std::process::id(),
                owner: crate::ProcessId::of(std::process::id()).ok(),
                boot: identity::boot_id().unwrap_or_default(),
                deadline: identity::since_boot() + left + DEADLINE_GRACE,
                kill_hung_owner: self
                    .shared
                    .watchdog
                    .as_ref()
                    .is_some_and(|w| w.kills_hung_owner()),
            };
            self.log = Some(Log::create(&self.shared.dir, header).map_err(Failure::Log)?);
            crash_point("after-opened", 0);
        }
        match &mut self.log {
            Some(log) => Ok(log),
            None => unreachable!("it was just made"),
        }
    }

    /// A watchdog that has taken over must not be worked against.
    fn still_ours(&self) -> Result<(), Failure> {
        self.log
            .as_ref()
            .map_or(Ok(()), |log| log.check_owned().map_err(Failure::Log))
    }

    /// Takes back one fault, in reverse, all of it.
    pub(super) async fn undo_started(&mut self, at: usize) -> Ended {
        let mut ended = Ended::default();
        let mut unknown = false;
        self.started[at].ended = true;
        for done in mem::take(&mut self.started[at].done).into_iter().rev() {
            match done {
                Done::OneWay => {}
                Done::Held { change, held } => {
                    let hits = asked(&change, None, || held.hits_erased());
                    self.count_hits(hits, &mut ended);
                    if !asked(&change, false, || held.in_place_erased()) {
                        ended.gone_early = Some(format!("`{change}` was not in place any more"));
                    }
                    match release(held, &change) {
                        Ok(()) => self.total.reverted += 1,
                        Err(error) => {
                            self.total
                                .left
                                .push(Leftover::new(&change.summary, Chain(&error).to_string()));
                        }
                    }
                }
                Done::Logged(step) => {
                    match self.ask_hits(&step).await {
                        Ok(hits) => self.count_hits(hits, &mut ended),
                        Err(()) => unknown = true,
                    }
                    crash_point("before-undo", step.step);
                    let undone =
                        undo_record(&self.shared, &self.id, &step.change.summary, &step.undo).await;
                    crash_point("after-undo", step.step);
                    self.note_undone(&step, undone, &mut ended);
                    crash_point("after-undone", step.step);
                }
            }
        }
        // Of what is not known nothing says that it never acted.
        if unknown || ended.gone_early.is_some() {
            ended.hits = ended.hits.filter(|hits| *hits > 0);
        }
        ended
    }

    /// Asks how often a change has acted, as long as there is time for it.
    async fn ask_hits(&mut self, step: &Outstanding) -> Result<Option<u64>, ()> {
        if self.to_count.is_zero() {
            return Err(());
        }
        let (change, start) = (&step.change.summary, Instant::now());
        let limit = self.to_count + USUAL_COUNT;
        let asked = hits_of(&self.shared, &self.id, change, &step.undo, limit).await;
        self.to_count = self
            .to_count
            .saturating_sub(start.elapsed().saturating_sub(USUAL_COUNT));
        asked.map_err(|error| {
            tracing::debug!(change, error = %Chain(&error), "it is not known how often it acted");
        })
    }

    /// How often something that is taken back has acted, if that is known.
    fn count_hits(&mut self, hits: Option<u64>, ended: &mut Ended) {
        if let Some(hits) = hits {
            *ended.hits.get_or_insert(0) += hits;
            self.total.hits += hits;
        }
    }

    fn note_undone(
        &mut self,
        step: &Outstanding,
        undone: Result<Undone, FaultError>,
        ended: &mut Ended,
    ) {
        let change = &step.change.summary;
        match undone {
            Ok(undone) => {
                tracing::debug!(step = step.step, change, ?undone, "undone");
                self.total.count(change, &undone);
                match &undone {
                    Undone::AlreadyGone if step.applied => {
                        ended.gone_early = Some(format!("`{change}` was gone already"));
                    }
                    Undone::LeftAlone { found } => {
                        ended.gone_early = Some(format!("`{change}` had been replaced by {found}"));
                        ended.detail = Some(format!("left alone: {found}"));
                    }
                    _ => {}
                }
                if let Some(log) = &mut self.log {
                    // Without it the step is undone once more, which does nothing.
                    log.note(&Entry::Undone {
                        step: step.step,
                        how: undone,
                    })
                    .ok();
                }
            }
            Err(error) => {
                tracing::error!(step = step.step, change, error = %Chain(&error), "could not be undone");
                self.total
                    .left
                    .push(Leftover::new(change, Chain(&error).to_string()));
            }
        }
    }
}

fn hold(action: &dyn ErasedInProcess, change: &Change) -> Result<Box<dyn ErasedHeld>, FaultError> {
    let held = caught(&change.summary, || action.apply_erased())?;
    if held.in_place_erased() {
        Ok(held)
    } else {
        Err(FaultError::NoEffect {
            change: change.summary.clone(),
        })
    }
}

fn release(held: Box<dyn ErasedHeld>, change: &Change) -> Result<(), FaultError> {
    caught(&change.summary, || held.release_erased())
}

/// What a fault says of itself, or `else_` when it panics.
pub(super) fn asked<T>(change: &Change, else_: T, ask: impl FnOnce() -> T) -> T {
    caught(&change.summary, || Ok(ask())).unwrap_or(else_)
}

fn caught<T>(
    operation: &str,
    call: impl FnOnce() -> Result<T, FaultError>,
) -> Result<T, FaultError> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| {
        Err(FaultError::Panicked {
            operation: operation.to_owned(),
            message: panic_message(panic.as_ref()),
        })
    })
}
