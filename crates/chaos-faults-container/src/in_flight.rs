//! A request that the engine may still be carrying out for a client that has died.

use chaos_core::{Context, FaultError};
use std::time::{Duration, Instant};

/// How long an engine may take beyond the time that it was given.
const SLACK: Duration = Duration::from_secs(2);
/// How often is looked.
const EVERY: Duration = Duration::from_millis(50);

/// How long an undo may wait, so that enough of its step is left for what it does then.
fn longest(cx: &Context) -> Duration {
    cx.step_limit() / 10 * 9
}

/// Waits until the host has changed, or a request that was made before now must be over.
///
/// A record is written before the request and is the same in every plan, so it cannot say when the request was made.
/// It was made before now, which is all that is needed.
///
/// `within` is how long the engine takes by itself; `None`: nobody knows, as long as this step allows.
///
/// # Errors
/// The host cannot be looked at, or this step is too short to be sure.
pub(crate) async fn until_over<F>(
    what: &str,
    within: Option<Duration>,
    cx: &Context,
    unchanged: impl Fn() -> F,
) -> Result<(), FaultError>
where
    F: Future<Output = Result<bool, FaultError>>,
{
    let start = Instant::now();
    let longest = longest(cx);
    let wait = within.map_or(longest, |within| (within + SLACK).min(longest));
    while unchanged().await? {
        if start.elapsed() < wait {
            tokio::time::sleep(EVERY).await;
            continue;
        }
        return match within {
            Some(within) if wait < within => Err(FaultError::host(
                format!("see that no {what} is under way"),
                format!(
                    "the Docker Engine may take {within:?} for it, and a step of this process {:?}",
                    cx.step_limit()
                ),
            )),
            _ => Ok(()),
        };
    }
    Ok(())
}
