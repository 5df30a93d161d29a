//! The thread that looks.

use super::{process::Proc, watched::Watched};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::{
    runtime::Builder,
    sync::oneshot,
    task::JoinSet,
    time::{Instant as Clock, MissedTickBehavior, interval_at},
};

/// What the thread sees, and everybody may read.
#[derive(Debug, Clone, Default)]
pub(super) struct Board(Arc<Mutex<Vec<Watched>>>);

impl Board {
    pub(super) fn lock(&self) -> MutexGuard<'_, Vec<Watched>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A thread that looks every so often. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Sampler {
    stop: oneshot::Sender<()>,
    over: oneshot::Receiver<()>,
}

impl Sampler {
    pub(super) fn start(board: Board, epoch: Instant, every: Duration) -> std::io::Result<Self> {
        let (stop, stopped) = oneshot::channel();
        let (ended, over) = oneshot::channel();
        let runtime = Builder::new_current_thread().enable_all().build()?;
        std::thread::Builder::new()
            .name("chaos-resources".into())
            .spawn(move || {
                let looking = Looking {
                    board,
                    epoch,
                    every,
                    proc: Proc::of_this_machine(),
                    last: None,
                };
                runtime.block_on(looking.run(stopped));
                // A target that hangs while it is looked for keeps nobody.
                runtime.shutdown_background();
                ended.send(()).ok();
            })?;
        Ok(Self { stop, over })
    }

    /// Looks a last time and ends.
    pub(super) async fn finish(self, patience: Duration) {
        self.stop.send(()).ok();
        tokio::time::timeout(patience, self.over).await.ok();
    }
}

struct Looking {
    board: Board,
    epoch: Instant,
    every: Duration,
    proc: Proc,
    /// When it was looked last.
    last: Option<Duration>,
}

impl Looking {
    async fn run(mut self, mut stopped: oneshot::Receiver<()>) {
        let mut finding = JoinSet::new();
        let mut clock = interval_at(Clock::now(), self.every);
        clock.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                biased;
                end = &mut stopped => {
                    // Somebody who dropped it asks for nothing more. CPU time in hundredths of a second says little of
                    // less than half a sample.
                    let since = self.epoch.elapsed().saturating_sub(self.last.unwrap_or_default());
                    if end.is_ok() && since * 2 >= self.every {
                        self.look();
                    }
                    return;
                }
                _ = clock.tick() => {
                    let now = self.look();
                    for (nth, watched) in self.board.lock().iter_mut().enumerate() {
                        if let Some(finder) = watched.due(now) {
                            finding.spawn(async move { (nth, (finder.0)().await) });
                        }
                    }
                }
                Some(found) = finding.join_next(), if !finding.is_empty() => {
                    // One that panicked is not asked again.
                    let Ok((nth, found)) = found else { continue };
                    let now = self.epoch.elapsed();
                    let mut board = self.board.lock();
                    let Some(watched) = board.get_mut(nth) else { continue };
                    watched.found(found, &self.proc, now);
                }
            }
        }
    }

    fn look(&mut self) -> Duration {
        let now = self.epoch.elapsed();
        let from = self.last.replace(now).unwrap_or(now);
        for watched in self.board.lock().iter_mut() {
            watched.look(&self.proc, from, now);
        }
        now
    }
}
