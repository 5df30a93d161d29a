//! What is found in a network namespace in the place of something of ours.

use chaos_core::{FaultError, Presence, Undone};

/// What is there now.
pub(crate) enum Now<T> {
    /// Nothing, or what was there before.
    Gone,
    /// Something of somebody else.
    Foreign(String),
    /// What is ours, with what it takes to undo it.
    Ours(T),
}

impl<T> Now<T> {
    /// What is told of it.
    pub(crate) fn presence(self) -> Presence {
        match self {
            Self::Gone => Presence::Gone,
            Self::Foreign(found) => Presence::Foreign { found },
            Self::Ours(_) => Presence::InPlace,
        }
    }

    /// Undoes what is ours by `undo`, and leaves everything else alone.
    pub(crate) fn undone(
        self,
        undo: impl FnOnce(T) -> Result<Undone, FaultError>,
    ) -> Result<Undone, FaultError> {
        match self {
            Self::Gone => Ok(Undone::AlreadyGone),
            Self::Foreign(found) => Ok(Undone::LeftAlone { found }),
            Self::Ours(ours) => undo(ours),
        }
    }
}
