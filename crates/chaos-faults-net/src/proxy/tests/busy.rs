//! A worker that is busy just then.

use super::LIMIT;
use crate::proxy::{Effect, Fate, Leg, Piece, Stage};
use std::sync::{
    Arc, Mutex,
    mpsc::{Receiver, Sender, channel},
};

/// Keeps the worker busy with [`BUSY`](Self::BUSY) from the client for as long as the test has something to do meanwhile.
#[derive(Debug, Clone)]
pub(super) struct Busy {
    /// The worker is busy.
    begins: (Sender<()>, Arc<Mutex<Receiver<()>>>),
    /// The test is done.
    ends: (Sender<()>, Arc<Mutex<Receiver<()>>>),
}

impl Default for Busy {
    fn default() -> Self {
        let pair = || {
            let (sender, receiver) = channel();
            (sender, Arc::new(Mutex::new(receiver)))
        };
        Self {
            begins: pair(),
            ends: pair(),
        }
    }
}

impl Busy {
    pub(super) const BUSY: &[u8] = b"busy";

    /// Waits until the worker is busy, and keeps it so.
    pub(super) fn meanwhile<T>(&self, something: impl FnOnce() -> T) -> T {
        self.begins.1.lock().unwrap().recv_timeout(LIMIT).unwrap();
        let done = something();
        self.ends.0.send(()).unwrap();
        done
    }
}

impl Effect for Busy {
    fn stage(&self, leg: &Leg<'_>) -> Option<Box<dyn Stage>> {
        (leg.flow.name() == "upstream").then(|| -> Box<dyn Stage> { Box::new(self.clone()) })
    }
}

impl Stage for Busy {
    fn judge(&mut self, piece: &Piece<'_>) -> Fate {
        if piece.data == Self::BUSY {
            self.begins.0.send(()).ok();
            // A test that failed meanwhile does not end it, but the worker is one of all tests.
            self.ends.1.lock().unwrap().recv_timeout(LIMIT).ok();
        }
        Fate::at(piece.at)
    }
}
