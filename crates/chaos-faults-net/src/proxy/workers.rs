//! The threads that all proxies share, apart from the caller's: what the caller blocks must not slow a proxy.
//!
//! Each has a runtime of its own, and a connection stays on the thread it was given to: nothing is stolen and no
//! thread wakes another one for a message.

use super::{clock, watch};
use chaos_core::FaultError;
use std::{
    cell::Cell,
    future::Future,
    io,
    num::NonZero,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
};
use tokio::runtime::{Builder, EnterGuard, Handle, Runtime};

/// Never shut down: the threads end with the process.
static WORKERS: Mutex<&'static [Worker]> = Mutex::new(&[]);

/// More threads than this have never helped.
const MOST: usize = 8;

thread_local! {
    /// Which worker this thread is.
    static HERE: Cell<Option<usize>> = const { Cell::new(None) };
}

/// One thread and its runtime.
#[derive(Debug)]
pub(crate) struct Worker {
    number: usize,
    handle: Handle,
    connections: AtomicUsize,
}

impl Worker {
    /// The runtime, for what must be made within it.
    pub(crate) fn enter(&self) -> EnterGuard<'_> {
        self.handle.enter()
    }

    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }
}

/// A place for one connection on the home of its proxy, or on the worker that has the fewest.
#[derive(Debug)]
pub(crate) struct Seat(&'static Worker);

impl Seat {
    /// How many more connections than the others the home may have: going elsewhere costs more than serving a
    /// short one.
    const AHEAD: usize = 4;

    /// A place on one of the workers, which were started before.
    pub(crate) fn take(home: &'static Worker) -> Self {
        let workers = *WORKERS.lock().unwrap_or_else(PoisonError::into_inner);
        let count = |worker: &Worker| worker.connections.load(Ordering::Relaxed);
        let least = workers.iter().min_by_key(|worker| count(worker));
        let worker = least
            .filter(|least| count(least) + Self::AHEAD < count(home))
            .unwrap_or(home);
        worker.connections.fetch_add(1, Ordering::Relaxed);
        Self(worker)
    }

    /// Whether it is on this thread.
    pub(crate) fn is_here(&self) -> bool {
        HERE.get() == Some(self.0.number)
    }

    /// Runs a connection there.
    pub(crate) fn spawn(self, connection: impl Future<Output = ()> + Send + 'static) {
        let handle = self.0.handle.clone();
        drop(handle.spawn(async move {
            let _seat = self;
            connection.await;
        }));
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A worker for a new proxy; the threads are started when the first proxy is.
pub(crate) fn home() -> Result<&'static Worker, FaultError> {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let mut workers = WORKERS.lock().unwrap_or_else(PoisonError::into_inner);
    if workers.is_empty() {
        // A client and its dependency are often on the same host, and need the other half. But one alone would
        // have to wait whenever something else runs on its core.
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        let count = (cores / 2).clamp(2, MOST).min(cores);
        let started: io::Result<Vec<Worker>> = (0..count).map(start).collect();
        let started = started.map_err(|e| FaultError::host("start the proxy's threads", e))?;
        *workers = started.leak();
    }
    Ok(&workers[NEXT.fetch_add(1, Ordering::Relaxed) % workers.len()])
}

/// How many connections each worker has.
#[cfg(test)]
pub(crate) fn connections() -> Vec<usize> {
    let workers = *WORKERS.lock().unwrap_or_else(PoisonError::into_inner);
    let count = |worker: &Worker| worker.connections.load(Ordering::Relaxed);
    workers.iter().map(count).collect()
}

/// Without timers of its own where there is a better clock: it would ask for the time twice for each message.
fn runtime() -> io::Result<Runtime> {
    let mut builder = Builder::new_current_thread();
    builder.enable_io();
    if !clock::IS_OWN {
        builder.enable_time();
    }
    builder.build()
}

fn start(number: usize) -> io::Result<Worker> {
    let (started, starting) = mpsc::channel();
    thread::Builder::new()
        .name("chaos-proxy".to_owned())
        .spawn(move || {
            let begin = || {
                let runtime = runtime()?;
                let clock = {
                    let _within = runtime.enter();
                    drop(runtime.spawn(watch::start()?));
                    clock::start()?
                };
                Ok((runtime, clock))
            };
            match begin() {
                Ok((runtime, clock)) => {
                    HERE.set(Some(number));
                    started.send(Ok(runtime.handle().clone())).ok();
                    runtime.block_on(clock);
                }
                Err(error) => drop(started.send(Err(error))),
            }
        })?;
    let gone = |_| Err(io::Error::other("the thread is gone"));
    Ok(Worker {
        number,
        handle: starting.recv().unwrap_or_else(gone)?,
        connections: AtomicUsize::new(0),
    })
}
