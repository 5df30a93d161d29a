//! What is written: the format on disk.
//!
//! Reading is tolerant, because another version may have written: unknown fields and entries are passed over.
//! A log of a newer format is not acted on at all.

use crate::{Change, InjectionId, ProcessId, Undone, undo::UndoRecord};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The format that this version writes, and the newest that it reads.
pub(crate) const FORMAT: u32 = 1;

/// The first entry of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Header {
    pub(crate) format: u32,
    pub(crate) injection: InjectionId,
    pub(crate) pid: u32,
    /// The owner by start time, where the system tells it.
    pub(crate) owner: Option<ProcessId>,
    /// The boot that changes of lifetime `boot` belong to.
    pub(crate) boot: String,
    /// When the changes must be gone, since boot.
    pub(crate) deadline: Duration,
    /// Whether a watchdog may kill an owner that is still there past the deadline.
    pub(crate) kill_hung_owner: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
pub(crate) enum Entry {
    Opened(Header),
    /// This is about to be done.
    Intent {
        step: u64,
        fault: String,
        change: Change,
        undo: UndoRecord,
    },
    /// It was done and seen in place.
    Applied {
        step: u64,
    },
    /// It was undone and seen gone.
    Undone {
        step: u64,
        how: Undone,
    },
    /// Something irreversible is about to be done; for the reader.
    OneWay {
        fault: String,
        change: Change,
    },
    /// A watchdog has undone everything; the owner must not go on.
    TakenOver {
        by: u32,
    },
    /// An entry of a later version.
    #[serde(other)]
    Unknown,
}

/// A change that was intended and is not yet undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outstanding {
    pub(crate) step: u64,
    pub(crate) change: Change,
    pub(crate) undo: UndoRecord,
    /// Whether it was seen in place.
    pub(crate) applied: bool,
}

impl Entry {
    /// What is left to undo after these entries, in the order it was intended.
    pub(crate) fn outstanding(entries: &[Self]) -> Vec<Outstanding> {
        let mut left: Vec<Outstanding> = Vec::new();
        for entry in entries {
            match entry {
                Self::Intent {
                    step, change, undo, ..
                } => left.push(Outstanding {
                    step: *step,
                    change: change.clone(),
                    undo: undo.clone(),
                    applied: false,
                }),
                Self::Applied { step } => {
                    if let Some(intent) = left.iter_mut().find(|o| o.step == *step) {
                        intent.applied = true;
                    }
                }
                Self::Undone { step, .. } => left.retain(|o| o.step != *step),
                _ => {}
            }
        }
        left
    }
}
