//! `reset_peer`: the connection breaks a while after the first data.

use crate::proxy::{Fate, Piece, Stage, Then};
use std::time::Duration;

/// `reset_peer`: the first data that comes this way, or the end of the stream, does not arrive, and after a time the
/// connection breaks. A connection on which nothing is said lives.
#[derive(Debug)]
pub(in crate::toxiproxy) struct ResetLater {
    timeout: Duration,
    then: Then,
}

impl ResetLater {
    pub(in crate::toxiproxy) fn new(timeout: Duration, then: Then) -> Self {
        Self { timeout, then }
    }
}

impl Stage for ResetLater {
    fn judge(&mut self, piece: &Piece<'_>) -> Fate {
        match piece.at.checked_add(self.timeout) {
            Some(at) => Fate::at(at).lost().and_then(self.then),
            None => Fate::held(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::piece, *};
    use crate::proxy::Carried;
    use std::time::Instant;

    #[test]
    fn the_first_data_or_the_end_starts_the_clock() {
        let timeout = Duration::from_millis(20);
        let now = Instant::now();
        for data in [&b"x"[..], b""] {
            let fate = ResetLater::new(timeout, Then::Reset).judge(&piece(data, now));
            assert_eq!((fate.at, fate.then), (Some(now + timeout), Then::Reset));
            assert!(matches!(fate.carried, Carried::Lost));
        }
    }
}
