//! How many requests there can be at most.

use super::{Class, OpenLoop, Traffic, Work};
use chaos_core::BoxError;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

/// What a closed loop reached.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Ceiling {
    /// Good answers per second.
    pub per_second: f64,
    /// How many requests failed.
    pub failed: u64,
}

impl<T: Traffic> OpenLoop<T> {
    /// Finds out how many requests per second this load's slots and the target can do at most: for so long each slot sends the
    /// next request as soon as the last one is answered (a closed loop), on this thread, which it blocks.
    ///
    /// It tells which rates make sense. It says nothing of what users feel: a target that stops for a second has no request in
    /// that second (coordinated omission).
    ///
    /// # Errors
    /// What [`check`](Self::check) finds, or no runtime can be made.
    pub fn ceiling(&self, time: Duration) -> Result<Ceiling, BoxError> {
        let (work, slots, timeout) = self.ready()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let start = Instant::now();
        let end = start + time;
        let (good, failed) = runtime.block_on(async {
            let work = Arc::new(work);
            let mut tasks = JoinSet::new();
            for slot in 0..slots {
                tasks.spawn(turn(Arc::clone(&work), slot as u64, timeout, end));
            }
            let (mut good, mut failed) = (0, 0);
            while let Some(done) = tasks.join_next().await {
                let (more_good, more_failed) = done?;
                good += more_good;
                failed += more_failed;
            }
            Ok::<_, tokio::task::JoinError>((good, failed))
        })?;
        runtime.shutdown_background();
        #[expect(clippy::cast_precision_loss, reason = "counts stay below 2^52")]
        let per_second = good as f64 / start.elapsed().as_secs_f64();
        Ok(Ceiling { per_second, failed })
    }
}

/// What one slot does: one request after the other.
async fn turn<W: Work>(work: Arc<W>, first: u64, timeout: Duration, end: Instant) -> (u64, u64) {
    let mut slot = work.slot();
    let (mut good, mut failed) = (0, 0);
    let mut seq = first;
    while Instant::now() < end {
        let exchange = work.exchange(work.endpoint(seq), &mut slot);
        match tokio::time::timeout(timeout, exchange).await {
            Ok(answer) if answer.class == Class::Ok => good += 1,
            Ok(_) => failed += 1,
            Err(_) => {
                slot = work.slot();
                failed += 1;
            }
        }
        seq += 1;
    }
    (good, failed)
}
