//! Writing down what became of every planned request.

use super::{Class, Exchange};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Everything that a load saw so far.
#[derive(Debug)]
pub(crate) struct Recorder {
    epoch: Instant,
    book: Mutex<Book>,
}

#[derive(Debug, Default)]
struct Book {
    planned: u64,
    /// What is not over yet: its place in the plan and its intended time.
    pending: BTreeMap<u64, Duration>,
    /// In the order in which they were over.
    exchanges: Vec<Exchange>,
}

impl Recorder {
    pub(crate) fn new(epoch: Instant) -> Self {
        Self {
            epoch,
            book: Mutex::default(),
        }
    }

    /// Notes that a request is due. Whatever happens to the ticket, it is written down exactly once.
    pub(crate) fn plan(self: &Arc<Self>, seq: u64, due: Instant) -> Ticket {
        let intended = self.since_epoch(due);
        let mut book = self.book();
        book.planned += 1;
        book.pending.insert(seq, intended);
        Ticket {
            recorder: Arc::clone(self),
            seq,
            due,
            late: None,
            open: true,
        }
    }

    /// Those that were over at `from` or later, and how many were planned that are not in an earlier part.
    pub(crate) fn snapshot(&self, from: Duration) -> (u64, Vec<Exchange>) {
        let book = self.book();
        // In the order of `done`.
        let earlier = book.exchanges.partition_point(|e| e.done() < from);
        (
            book.planned - earlier as u64,
            book.exchanges[earlier..].to_vec(),
        )
    }

    /// What is over of the exchanges meant to be sent from `from` to before `to`, by intended time; and how
    /// many of them are not over.
    pub(crate) fn over_between(&self, from: Duration, to: Duration) -> (Vec<Exchange>, usize) {
        let book = self.book();
        let inside = |at: &Duration| (from..to).contains(at);
        let waiting = book.pending.values().filter(|at| inside(at)).count();
        let mut over: Vec<Exchange> = book
            .exchanges
            .iter()
            .filter(|e| inside(&e.intended()))
            .copied()
            .collect();
        drop(book);
        over.sort_by_key(|e| (e.intended(), e.seq()));
        (over, waiting)
    }

    /// The exchanges meant to be sent from `from` on, by intended time, up to the first that is not over yet.
    pub(crate) fn settled_since(&self, from: Duration) -> Vec<Exchange> {
        let book = self.book();
        let watermark = book.pending.values().min().copied();
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
        settled.sort_by_key(|e| (e.intended(), e.seq()));
        settled
    }

    fn since_epoch(&self, at: Instant) -> Duration {
        at.saturating_duration_since(self.epoch)
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A planned request that is not over yet. Dropped unresolved it is cancelled.
#[derive(Debug)]
pub(crate) struct Ticket {
    recorder: Arc<Recorder>,
    seq: u64,
    due: Instant,
    late: Option<Duration>,
    open: bool,
}

impl Ticket {
    /// When the request was meant to be sent.
    pub(crate) fn due(&self) -> Instant {
        self.due
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

    /// Writes down what became of it.
    pub(crate) fn resolve(
        mut self,
        sent: Instant,
        done: Instant,
        class: Class,
        status: Option<u16>,
    ) {
        self.write(sent, done, class, status);
    }

    fn write(&mut self, sent: Instant, done: Instant, class: Class, status: Option<u16>) {
        self.open = false;
        let recorder = &self.recorder;
        let at = |instant| recorder.since_epoch(instant);
        let mut exchange =
            Exchange::new(self.seq, at(self.due), at(sent), at(done), class).with_status(status);
        if let Some(late) = self.late {
            exchange = exchange.with_late(late);
        }
        let mut book = recorder.book();
        book.pending.remove(&self.seq);
        book.exchanges.push(exchange);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.open {
            let now = Instant::now();
            self.write(now, now, Class::Cancelled, None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_ticket_is_cancelled_and_the_books_balance() {
        let start = Instant::now();
        let recorder = Arc::new(Recorder::new(start));
        let first = recorder.plan(0, start);
        let second = recorder.plan(1, start + Duration::from_millis(1));
        let (over, waiting) = recorder.over_between(Duration::ZERO, Duration::from_secs(1));
        assert_eq!((over.len(), waiting), (0, 2));
        second.resolve(
            start,
            start + Duration::from_millis(2),
            Class::Ok,
            Some(200),
        );
        let settled = recorder.settled_since(Duration::ZERO);
        assert!(settled.is_empty(), "the first is not over yet");
        drop(first);
        let (planned, exchanges) = recorder.snapshot(Duration::ZERO);
        assert_eq!((planned, exchanges.len()), (2, 2));
        assert_eq!(exchanges[1].class(), Class::Cancelled);
    }
}
