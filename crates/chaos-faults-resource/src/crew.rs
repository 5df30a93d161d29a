//! Threads that work until they are released.

use chaos_core::{FaultError, Held};
use std::{
    fmt, io,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// How long the threads may take to begin.
const BEGIN: Duration = Duration::from_secs(5);
/// How long they may take to end: a disk may be slow, and giving back much memory takes its time.
const END: Duration = Duration::from_secs(30);

/// Threads of one in-process change. Dropping it tells them to end.
pub(crate) struct Crew {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

/// What a working thread sees of its crew.
#[derive(Debug)]
pub(crate) struct Shared {
    ended: AtomicBool,
    hits: AtomicU64,
    at_work: Mutex<usize>,
    changed: Condvar,
}

impl Shared {
    /// Whether the work is over.
    pub(crate) fn ended(&self) -> bool {
        self.ended.load(Relaxed)
    }

    /// Counts so many pieces of work.
    pub(crate) fn hit(&self, hits: u64) {
        self.hits.fetch_add(hits, Relaxed);
    }

    /// Rests until then, or until the work is over.
    pub(crate) fn rest_until(&self, until: Instant) {
        let mut at_work = self.lock();
        while !self.ended() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            at_work = self
                .changed
                .wait_timeout(at_work, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, usize> {
        self.at_work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until so many are at work.
    fn wait_for(&self, wanted: usize) -> bool {
        let at_work = self.lock();
        let (at_work, _) = self
            .changed
            .wait_timeout_while(at_work, END, |at_work| *at_work != wanted)
            .unwrap_or_else(PoisonError::into_inner);
        *at_work == wanted
    }

    fn end(&self) {
        // Under the lock, so that nobody goes to rest between looking and waiting.
        let at_work = self.lock();
        self.ended.store(true, Relaxed);
        drop(at_work);
        self.changed.notify_all();
    }
}

/// One thread at work; it counts as gone also when it panics.
struct AtWork(Arc<Shared>);

impl AtWork {
    fn begin(shared: Arc<Shared>) -> Self {
        *shared.lock() += 1;
        shared.changed.notify_all();
        Self(shared)
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        *self.0.lock() -= 1;
        self.0.changed.notify_all();
    }
}

impl Crew {
    /// Starts a thread of this name for each piece of work, and waits until all of them have begun.
    pub(crate) fn start<W>(
        name: &str,
        work: impl IntoIterator<Item = W>,
    ) -> Result<Self, FaultError>
    where
        W: FnOnce(&Shared) + Send + 'static,
    {
        let failed = |e: io::Error| FaultError::host(format!("start a thread `{name}`"), e);
        let shared = Arc::new(Shared {
            ended: AtomicBool::new(false),
            hits: AtomicU64::new(0),
            at_work: Mutex::new(0),
            changed: Condvar::new(),
        });
        // Those that have begun end when the crew is dropped.
        let mut crew = Self {
            shared: Arc::clone(&shared),
            threads: Vec::new(),
        };
        let (begun, begins) = std::sync::mpsc::channel();
        for work in work {
            let (shared, begun) = (Arc::clone(&shared), begun.clone());
            let thread = thread::Builder::new().name(name.to_owned()).spawn(move || {
                let at_work = AtWork::begin(shared);
                begun.send(()).ok();
                drop(begun);
                work(&at_work.0);
            });
            crew.threads.push(thread.map_err(failed)?);
        }
        let until = Instant::now() + BEGIN;
        for _ in &crew.threads {
            let left = until.saturating_duration_since(Instant::now());
            begins
                .recv_timeout(left)
                .map_err(|_| FaultError::TimedOut {
                    operation: format!("start the threads `{name}`"),
                    limit: BEGIN,
                })?;
        }
        Ok(crew)
    }
}

impl Held for Crew {
    fn in_place(&self) -> bool {
        *self.shared.lock() == self.threads.len()
    }

    fn hits(&self) -> Option<u64> {
        Some(self.shared.hits.load(Relaxed))
    }

    fn release(mut self) -> Result<(), FaultError> {
        self.shared.end();
        if !self.shared.wait_for(0) {
            let operation = format!("end {} threads", *self.shared.lock());
            let limit = END;
            return Err(FaultError::TimedOut { operation, limit });
        }
        for thread in self.threads.drain(..) {
            // A thread that panicked has said so; it has ended all the same.
            thread.join().ok();
        }
        Ok(())
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        self.shared.end();
    }
}

impl fmt::Debug for Crew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Crew")
            .field("threads", &self.threads.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resting(shared: &Shared) {
        shared.hit(1);
        shared.rest_until(Instant::now() + Duration::from_secs(60));
    }

    #[test]
    fn release_wakes_those_who_rest() {
        let crew = Crew::start("chaos-test", [resting, resting]).unwrap();
        assert!(crew.in_place());
        let start = Instant::now();
        crew.release().unwrap();
        assert!(start.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn one_that_has_given_up_is_noticed() {
        let work: [fn(&Shared); 2] = [resting, |_| {}];
        let crew = Crew::start("chaos-test", work).unwrap();
        let start = Instant::now();
        while crew.in_place() {
            assert!(start.elapsed() < Duration::from_secs(30));
            thread::yield_now();
        }
        crew.release().unwrap();
    }

    #[test]
    fn a_dropped_crew_ends() {
        let crew = Crew::start("chaos-test", [resting]).unwrap();
        let shared = Arc::clone(&crew.shared);
        drop(crew);
        assert!(shared.wait_for(0));
    }
}
