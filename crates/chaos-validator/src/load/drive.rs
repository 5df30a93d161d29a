//! The open loop: requests are sent when they are due, whatever became of the ones before.

use super::{
    Answer, Class, Schedule, Work,
    pacer::Pacer,
    recorder::{Recorder, Ticket},
};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::{sync::watch, task::JoinSet, time::timeout};

/// A generator that is later than this with a free slot does not send any more: the request would say more
/// about the generator than about the target.
const MOST_LATE: Duration = Duration::from_millis(100);

/// How a load is paced.
#[derive(Debug, Clone)]
pub(crate) struct Pace {
    pub(crate) schedule: Schedule,
    pub(crate) timeout: Duration,
    pub(crate) slots: usize,
    /// What is answered later than this is bad; at most the timeout.
    pub(crate) slow: Duration,
    pub(crate) coarse: bool,
}

/// What the generator is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Control {
    /// Send.
    Run,
    /// Send no more, and wait for what is under way.
    Drain,
}

/// Sends until told to drain, then waits for what is under way. Cancels that when `control` is gone.
pub(crate) async fn drive<W: Work>(
    work: Arc<W>,
    pace: Pace,
    recorder: Arc<Recorder>,
    mut control: watch::Receiver<Control>,
) {
    let pool = Arc::new(Pool::new(work, Arc::clone(&recorder), &pace));
    let mut pacer = Pacer::new(Instant::now(), pace.schedule, pace.coarse);
    let mut exchanges = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            changed = control.wait_for(|c| *c == Control::Drain) => match changed {
                Ok(_) => break,
                // Nobody waits for the result any more. Dropping the exchanges cancels them.
                Err(_) => return,
            },
            due = pacer.next() => {
                while exchanges.try_join_next().is_some() {}
                let ticket = recorder.plan(due);
                let endpoint = pool.work.endpoint(ticket.seq());
                let ticket = ticket.for_endpoint(endpoint);
                if let Some((ticket, slot)) = pool.enter(ticket) {
                    exchanges.spawn(Arc::clone(&pool).serve(ticket, slot));
                }
            }
        }
    }
    let gone = async { while control.changed().await.is_ok() {} };
    tokio::select! {
        () = async { while exchanges.join_next().await.is_some() {} } => {}
        () = gone => {}
    }
}

/// A hard cap of slots, and a queue for what finds none free.
struct Pool<W: Work> {
    work: Arc<W>,
    recorder: Arc<Recorder>,
    timeout: Duration,
    slow: Duration,
    most_late: Duration,
    state: Mutex<State<W::Slot>>,
}

struct State<S> {
    /// The one used last is used first, so that a slow load keeps few connections warm.
    idle: Vec<S>,
    queue: VecDeque<Ticket>,
}

impl<W: Work> Pool<W> {
    fn new(work: Arc<W>, recorder: Arc<Recorder>, pace: &Pace) -> Self {
        let idle = (0..pace.slots).map(|_| work.slot()).collect();
        Self {
            work,
            recorder,
            timeout: pace.timeout,
            slow: pace.slow,
            most_late: MOST_LATE.min(pace.timeout / 2),
            state: Mutex::new(State {
                idle,
                queue: VecDeque::new(),
            }),
        }
    }

    /// Takes a free slot, or puts the ticket into the queue.
    fn enter(&self, ticket: Ticket) -> Option<(Ticket, W::Slot)> {
        let now = Instant::now();
        self.drop_expired(now);
        if self.is_late(&ticket, now) {
            self.recorder.resolve(ticket, now, now, Class::Unsent, None);
            return None;
        }
        let mut state = self.state();
        match state.idle.pop() {
            Some(slot) => Some((ticket, slot)),
            None => {
                state.queue.push_back(ticket.queued(now));
                None
            }
        }
    }

    /// Serves the ticket, then whatever waits; gives the slot back when nothing does.
    async fn serve(self: Arc<Self>, first: Ticket, mut slot: W::Slot) {
        let mut next = Some(first);
        while let Some(ticket) = next {
            self.exchange(ticket, &mut slot).await;
            let mut state = self.state();
            next = state.queue.pop_front();
            if next.is_none() {
                state.idle.push(slot);
                return;
            }
        }
    }

    /// Sends one request. The timeout counts from here: with the little time that a request has left after
    /// waiting for a slot, a target that is stuck would see a storm of new connections, and its accept queue
    /// would make a second outage after the first. What is answered later than the timeout after the
    /// *intended* time is a timeout all the same.
    async fn exchange(&self, ticket: Ticket, slot: &mut W::Slot) {
        let sent = Instant::now();
        if self.is_late(&ticket, sent) {
            return self
                .recorder
                .resolve(ticket, sent, sent, Class::Unsent, None);
        }
        if sent >= self.deadline(&ticket) {
            return self
                .recorder
                .resolve(ticket, sent, sent, Class::NoSlot, None);
        }
        let mut answer =
            match timeout(self.timeout, self.work.exchange(ticket.endpoint(), slot)).await {
                Ok(answer) => answer,
                Err(_) => {
                    // Whatever is still under way in it belongs to nobody.
                    *slot = self.work.slot();
                    Answer::of(Class::Timeout)
                }
            };
        let done = Instant::now();
        if answer.class.is_good() {
            if done > self.deadline(&ticket) {
                answer.class = Class::Timeout;
            } else if done > ticket.due() + self.slow {
                answer.class = Class::Slow;
            }
        }
        self.recorder
            .resolve(ticket, sent, done, answer.class, answer.status);
    }

    /// Gives up what has waited for a slot for its whole timeout.
    fn drop_expired(&self, now: Instant) {
        let mut state = self.state();
        while let Some(ticket) = state.queue.pop_front() {
            if self.deadline(&ticket) > now {
                state.queue.push_front(ticket);
                return;
            }
            self.recorder.resolve(ticket, now, now, Class::NoSlot, None);
        }
    }

    fn is_late(&self, ticket: &Ticket, now: Instant) -> bool {
        !ticket.was_queued() && now.saturating_duration_since(ticket.due()) > self.most_late
    }

    fn deadline(&self, ticket: &Ticket) -> Instant {
        ticket.due() + self.timeout
    }

    fn state(&self) -> MutexGuard<'_, State<W::Slot>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
