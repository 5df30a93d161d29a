//! Ending a run before its time.

use serde::{Deserialize, Serialize};
use std::{fmt, sync::Arc};
use tokio::sync::watch;

/// Why a run is ended before its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "reason")]
#[non_exhaustive]
pub enum StopReason {
    /// Somebody asked: Ctrl-C, SIGTERM.
    Interrupted {
        /// How they asked.
        by: String,
    },
    /// A stop condition or an observer asked.
    Aborted {
        /// Which one, and why.
        by: String,
    },
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interrupted { by } | Self::Aborted { by } => f.write_str(by),
        }
    }
}

/// Ends runs early. Cheap to clone; the first reason counts.
#[derive(Debug, Clone)]
pub struct Stop {
    reason: Arc<watch::Sender<Option<StopReason>>>,
}

impl Default for Stop {
    fn default() -> Self {
        Self::new()
    }
}

impl Stop {
    /// One that nobody has asked yet.
    pub fn new() -> Self {
        Self {
            reason: Arc::new(watch::Sender::new(None)),
        }
    }

    /// Asks for the end. The run recovers its faults and reports.
    pub fn request(&self, reason: StopReason) {
        self.reason.send_if_modified(|current| {
            let first = current.is_none();
            if first {
                *current = Some(reason);
            }
            first
        });
    }

    /// Why the end was asked for, if it was.
    pub fn requested(&self) -> Option<StopReason> {
        self.reason.borrow().clone()
    }

    /// Waits until the end is asked for.
    pub async fn wait(&self) -> StopReason {
        let mut reason = self.reason.subscribe();
        loop {
            if let Some(reason) = reason.borrow_and_update().clone() {
                return reason;
            }
            // The sender lives in `self`, so this cannot fail.
            reason.changed().await.ok();
        }
    }
}
