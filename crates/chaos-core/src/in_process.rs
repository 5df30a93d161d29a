//! Changes inside this process: nothing on the host, nothing to log.

use crate::{Change, FaultError};
use std::fmt;

/// A change inside this process: no record, no fsync, gone with the process.
///
/// In-process changes of one resource stack, in order, without claims.
pub trait InProcess: fmt::Debug + Send + Sync + 'static {
    /// Keeps the change in place.
    type Held: Held;

    /// What a dry run prints.
    fn change(&self) -> Change;

    /// Puts the change in place. Must not block.
    ///
    /// # Errors
    /// Anything that kept the change from being made; nothing may be left of it.
    fn apply(&self) -> Result<Self::Held, FaultError>;
}

/// An in-process change that is in place. Dropping it releases it, too. [`Stacked`](crate::Stacked) is one for whatever asks its
/// faults what to do.
pub trait Held: fmt::Debug + Send + 'static {
    /// Whether the change is still in place.
    fn in_place(&self) -> bool;

    /// How often the change has done something: connections delayed, calls failed. `None`: it cannot be known.
    fn hits(&self) -> Option<u64>;

    /// Takes the change back.
    ///
    /// # Errors
    /// The change could not be taken back and is still in place.
    fn release(self) -> Result<(), FaultError>;
}

/// The dyn-safe twin of [`InProcess`].
pub(crate) trait ErasedInProcess: fmt::Debug + Send + Sync {
    fn apply_erased(&self) -> Result<Box<dyn ErasedHeld>, FaultError>;
}

impl<P: InProcess> ErasedInProcess for P {
    fn apply_erased(&self) -> Result<Box<dyn ErasedHeld>, FaultError> {
        Ok(Box::new(self.apply()?))
    }
}

/// The dyn-safe twin of [`Held`].
pub(crate) trait ErasedHeld: fmt::Debug + Send {
    fn in_place_erased(&self) -> bool;
    fn hits_erased(&self) -> Option<u64>;
    fn release_erased(self: Box<Self>) -> Result<(), FaultError>;
}

impl<H: Held> ErasedHeld for H {
    fn in_place_erased(&self) -> bool {
        self.in_place()
    }

    fn hits_erased(&self) -> Option<u64> {
        self.hits()
    }

    fn release_erased(self: Box<Self>) -> Result<(), FaultError> {
        (*self).release()
    }
}
