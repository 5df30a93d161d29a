//! `bandwidth` of 0: nothing gets through.

use crate::proxy::{Fate, Piece, Room, Stage};

/// `bandwidth` of 0: everything waits until the toxic is changed or removed.
#[derive(Debug)]
pub(in crate::toxiproxy) struct Stalled;

impl Stage for Stalled {
    fn judge(&mut self, _: &Piece<'_>) -> Fate {
        Fate::held()
    }

    fn room(&self) -> Room {
        Room {
            held: true,
            ..Room::default()
        }
    }
}
