//! What a session does beside its caller's commands: it looks whether its faults are still in place, plans
//! again what is due later, and asks until the targets answer.
//!
//! Each of these asks a plugin or the host and may take its time, so it runs as a task of its own; the session
//! stays free for its commands, its schedule and its time limit.

use super::{
    EdgeNotice, Notice,
    inject::{Done, Started, asked},
    prepare::{Prepared, Unprepared},
    recover::wait_ready,
    session::Session,
};
use crate::{
    Chain, Context, EdgeKind, EngineError, OnLost, Presence, UndoLogError,
    guard::{guarded, panic_message},
    undo::UndoRecord,
    undo_log::{Claim, Log},
};
use std::{
    collections::{BTreeSet, VecDeque},
    mem,
    time::{Duration, Instant},
};
use tokio::task::{JoinError, JoinSet};
use tracing::Instrument;

/// How long a target may take to answer again before nobody asks any more.
const READY_LIMIT: Duration = Duration::from_secs(60);

/// What was found out beside the session.
#[derive(Debug)]
pub(super) enum Finding {
    /// A fault was looked at; what of it is gone.
    Looked { at: usize, gone: Option<String> },
    /// A fault that is due was resolved and planned again. The claims of the session come back with it.
    Planned {
        index: usize,
        prepared: Result<Box<Prepared>, Unprepared>,
        claims: Vec<Claim>,
    },
}

/// The tasks beside a session, on the same thread. Dropping it ends them.
#[derive(Debug, Default)]
pub(super) struct Beside {
    tasks: JoinSet<Finding>,
    /// What is being looked at.
    looking: BTreeSet<usize>,
    /// What is to be planned, one after the other, because each takes the claims with it.
    waiting: VecDeque<usize>,
    planning: Option<usize>,
    /// What was lost and is to be put in place again, where the target is now.
    following: Vec<usize>,
}

impl Beside {
    /// The next thing that was found out; `None` when nothing is being done.
    pub(super) async fn next(&mut self) -> Option<Result<Finding, JoinError>> {
        self.tasks.join_next().await
    }

    /// Ends everything, and says which faults were lost and have not come back.
    pub(super) async fn end(&mut self) -> Vec<usize> {
        self.tasks.shutdown().await;
        mem::take(self).following
    }
}

impl Session {
    /// Looks whether everything is as it should be: the log, the watchdog, the faults.
    pub(super) async fn look_after(&mut self) {
        match self.log.as_ref().map(Log::check_owned) {
            None | Some(Ok(())) => {}
            Some(Err(UndoLogError::TakenOver { .. })) => {
                let limit = humantime::format_duration(self.max_duration);
                let why =
                    format!("the time limit of {limit} was reached, and the watchdog took over");
                self.stop_early(why).await;
                return;
            }
            Some(Err(source)) => {
                let done = self.total_steps();
                self.fail(EngineError::UndoLogLost { done, source }).await;
                return;
            }
        }
        if let Some(watchdog) = &self.shared.watchdog
            && !self.alone
            && let Some(why) = watchdog.trouble()
        {
            self.alone = true;
            self.notices.send(Notice::Warning(why)).ok();
        }
        for at in 0..self.started.len() {
            if let Some(why) = self.look(at) {
                self.lost(at, why).await;
            }
        }
        for index in self.beside.following.clone() {
            self.plan_again(index).await;
        }
    }

    /// Looks at one fault: at what is inside this process now, at what is on the host in a task.
    fn look(&mut self, at: usize) -> Option<String> {
        let started = &self.started[at];
        if started.ended || started.lost || !started.in_place || self.beside.looking.contains(&at) {
            return None;
        }
        let mut records = Vec::new();
        for done in &started.done {
            match done {
                Done::OneWay => {}
                Done::Held { change, held } if !asked(change, false, || held.in_place_erased()) => {
                    return Some(format!("`{change}` is not in place any more"));
                }
                Done::Held { .. } => {}
                Done::Logged(step) => {
                    records.push((step.change.summary.clone(), step.undo.clone()));
                }
            }
        }
        if !records.is_empty() {
            let cx = self
                .shared
                .context(&self.id, "", self.seed.derive("step", 0));
            self.beside.looking.insert(at);
            let look = async move {
                let gone = what_is_gone(&cx, records).await;
                Finding::Looked { at, gone }
            };
            self.beside.tasks.spawn(look.in_current_span());
        }
        None
    }

    /// Resolves and plans a fault again, when it is its turn.
    pub(super) async fn plan_again(&mut self, index: usize) {
        let beside = &mut self.beside;
        if beside.planning != Some(index) && !beside.waiting.contains(&index) {
            beside.waiting.push_back(index);
            self.plan_next().await;
        }
    }

    async fn plan_next(&mut self) {
        // When the session is over nothing is planned any more.
        if self.beside.planning.is_some() || self.deadline.is_none() {
            return;
        }
        let Some(index) = self.beside.waiting.pop_front() else {
            return;
        };
        // Its own last round ends before it is planned.
        for at in 0..self.started.len() {
            if self.started[at].index == index
                && let Err(error) = self.make_way(at).await
            {
                self.fail(error).await;
                return;
            }
        }
        self.beside.planning = Some(index);
        let (preparing, placed) = (self.preparing.clone(), self.placements[index].clone());
        let repetition = self.repetitions[index];
        let mut claims = mem::take(&mut self.claims);
        let plan = async move {
            let prepared = preparing
                .prepare_claimed(&placed, index, repetition, &mut claims)
                .await
                .map(Box::new);
            Finding::Planned {
                index,
                prepared,
                claims,
            }
        };
        self.beside.tasks.spawn(plan.in_current_span());
    }

    /// What has to end before a plan can be acted on, although it has not been in place for as long as it was said, because its
    /// start took some time: it was to end by now, and has what the plan needs. Of a plan that was refused it is not known what
    /// that is.
    fn in_the_way(&self, prepared: &Result<Box<Prepared>, Unprepared>) -> Vec<usize> {
        let kept = match prepared {
            Ok(prepared) => Some(prepared.kept()),
            Err(Unprepared::Refused(_)) => None,
            Err(Unprepared::Log(_)) => return Vec::new(),
        };
        let needed = |started: &Started| match &kept {
            Some(kept) => started.resources().any(|own| kept.contains(own)),
            None => true,
        };
        let now = Instant::now();
        let all = self.started.iter().enumerate();
        all.filter(|(_, started)| !started.ended && needed(started))
            .filter(|(_, started)| started.ends.is_some_and(|ends| ends.asked <= now))
            .map(|(at, _)| at)
            .collect()
    }

    /// Ends what another fault takes the place of, and tells when it was in place for clearly less than it was said.
    async fn make_way(&mut self, at: usize) -> Result<(), EngineError> {
        let started = &self.started[at];
        if let Some(ends) = started.ends.filter(|_| !started.ended) {
            let missed = ends.due.saturating_duration_since(Instant::now());
            if missed > ends.hold / 10 {
                let warning = format!(
                    "{} on {} was in place for {:.1?} of its {:.1?}: what comes next took its place; leave more time between \
                     them",
                    started.kind,
                    started.target,
                    ends.hold.saturating_sub(missed),
                    ends.hold,
                );
                self.notices.send(Notice::Warning(warning)).ok();
            }
        }
        self.end_one(at).await
    }

    /// Acts on what was found out.
    pub(super) async fn found(&mut self, found: Result<Finding, JoinError>) {
        match found {
            Ok(Finding::Looked { at, gone }) => {
                self.beside.looking.remove(&at);
                if let Some(why) = gone
                    && !self.started[at].ended
                    && !self.started[at].lost
                {
                    self.lost(at, why).await;
                }
            }
            Ok(Finding::Planned {
                index,
                prepared,
                claims,
            }) => {
                self.claims = claims;
                self.beside.planning = None;
                self.planned(index, prepared).await;
                self.plan_next().await;
            }
            Err(error) => {
                let message = match error.try_into_panic() {
                    Ok(panic) => panic_message(panic.as_ref()),
                    Err(error) => error.to_string(),
                };
                self.fail(EngineError::Panicked { message }).await;
            }
        }
    }

    async fn planned(&mut self, index: usize, prepared: Result<Box<Prepared>, Unprepared>) {
        let following = self.beside.following.contains(&index);
        let in_the_way = match &prepared {
            // It is asked for again and again until its target is back.
            Err(_) if following => Vec::new(),
            _ => self.in_the_way(&prepared),
        };
        if !in_the_way.is_empty() {
            for at in in_the_way {
                if let Err(error) = self.make_way(at).await {
                    self.fail(error).await;
                    return;
                }
            }
            self.plan_again(index).await;
            return;
        }
        let put = match prepared {
            Ok(prepared) => {
                self.beside.following.retain(|lost| *lost != index);
                self.put_in_place(*prepared).await
            }
            Err(why) if following => {
                tracing::debug!(error = %Chain(&EngineError::from(why)), "cannot follow yet");
                return;
            }
            Err(Unprepared::Refused(refusals)) => Err(EngineError::RefusedLater(refusals)),
            Err(Unprepared::Log(source)) => Err(EngineError::UndoLogLost {
                done: self.total_steps(),
                source,
            }),
        };
        if let Err(error) = put {
            self.fail(error).await;
        }
    }

    async fn lost(&mut self, at: usize, why: String) {
        let index = self.started[at].index;
        tracing::info!(fault = self.started[at].kind, why, "lost");
        self.started[at].lost = true;
        self.tell(at, EdgeKind::Lost, Instant::now(), None, Some(why.clone()));
        let why = format!(
            "{} on {} was lost: {why}",
            self.started[at].kind, self.started[at].target
        );
        match self.placements[index].on_lost {
            OnLost::Report => self.total.lost.push(why),
            OnLost::Stop => {
                self.total.lost.push(why.clone());
                self.notices.send(Notice::StopAsked(why)).ok();
            }
            OnLost::Follow => {
                if let Err(error) = self.end_one(at).await {
                    self.fail(error).await;
                } else {
                    self.beside.following.push(index);
                    self.plan_again(index).await;
                }
            }
        }
    }

    /// Asks until the target of a fault that has ended answers again. It goes on after the session.
    pub(super) fn ask_ready(&mut self, at: usize, since: Instant) {
        let started = &self.started[at];
        self.total.ready.extend(started.ready.iter().cloned());
        for ready in started.ready.clone() {
            let notices = self.notices.clone();
            let (index, repetition) = (started.index, started.repetition);
            let (fault, target) = (started.kind.to_owned(), started.target.clone());
            tokio::spawn(async move {
                let answered = wait_ready(ready.as_ref(), since + READY_LIMIT)
                    .await
                    .is_ok();
                if answered {
                    let edge = EdgeNotice {
                        kind: EdgeKind::Answered,
                        index,
                        repetition,
                        fault,
                        target,
                        requested: since,
                        confirmed: Instant::now(),
                        hits: None,
                        detail: Some(ready.describe()),
                    };
                    notices.send(Notice::Edge(edge)).ok();
                }
            });
        }
    }
}

/// What of a fault is not in place any more. A look that failed says nothing.
async fn what_is_gone(cx: &Context, records: Vec<(String, UndoRecord)>) -> Option<String> {
    for (change, record) in records {
        let look = async { cx.registry.decode(&record)?.presence_erased(cx).await };
        match guarded(&format!("look for {change}"), cx.step_limit, look).await {
            Ok(Presence::InPlace) => {}
            Ok(Presence::Gone) => return Some(format!("`{change}` is gone")),
            Ok(Presence::Foreign { found }) => {
                return Some(format!("`{change}` was replaced by {found}"));
            }
            Err(error) => tracing::debug!(change, error = %Chain(&error), "could not look"),
        }
    }
    None
}
