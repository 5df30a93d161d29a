//! What a fault would do: an ordered list of changes, none of which has been made.

use crate::{
    Action, BoxError, Change, FaultError, InProcess, OneWay, action::ErasedAction,
    in_process::ErasedInProcess, undo::UndoRecord,
};
use async_trait::async_trait;
use std::{fmt, sync::Arc, time::Duration};

/// An ordered list of changes, nothing of which has happened yet.
///
/// A dry run prints it; an injection carries out the very same objects.
#[derive(Debug, Default)]
#[must_use = "a plan does nothing until the engine injects it"]
pub struct Plan {
    pub(crate) steps: Vec<Step>,
    pub(crate) ready: Vec<Arc<dyn Ready>>,
    pub(crate) notes: Vec<String>,
    pub(crate) lasting: Option<Duration>,
    pub(crate) broken: Option<FaultError>,
}

#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) change: Change,
    pub(crate) how: How,
}

#[derive(Debug)]
pub(crate) enum How {
    Reversible {
        undo: UndoRecord,
        action: Box<dyn ErasedAction>,
    },
    OneWay {
        why: &'static str,
        action: Box<dyn OneWay>,
    },
    InProcess(Box<dyn ErasedInProcess>),
}

/// Tells whether a target works again after its fault was taken back.
///
/// The fault's end is stamped when the undo returns; the moment the target answers gets a stamp of its own,
/// so that the target's recovery time is not measured away.
#[async_trait]
pub trait Ready: fmt::Debug + Send + Sync + 'static {
    /// What is waited for: `127.0.0.1:5432 answers`.
    fn describe(&self) -> String;

    /// Asks once.
    ///
    /// # Errors
    /// The target does not work yet, and what it said.
    async fn ready(&self) -> Result<(), BoxError>;
}

impl Plan {
    /// An empty plan.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a change that a record can reverse.
    pub fn then<A: Action>(mut self, action: A) -> Self {
        match UndoRecord::of::<A::Undo>(&action.undo()) {
            Ok(undo) => self.steps.push(Step {
                change: action.change(),
                how: How::Reversible {
                    undo,
                    action: Box::new(action),
                },
            }),
            Err(error) => self.broken = Some(error),
        }
        self
    }

    /// Adds a change that cannot be reversed, and why.
    pub fn then_one_way(mut self, action: impl OneWay, why: &'static str) -> Self {
        self.steps.push(Step {
            change: action.change(),
            how: How::OneWay {
                why,
                action: Box::new(action),
            },
        });
        self
    }

    /// Adds a change inside this process.
    pub fn then_in_process(mut self, change: impl InProcess) -> Self {
        self.steps.push(Step {
            change: change.change(),
            how: How::InProcess(Box::new(change)),
        });
        self
    }

    /// Adds what another plan does.
    pub fn and(mut self, other: Self) -> Self {
        self.steps.extend(other.steps);
        self.ready.extend(other.ready);
        self.notes.extend(other.notes);
        self.lasting = self.lasting.or(other.lasting);
        self.broken = self.broken.or(other.broken);
        self
    }

    /// Recovers after so long, when nothing else is said where the fault is placed: for faults whose strength is
    /// their length.
    pub fn lasting(mut self, time: Duration) -> Self {
        self.lasting = Some(time);
        self
    }

    /// Asks, after the recovery, until the target works again.
    pub fn ready_when(mut self, ready: impl Ready) -> Self {
        self.ready.push(Arc::new(ready));
        self
    }

    /// Adds a line for the reader of a dry run, such as which way was chosen and why.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// The changes, in order.
    pub fn changes(&self) -> impl Iterator<Item = &Change> {
        self.steps.iter().map(|s| &s.change)
    }

    /// The undo records of the reversible changes, in order.
    pub fn records(&self) -> impl Iterator<Item = &UndoRecord> {
        self.steps.iter().filter_map(|s| match &s.how {
            How::Reversible { undo, .. } => Some(undo),
            _ => None,
        })
    }

    /// Lines for the reader of a dry run.
    pub fn notes(&self) -> impl Iterator<Item = &str> {
        self.notes.iter().map(String::as_str)
    }

    /// Whether two plans would do the same.
    pub(crate) fn same_as(&self, other: &Self) -> bool {
        self.changes().eq(other.changes()) && self.records().eq(other.records())
    }
}
