//! Putting the host back: in reverse, all of it, even after a failure.

use super::Shared;
use crate::{
    Chain, EngineError, FaultError, Leftover, Lifetime, Presence, Ready, Undone,
    guard::guarded,
    identity,
    seed::Seed,
    undo::UndoRecord,
    undo_log::{Entry, Found, Log, Outstanding, Scan},
};
use std::{
    fs::OpenOptions,
    io::Write,
    sync::Arc,
    time::{Duration, Instant},
};
use tracing::Instrument;

/// How often an undo is tried before its change counts as left.
const TRIES: u32 = 3;
/// The pause after the first try; it doubles.
const PAUSE: Duration = Duration::from_millis(100);
/// How much longer than usual it may take to ask how often changes have acted, for all changes of a session: putting back
/// waits for it.
pub(super) const HITS: Duration = Duration::from_secs(1);

/// What a recovery did.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Recovered {
    /// How many injections were recovered.
    pub injections: usize,
    /// How many changes were in place and are gone.
    pub reverted: usize,
    /// How many changes had nothing to put back.
    pub already_gone: usize,
    /// What was found in the place of a change and left alone because it is not ours.
    pub left_alone: Vec<String>,
    /// What could not be undone. It stays in the undo log.
    pub left: Vec<Leftover>,
    /// Logs that cannot be read or trusted. They are left where they are.
    pub unreadable: Vec<String>,
    /// Faults that were gone before their time, and why.
    pub lost: Vec<String>,
    /// How often the faults have done something, as far as they or the host count that.
    pub hits: u64,
    pub(crate) ready: Vec<Arc<dyn Ready>>,
}

impl Recovered {
    /// Whether nothing is left on the host and every log could be read.
    pub fn is_clean(&self) -> bool {
        self.left.is_empty() && self.unreadable.is_empty()
    }

    /// How many changes were dealt with.
    pub fn changes(&self) -> usize {
        self.reverted + self.already_gone + self.left_alone.len() + self.left.len()
    }

    /// Waits until the targets answer again, as far as their faults know how to ask, and says how long that
    /// took.
    ///
    /// # Errors
    /// A target does not answer within the limit.
    pub async fn answered(&self, limit: Duration) -> Result<Duration, FaultError> {
        let start = Instant::now();
        for ready in &self.ready {
            wait_ready(ready.as_ref(), start + limit)
                .await
                .map_err(|e| match e {
                    Some(source) => {
                        FaultError::host(format!("see that {}", ready.describe()), source)
                    }
                    None => FaultError::TimedOut {
                        operation: ready.describe(),
                        limit,
                    },
                })?;
        }
        Ok(start.elapsed())
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.injections += other.injections;
        self.reverted += other.reverted;
        self.already_gone += other.already_gone;
        self.hits += other.hits;
        self.left_alone.extend(other.left_alone);
        self.left.extend(other.left);
        self.unreadable.extend(other.unreadable);
        self.lost.extend(other.lost);
        self.ready.extend(other.ready);
    }

    pub(super) fn count(&mut self, change: &str, undone: &Undone) {
        match undone {
            Undone::Reverted => self.reverted += 1,
            Undone::AlreadyGone => self.already_gone += 1,
            Undone::LeftAlone { found } => {
                tracing::warn!(change, found, "left alone, it is not ours");
                self.left_alone.push(format!("{change}: found {found}"));
            }
        }
    }
}

/// Asks until the target works again; what it said last when it did not in time.
pub(crate) async fn wait_ready(
    ready: &dyn Ready,
    deadline: Instant,
) -> Result<(), Option<crate::BoxError>> {
    let mut last = None;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match tokio::time::timeout(left, ready.ready()).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => last = Some(error),
            Err(_) => return Err(last),
        }
        tokio::time::sleep(Duration::from_millis(50).min(left)).await;
    }
}

/// How often a change that is still in place has acted, as far as the host counts that.
///
/// # Errors
/// The host did not say, or not in time.
pub(super) async fn hits_of(
    shared: &Shared,
    log_id: &crate::InjectionId,
    change: &str,
    record: &UndoRecord,
    limit: Duration,
) -> Result<Option<u64>, FaultError> {
    let cx = shared.context(log_id, "", Seed::new(0));
    let undo = shared.registry.decode(record)?;
    let asked = undo.hits_erased(&cx);
    guarded(&format!("count what `{change}` did"), limit, asked).await
}

/// Undoes one record and sees that it is gone.
pub(super) async fn undo_record(
    shared: &Shared,
    log_id: &crate::InjectionId,
    change: &str,
    record: &UndoRecord,
) -> Result<Undone, FaultError> {
    let cx = shared.context(log_id, "", Seed::new(0));
    let undo = shared.registry.decode(record)?;
    let mut pause = PAUSE;
    for attempt in 1.. {
        let once = async {
            let undone = undo.undo_erased(&cx).await?;
            match undo.presence_erased(&cx).await? {
                Presence::InPlace => Err(FaultError::host(
                    "see it gone",
                    "it is still in place after its undo",
                )),
                _ => Ok(undone),
            }
        };
        let span = tracing::info_span!("undo", kind = record.kind, attempt);
        match guarded(&format!("undo {change}"), shared.step_limit, once)
            .instrument(span)
            .await
        {
            Ok(undone) => return Ok(undone),
            Err(error) if attempt >= TRIES => return Err(error),
            Err(error) => {
                tracing::debug!(change, attempt, error = %Chain(&error), "undo failed, trying again");
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
        }
    }
    unreachable!("the loop returns")
}

/// Undoes what a log says, in reverse, and closes the log when nothing is left.
pub(crate) async fn recover_found(shared: &Shared, found: Found) -> Recovered {
    let mut recovered = Recovered {
        injections: 1,
        ..Recovered::default()
    };
    let Some(mut log) = found.orphan else {
        return recovered;
    };
    tracing::info!(injection = %found.header.injection, pid = found.header.pid, "recovering what a dead owner has left");
    log.cut_to(found.whole);
    let outstanding = Entry::outstanding(&found.entries);
    let rebooted = identity::boot_id().is_ok_and(|now| now != found.header.boot);
    for step in outstanding.iter().rev() {
        undo_step(
            shared,
            &found.header.injection,
            step,
            rebooted,
            Some(&mut log),
            &mut recovered,
        )
        .await;
    }
    recovered
        .unreadable
        .extend(found.damage.iter().map(ToString::to_string));
    if recovered.is_clean()
        && let Err(error) = log.close()
    {
        recovered.unreadable.push(Chain(&error).to_string());
    }
    recovered
}

async fn undo_step(
    shared: &Shared,
    id: &crate::InjectionId,
    step: &Outstanding,
    rebooted: bool,
    log: Option<&mut Log>,
    recovered: &mut Recovered,
) {
    let change = &step.change.summary;
    let undone = if rebooted && step.undo.lifetime == Lifetime::Boot {
        Ok(Undone::AlreadyGone)
    } else {
        undo_record(shared, id, change, &step.undo).await
    };
    match undone {
        Ok(undone) => {
            tracing::debug!(step = step.step, change, ?undone, "undone");
            recovered.count(change, &undone);
            if let Some(log) = log {
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
            recovered
                .left
                .push(Leftover::new(change, Chain(&error).to_string()));
        }
    }
}

/// Undoes what the log of a living but hung owner says, and tells that owner through its log.
///
/// The log stays: if the owner wakes in the middle of a step, it finds the entry and undoes that step itself;
/// if it dies, the log is an orphan.
pub(crate) async fn take_over(shared: &Shared, found: &Found) -> Result<Recovered, EngineError> {
    let mut line = serde_json::to_vec(&Entry::TakenOver {
        by: std::process::id(),
    })
    .unwrap_or_default();
    line.push(b'\n');
    OpenOptions::new()
        .append(true)
        .open(&found.path)
        .and_then(|mut file| file.write_all(&line).and_then(|()| file.sync_data()))
        .map_err(|source| {
            EngineError::UndoLog(crate::UndoLogError::Io {
                operation: "take over",
                path: found.path.clone(),
                source,
            })
        })?;
    let mut recovered = Recovered {
        injections: 1,
        ..Recovered::default()
    };
    // Read again: the owner may have written between our reading and our entry, and not after it.
    let scan = Scan::look(&shared.dir).map_err(EngineError::UndoLog)?;
    for now in scan.found.iter().filter(|now| now.path == found.path) {
        for step in Entry::outstanding(&now.entries).iter().rev() {
            undo_step(
                shared,
                &now.header.injection,
                step,
                false,
                None,
                &mut recovered,
            )
            .await;
        }
    }
    Ok(recovered)
}
