//! `timeout`: everything is dropped, and silence ends the connection.

use crate::proxy::{Fate, Piece, Stage, Then};
use std::time::{Duration, Instant};

/// `timeout`: everything is dropped, and when nothing came for a time the connection is closed. As data is missing by then,
/// the connection does not survive the toxic either.
#[derive(Debug)]
pub(in crate::toxiproxy) struct Timeout {
    /// `None`: it is never closed.
    timeout: Option<Duration>,
    /// When something came last, or the toxic was touched.
    last: Instant,
    /// When the piece that was asked about comes.
    asked: Instant,
}

impl Timeout {
    pub(in crate::toxiproxy) fn new(timeout: Option<Duration>) -> Self {
        let now = Instant::now();
        Self {
            timeout,
            last: now,
            asked: now,
        }
    }
}

impl Stage for Timeout {
    fn judge(&mut self, piece: &Piece<'_>) -> Fate {
        self.asked = piece.at.max(self.last);
        Fate::at(piece.at).lost()
    }

    fn passed(&mut self) {
        self.last = self.asked;
    }

    fn deadline(&self) -> Option<(Instant, Then)> {
        let at = self.last.checked_add(self.timeout?)?;
        Some((at, Then::Close))
    }

    fn taken_off(&self) -> Then {
        Then::Close
    }
}

#[cfg(test)]
mod tests {
    use super::{super::piece, *};
    use crate::proxy::Carried;

    #[test]
    fn the_clock_starts_anew_with_every_chunk() {
        let timeout = Duration::from_secs(1);
        let mut stage = Timeout::new(Some(timeout));
        let (first, then) = stage.deadline().unwrap();
        assert_eq!(then, Then::Close);
        let later = stage.last + Duration::from_millis(700);
        let fate = stage.judge(&piece(b"x", later));
        assert!(matches!(fate.carried, Carried::Lost));
        assert_eq!(stage.deadline(), Some((first, then)), "it has not come yet");
        stage.passed();
        assert_eq!(stage.deadline(), Some((later + timeout, then)));
    }

    #[test]
    fn without_a_time_nothing_is_closed_until_it_is_taken_off() {
        let stage = Timeout::new(None);
        assert_eq!(stage.deadline(), None);
        assert_eq!(stage.taken_off(), Then::Close);
    }
}
