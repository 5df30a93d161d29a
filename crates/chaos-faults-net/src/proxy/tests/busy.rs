//! A worker that is busy just then.

use crate::proxy::{Effect, Fate, Leg, Piece, Stage};
use std::sync::{Arc, Barrier};

/// Keeps the worker busy with [`BUSY`](Self::BUSY) from the client for as long as the test has something to do meanwhile.
#[derive(Debug, Clone)]
pub(super) struct Busy(Arc<Barrier>);

impl Default for Busy {
    fn default() -> Self {
        Self(Arc::new(Barrier::new(2)))
    }
}

impl Busy {
    pub(super) const BUSY: &[u8] = b"busy";

    /// Waits until the worker is busy, and keeps it so.
    pub(super) fn meanwhile<T>(&self, something: impl FnOnce() -> T) -> T {
        self.0.wait();
        let done = something();
        self.0.wait();
        done
    }

    fn keep_busy(&self, data: &[u8]) {
        if data == Self::BUSY {
            self.0.wait();
            self.0.wait();
        }
    }
}

impl Effect for Busy {
    fn stage(&self, leg: &Leg<'_>) -> Option<Box<dyn Stage>> {
        (leg.flow.name() == "upstream").then(|| -> Box<dyn Stage> { Box::new(self.clone()) })
    }
}

impl Stage for Busy {
    fn judge(&mut self, piece: &Piece<'_>) -> Fate {
        self.keep_busy(piece.data);
        Fate::at(piece.at)
    }
}
