//! Writing down what became of every planned request.

use super::{Class, Counts, Exchange, Recording};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Everything that a load saw so far: for a [`Load`](super::Load) of your own.
///
/// What is meant to be sent is [planned](Self::plan) when it is due, and its [`Ticket`] is [resolved](Self::resolve) when it is
/// over; what never is was cancelled. One thread plans and resolves; any may look.
///
/// ```
/// use chaos_validator::{Class, Recorder};
/// use std::time::{Duration, Instant};
/// let start = Instant::now();
/// let recorder = Recorder::new(start);
/// let ticket = recorder.plan(start);
/// recorder.resolve(ticket, start, start + Duration::from_millis(3), Class::Ok, Some(200));
/// assert_eq!(recorder.counts().good, 1);
/// ```
#[derive(Debug)]
pub struct Recorder {
    epoch: Instant,
    book: Mutex<Book>,
}

#[derive(Debug, Default)]
struct Book {
    counts: Counts,
    /// The intended times of what is planned and not over, from the first of these on; none where one is over. As they are
    /// planned in the order in which they are due, the first is the earliest.
    open: VecDeque<Option<Duration>>,
    /// The place in the plan of the first of `open`.
    first_open: u64,
    /// In the order in which they were over.
    exchanges: Vec<Exchange>,
    /// All of them, by intended time, once nothing comes any more; then `exchanges` is empty.
    sealed: Option<Arc<Vec<Exchange>>>,
}

impl Recorder {
    /// A recorder whose times count from `epoch`.
    pub fn new(epoch: Instant) -> Self {
        Self {
            epoch,
            book: Mutex::default(),
        }
    }

    /// Notes that a request is due; in the order in which they are due.
    pub fn plan(&self, due: Instant) -> Ticket {
        let intended = self.since_epoch(due);
        let mut book = self.book();
        let seq = book.counts.planned;
        book.counts.planned += 1;
        book.open.push_back(Some(intended));
        drop(book);
        Ticket {
            seq,
            due,
            endpoint: 0,
            late: None,
        }
    }

    /// Writes down what became of a request.
    pub fn resolve(
        &self,
        ticket: Ticket,
        sent: Instant,
        done: Instant,
        class: Class,
        status: Option<u16>,
    ) {
        let at = |instant| self.since_epoch(instant);
        let mut exchange = Exchange::new(at(ticket.due), at(sent), at(done), class)
            .with_status(status)
            .with_endpoint(ticket.endpoint);
        if let Some(late) = ticket.late {
            exchange = exchange.with_late(late);
        }
        self.book().close(ticket.seq, exchange);
    }

    /// How many there are of each sort so far.
    pub fn counts(&self) -> Counts {
        self.book().counts
    }

    /// Everything that was over at `from` or later. The counts are those of these exchanges; `planned` has what is not over,
    /// too.
    pub fn recording(
        &self,
        description: impl Into<String>,
        rate: f64,
        timeout: Duration,
        from: Duration,
    ) -> Recording {
        let book = self.book();
        let (planned, exchanges) = match &book.sealed {
            Some(all) if from.is_zero() => (book.counts.planned, Arc::clone(all)),
            Some(all) => {
                let part: Vec<Exchange> =
                    all.iter().filter(|e| e.done() >= from).copied().collect();
                let earlier = all.len() - part.len();
                (book.counts.planned - earlier as u64, Arc::new(part))
            }
            None => {
                // In the order of `done`.
                let earlier = book.exchanges.partition_point(|e| e.done() < from);
                let mut part = book.exchanges[earlier..].to_vec();
                let planned = book.counts.planned - earlier as u64;
                drop(book);
                part.sort_unstable_by_key(Exchange::order);
                (planned, Arc::new(part))
            }
        };
        Recording::shared(description.into(), rate, timeout, exchanges).planned(planned)
    }

    /// Says that nothing comes any more: what is not over now was cancelled. What was written down need not be copied any more
    /// to be looked at.
    pub(crate) fn seal(&self) {
        let mut book = self.book();
        if book.sealed.is_none() {
            let now = self.epoch.elapsed();
            for intended in std::mem::take(&mut book.open).into_iter().flatten() {
                let end = now.max(intended);
                book.counts.count(Class::Cancelled, 1);
                let given_up = Exchange::new(intended, end, end, Class::Cancelled);
                book.exchanges.push(given_up);
            }
            let mut all = std::mem::take(&mut book.exchanges);
            all.sort_unstable_by_key(Exchange::order);
            book.sealed = Some(Arc::new(all));
        }
    }

    /// What is over of the exchanges meant to be sent from `from` to before `to`, by intended time; and how
    /// many of them are not over.
    pub(crate) fn over_between(&self, from: Duration, to: Duration) -> (Vec<Exchange>, usize) {
        let book = self.book();
        let inside = |at: &Duration| (from..to).contains(at);
        let waiting = book.open.iter().flatten().filter(|at| inside(at)).count();
        // In the order of `done`, which is never before `intended`.
        let earlier = book.exchanges.partition_point(|e| e.done() < from);
        let mut over: Vec<Exchange> = book.exchanges[earlier..]
            .iter()
            .filter(|e| inside(&e.intended()))
            .copied()
            .collect();
        drop(book);
        over.sort_unstable_by_key(Exchange::order);
        (over, waiting)
    }

    /// The exchanges meant to be sent from `from` on, by intended time, up to the first that is not over yet.
    pub(crate) fn settled_since(&self, from: Duration) -> Vec<Exchange> {
        let book = self.book();
        let watermark = book.open.front().copied().flatten();
        let mut settled: Vec<Exchange> = book
            .exchanges
            .iter()
            .rev()
            // In the order of `done`, which is never before `intended`: nothing earlier can belong here.
            .take_while(|e| e.done() >= from)
            .filter(|e| e.intended() >= from && watermark.is_none_or(|w| e.intended() < w))
            .copied()
            .collect();
        drop(book);
        settled.sort_unstable_by_key(Exchange::order);
        settled
    }

    fn since_epoch(&self, at: Instant) -> Duration {
        at.saturating_duration_since(self.epoch)
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    /// Writes down what became of the request at the place `seq` of the plan.
    fn close(&mut self, seq: u64, exchange: Exchange) {
        let place = seq.checked_sub(self.first_open);
        let place = place.and_then(|place| usize::try_from(place).ok());
        if let Some(open) = place.and_then(|place| self.open.get_mut(place)) {
            *open = None;
        }
        while let Some(None) = self.open.front() {
            self.open.pop_front();
            self.first_open += 1;
        }
        self.counts.count(exchange.class(), 1);
        self.exchanges.push(exchange);
    }
}

/// A planned request that is not over yet.
#[derive(Debug)]
#[must_use = "a request that is never resolved was cancelled"]
pub struct Ticket {
    seq: u64,
    due: Instant,
    endpoint: usize,
    late: Option<Duration>,
}

impl Ticket {
    /// Its place in the plan, from 0.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// When the request was meant to be sent.
    pub fn due(&self) -> Instant {
        self.due
    }

    /// Which of the load's endpoints it is for.
    pub fn endpoint(&self) -> usize {
        self.endpoint
    }

    /// Says which of the load's endpoints it is for.
    pub fn for_endpoint(mut self, endpoint: usize) -> Self {
        self.endpoint = endpoint;
        self
    }

    /// Fixes the generator's own lateness, because from here on the target is waited for.
    pub(crate) fn queued(mut self, now: Instant) -> Self {
        self.late = Some(now.saturating_duration_since(self.due));
        self
    }

    /// Whether it had to wait for a slot.
    pub(crate) fn was_queued(&self) -> bool {
        self.late.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_never_resolved_was_cancelled_and_the_books_balance() {
        let start = Instant::now();
        let ms = Duration::from_millis;
        let recorder = Recorder::new(start);
        let _never = recorder.plan(start);
        let second = recorder.plan(start + ms(1));
        let (over, waiting) = recorder.over_between(Duration::ZERO, Duration::from_secs(1));
        assert_eq!((over.len(), waiting), (0, 2));
        recorder.resolve(second, start, start + ms(2), Class::Ok, Some(200));
        let settled = recorder.settled_since(Duration::ZERO);
        assert!(settled.is_empty(), "the first is not over yet");
        for _ in 0..2 {
            recorder.seal();
            let recording = recorder.recording("test", 1.0, ms(1), Duration::ZERO);
            let counts = recording.counts();
            assert_eq!((counts.planned, counts.good, counts.cancelled), (2, 1, 1));
            assert_eq!(recording.exchanges()[0].class(), Class::Cancelled);
        }
        assert_eq!(recorder.counts().planned, 2);
    }
}
