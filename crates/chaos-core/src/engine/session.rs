//! One injection from its plan to its end, as a task on the warden.
//!
//! The caller holds a [`SessionHandle`](super::SessionHandle) and sends commands; when the handle is dropped,
//! whatever is in place is recovered.

use super::{
    EdgeNotice, Notice, Preview, Recovered, Shared,
    at_once::at_once,
    beside::Beside,
    handle::{Command, Reply},
    inject::{Ends, Started},
    prepare::{Prepared, Preparing, Unprepared},
    recover::HITS,
    schedule::{Schedule, What, later, next_round},
};
use crate::{
    Chain, EdgeKind, EngineError, InjectionId, Placed, Refusal,
    guard::{catch_panic, panic_message},
    seed::Seed,
    testing::crash_point,
    undo_log::{Claim, Log},
};
use std::{
    mem,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval, sleep_until},
};

/// How often it is looked whether the faults are still in place.
const PRESENCE_EVERY: Duration = Duration::from_secs(1);

/// Who asked for the end.
enum Last {
    Caller(Reply<Result<Recovered, EngineError>>),
    Dropped(std::sync::mpsc::SyncSender<Result<Recovered, EngineError>>),
}

/// What the task on the warden knows.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) shared: Arc<Shared>,
    pub(super) id: InjectionId,
    pub(super) preparing: Preparing,
    pub(super) placements: Arc<[Placed]>,
    pub(super) seed: Seed,
    pub(super) max_duration: Duration,
    pub(super) notices: mpsc::UnboundedSender<Notice>,
    pub(super) claims: Vec<Claim>,
    pub(super) log: Option<Log>,
    pub(super) next_step: u64,
    prepared: Vec<Prepared>,
    schedule: Schedule,
    /// When the current round of each fault was to begin.
    rounds: Vec<Instant>,
    pub(super) repetitions: Vec<u64>,
    /// In the order of their real start.
    pub(super) started: Vec<Started>,
    pub(super) beside: Beside,
    pub(super) deadline: Option<Instant>,
    pub(super) total: Recovered,
    failure: Option<EngineError>,
    /// How long it may still take to ask how often changes have acted.
    pub(super) to_count: Duration,
    /// The watchdog has ended or was stopped, and that was told.
    pub(super) alone: bool,
}

impl Session {
    pub(super) fn new(
        preparing: Preparing,
        placements: Vec<Placed>,
        max_duration: Duration,
        notices: mpsc::UnboundedSender<Notice>,
    ) -> Self {
        Self {
            shared: Arc::clone(&preparing.shared),
            id: preparing.id.clone(),
            seed: preparing.seed,
            preparing,
            placements: placements.into(),
            max_duration,
            notices,
            claims: Vec::new(),
            log: None,
            next_step: 0,
            prepared: Vec::new(),
            schedule: Schedule::default(),
            rounds: Vec::new(),
            repetitions: Vec::new(),
            started: Vec::new(),
            beside: Beside::default(),
            deadline: None,
            total: Recovered::default(),
            failure: None,
            to_count: HITS,
            alone: false,
        }
    }

    /// Carries out the caller's commands and the schedule, until the caller is gone and everything is put back.
    /// A panic of a plugin, or of our own, is no way out of the recovery.
    pub(super) async fn drive(mut self, mut commands: mpsc::UnboundedReceiver<Command>) {
        let last = loop {
            match catch_panic(self.serve(&mut commands)).await {
                Ok(last) => break last,
                Err(panic) => {
                    let message = panic_message(panic.as_ref());
                    tracing::error!(message, "the session panicked and is recovered");
                    if catch_panic(self.fail(EngineError::Panicked { message }))
                        .await
                        .is_err()
                    {
                        tracing::error!("its recovery panicked, too; it stays in the undo log");
                        return;
                    }
                }
            }
        };
        let ended = self.end().await;
        // What the session holds, such as a proxy, is let go before the caller hears of the end.
        drop(self);
        match last {
            Some(Last::Caller(reply)) => {
                reply.send(ended).ok();
            }
            Some(Last::Dropped(reply)) => {
                reply.send(ended).ok();
            }
            None => {
                if let Err(error) = ended {
                    tracing::error!(error = %Chain(&error), "given up by its caller and not recovered");
                }
            }
        }
    }

    /// Serves until it is asked to recover; `None` when the caller is gone.
    async fn serve(&mut self, commands: &mut mpsc::UnboundedReceiver<Command>) -> Option<Last> {
        let mut presence = interval(PRESENCE_EVERY);
        presence.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let far = Instant::now() + Duration::from_secs(3600);
            let due = self.schedule.next();
            let active = self.deadline.is_some();
            tokio::select! {
                biased;
                command = commands.recv() => match command {
                    None => return None,
                    Some(Command::Preview(reply)) => {
                        reply.send(self.preview().await).ok();
                    }
                    Some(Command::Begin(reply)) => {
                        let begun = match self.prepare().await {
                            Ok(_) => self.start().await,
                            Err(error) => Err(error),
                        };
                        reply.send(begun).ok();
                    }
                    Some(Command::Prepare(reply)) => {
                        reply.send(self.prepare_ahead().await).ok();
                    }
                    Some(Command::Start(reply)) => {
                        // When nobody waits any more, the channel is closed and the next turn recovers.
                        reply.send(self.start().await).ok();
                    }
                    Some(Command::Recover(reply)) => return Some(Last::Caller(reply)),
                    Some(Command::RecoverBlocking(reply)) => return Some(Last::Dropped(reply)),
                },
                () = sleep_until(self.deadline.unwrap_or(far).into()), if active => {
                    let limit = humantime::format_duration(self.max_duration);
                    self.stop_early(format!("the time limit of {limit} was reached")).await;
                }
                () = sleep_until(due.unwrap_or(far).into()), if active && due.is_some() => self.run_due().await,
                Some(found) = self.beside.next(), if active => self.found(found).await,
                _ = presence.tick(), if active => self.look_after().await,
            }
        }
    }

    async fn preview(&mut self) -> Preview {
        let mut preview = Preview::default();
        let (preparing, placements) = (self.preparing.clone(), Arc::clone(&self.placements));
        let mut all = Vec::new();
        for (index, placed) in placements.iter().enumerate() {
            match preparing.prepare(placed, index, 0).await {
                Ok(prepared) => {
                    preview
                        .refusals
                        .extend(preparing.already_there(placed, &prepared).await);
                    preview.faults.push(prepared.preview(placed));
                    all.push(prepared);
                }
                Err(refusals) => preview.refusals.extend(refusals),
            }
        }
        let refusals = at_once(&placements, &all, self.max_duration);
        preview.refusals.extend(refusals);
        preview
    }

    /// Prepares what will start some time later: whether the log can be written is known now.
    async fn prepare_ahead(&mut self) -> Result<Preview, EngineError> {
        let preview = self.prepare().await?;
        if self
            .prepared
            .iter()
            .any(|ready| ready.plan.records().next().is_some())
        {
            self.shared
                .dir
                .try_writing(self.id.as_str())
                .map_err(EngineError::UndoLog)?;
        }
        Ok(preview)
    }

    /// Plans, claims, and plans again under the claims; nothing is changed.
    async fn prepare(&mut self) -> Result<Preview, EngineError> {
        let mut preview = Preview::default();
        let mut refusals: Vec<Refusal> = Vec::new();
        let mut prepared = Vec::new();
        let mut claims = mem::take(&mut self.claims);
        let (preparing, placements) = (self.preparing.clone(), Arc::clone(&self.placements));
        for (index, placed) in placements.iter().enumerate() {
            match preparing
                .prepare_claimed(placed, index, 0, &mut claims)
                .await
            {
                Ok(ready) => {
                    preview.faults.push(ready.preview(placed));
                    prepared.push(ready);
                }
                Err(Unprepared::Refused(why)) => refusals.extend(why),
                Err(Unprepared::Log(error)) => return Err(EngineError::UndoLog(error)),
            }
        }
        refusals.extend(at_once(&placements, &prepared, self.max_duration));
        if !refusals.is_empty() {
            return Err(EngineError::Refused(refusals));
        }
        self.claims = claims;
        self.repetitions = vec![0; self.placements.len()];
        self.prepared = prepared;
        Ok(preview)
    }

    /// Puts the faults that start at once in place.
    async fn start(&mut self) -> Result<(), EngineError> {
        let now = Instant::now();
        self.deadline = Some(later(now, self.max_duration));
        self.rounds = vec![now; self.placements.len()];
        let prepared = mem::take(&mut self.prepared);
        for ready in prepared {
            let after = self.placements[ready.index].after;
            if after > Duration::ZERO {
                // It is resolved and planned again when it is due; its claims are kept.
                self.schedule
                    .push(later(now, after), What::Start(ready.index));
            } else if let Err(error) = self.put_in_place(ready).await {
                self.deadline = None;
                return Err(error);
            }
        }
        Ok(())
    }

    /// Injects one prepared fault and schedules its end; when that fails, all faults are recovered.
    pub(super) async fn put_in_place(&mut self, prepared: Prepared) -> Result<(), EngineError> {
        let index = prepared.index;
        let hold = self.placements[index].hold.or(prepared.plan.lasting);
        let before = self.total_steps();
        match self.inject(prepared).await {
            Ok(at) => {
                let now = Instant::now();
                self.started[at].in_place = true;
                self.repetitions[index] += 1;
                if let Some(hold) = hold {
                    let ends = Ends {
                        asked: later(self.rounds[index], hold),
                        due: later(now, hold),
                        hold,
                    };
                    self.schedule.push(ends.due, What::End(at));
                    self.started[at].ends = Some(ends);
                }
                // One that follows its target has its next round already.
                if let Some(every) = self.placements[index].every
                    && !self.schedule.starts(index)
                {
                    let next = next_round(self.rounds[index], every, now);
                    self.schedule.push(next, What::Start(index));
                }
                self.tell(
                    at,
                    EdgeKind::Injected,
                    now,
                    None,
                    Some(self.started[at].sites.join(", ")),
                );
                Ok(())
            }
            Err(failure) => {
                let done = self.total_steps();
                match self.recover_all().await {
                    Err(left) => Err(left),
                    Ok(()) => Err(failure.into_error(before == 0 && done == 0, done)),
                }
            }
        }
    }

    pub(super) fn total_steps(&self) -> usize {
        self.started.iter().map(|started| started.done.len()).sum()
    }

    /// Starts and ends what is due now.
    async fn run_due(&mut self) {
        for (due, what) in self.schedule.due(Instant::now()) {
            match what {
                What::End(at) => {
                    if let Err(error) = self.end_one(at).await {
                        self.fail(error).await;
                        return;
                    }
                }
                What::Start(index) => {
                    self.rounds[index] = due;
                    self.plan_again(index).await;
                }
            }
        }
    }

    /// Takes one fault back.
    pub(super) async fn end_one(&mut self, at: usize) -> Result<(), EngineError> {
        if self.started[at].ended {
            return Ok(());
        }
        let requested = Instant::now();
        let before = self.total.left.len();
        let one_way = self.started[at].cannot_be_undone();
        let outcome = self.undo_started(at).await;
        let confirmed = Instant::now();
        if self.total.left.len() > before {
            return Err(self.left());
        }
        if let Some(why) = outcome.gone_early.filter(|_| !self.started[at].lost) {
            self.total.lost.push(format!(
                "{} on {} was lost: {why}",
                self.started[at].kind, self.started[at].target
            ));
            self.started[at].lost = true;
            self.tell(at, EdgeKind::Lost, confirmed, None, Some(why));
        }
        if !self.started[at].in_place {
            return Ok(());
        }
        self.started[at].requested = requested;
        self.tell(
            at,
            if one_way {
                EdgeKind::Over
            } else {
                EdgeKind::Recovered
            },
            confirmed,
            outcome.hits,
            outcome.detail,
        );
        self.ask_ready(at, confirmed);
        Ok(())
    }

    /// Takes everything back, in the reverse of the real order of starts.
    async fn recover_all(&mut self) -> Result<(), EngineError> {
        self.schedule.clear();
        self.deadline = None;
        for index in self.beside.end().await {
            let placed = &self.placements[index];
            let why = format!(
                "{} on {} was lost and could not be followed",
                placed.kind(),
                placed.target()
            );
            self.total.lost.push(why);
        }
        for at in (0..self.started.len()).rev() {
            if !self.started[at].ended {
                // What is left is collected, and the rest is undone all the same.
                self.end_one(at).await.ok();
            }
        }
        self.claims.clear();
        let log = self.log.take();
        if !self.total.left.is_empty() {
            return Err(self.left());
        }
        crash_point("before-close", 0);
        match log.map(Log::close) {
            Some(Err(error)) => {
                // It says only what is undone: the next recovery removes it.
                tracing::warn!(error = %Chain(&error), "the undo log could not be removed");
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn left(&self) -> EngineError {
        EngineError::Left {
            injection: self.id.to_string(),
            total: self.total.changes(),
            left: self.total.left.clone(),
        }
    }

    /// Ends the session at the caller's wish, and says how it went.
    async fn end(&mut self) -> Result<Recovered, EngineError> {
        self.recover_all().await?;
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        let mut total = mem::take(&mut self.total);
        total.injections = 1;
        Ok(total)
    }

    /// Ends the session before its time.
    pub(super) async fn stop_early(&mut self, why: String) {
        self.total.lost.push(why.clone());
        // What is left is told when the caller asks.
        self.recover_all().await.ok();
        self.notices.send(Notice::Ended(why)).ok();
    }

    /// A later fault failed: everything is taken back.
    pub(super) async fn fail(&mut self, error: EngineError) {
        let why = Chain(&error).to_string();
        self.recover_all().await.ok();
        self.failure.get_or_insert(error);
        self.notices.send(Notice::Ended(why)).ok();
    }

    pub(super) fn tell(
        &self,
        at: usize,
        kind: EdgeKind,
        confirmed: Instant,
        hits: Option<u64>,
        detail: Option<String>,
    ) {
        let started = &self.started[at];
        let edge = EdgeNotice {
            kind,
            index: started.index,
            repetition: started.repetition,
            fault: started.kind.to_owned(),
            target: started.target.clone(),
            requested: if kind == EdgeKind::Lost {
                confirmed
            } else {
                started.requested
            },
            confirmed,
            hits,
            detail,
        };
        self.notices.send(Notice::Edge(edge)).ok();
    }
}
