//! What a fault does to one direction of one connection.

use super::in_all::Share;
use bytes::Bytes;
use std::{
    fmt,
    time::{Duration, Instant},
};

/// One step on the way of the data through a connection. Stages are stacked; each gets the data when the one
/// before it lets it go. The order of the data is kept by the [`queue`](super::queue), which asks about one piece
/// at a time.
pub(crate) trait Stage: fmt::Debug + Send {
    /// What happens to `piece`. Asked again for the same piece only after the faults changed.
    fn judge(&mut self, piece: &Piece<'_>) -> Fate;

    /// The piece that was asked about last is on its way.
    fn passed(&mut self) {}

    /// So many bytes of the piece that passed last did not go out before the faults changed: it is asked about them
    /// again.
    fn back(&mut self, _bytes: usize) {}

    /// The longest piece that it can handle: what is longer is cut, and each piece is asked about when it is its
    /// turn. It may differ from piece to piece, but not between two calls of [`passed`](Self::passed).
    fn longest(&mut self) -> usize {
        usize::MAX
    }

    /// What must be buffered for it.
    fn room(&self) -> Room {
        Room::default()
    }

    /// How much longer than usual a connection is kept whose sender is gone, for a stage that is there to keep it.
    fn linger(&self) -> Duration {
        Duration::ZERO
    }

    /// When it ends the connection of its own accord, and how. Looked at whenever the data moves, the faults change
    /// or that time has come, as long as this direction is open.
    fn deadline(&self) -> Option<(Instant, Then)> {
        None
    }

    /// It has ended the connection as its [`deadline`](Self::deadline) said.
    fn expired(&mut self) {}

    /// What happens to the connection when the fault is taken off.
    fn taken_off(&self) -> Then {
        Then::GoOn
    }

    /// How many bytes it has let through, for the stage that takes its place when the fault is changed; 0 of one that
    /// does not count.
    #[cfg_attr(
        not(any(test, feature = "toxiproxy")),
        expect(dead_code, reason = "only toxics are changed")
    )]
    fn counted(&self) -> u64 {
        0
    }
}

/// A piece of the stream that reaches a stage.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Piece<'a> {
    /// When it reaches the stage.
    pub(crate) at: Instant,
    /// The time.
    pub(crate) now: Instant,
    /// Its bytes; the end of the stream has none.
    pub(crate) data: &'a [u8],
    /// The length of what was read at once, for its first piece only: what is random is drawn once for it.
    pub(crate) chunk: Option<usize>,
}

/// What happens to a piece.
#[derive(Debug, Clone)]
pub(crate) struct Fate {
    /// When it goes on; `None`: not until the faults change.
    pub(crate) at: Option<Instant>,
    /// What goes on then.
    pub(crate) carried: Carried,
    /// What happens after that.
    pub(crate) then: Then,
}

/// What goes on of a piece.
#[derive(Debug, Clone)]
pub(crate) enum Carried {
    /// All of it, as it is.
    AsItIs,
    /// These bytes in its place.
    Changed(Bytes),
    /// Nothing, and nobody is told.
    Lost,
}

/// What happens to the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Then {
    /// It goes on.
    GoOn,
    /// It is closed, both ways.
    Close,
    /// It is reset, both ways.
    Reset,
}

impl Fate {
    /// It goes on at that time.
    pub(crate) const fn at(at: Instant) -> Self {
        Self {
            at: Some(at),
            carried: Carried::AsItIs,
            then: Then::GoOn,
        }
    }

    /// It stays until the faults change.
    pub(crate) const fn held() -> Self {
        Self {
            at: None,
            carried: Carried::AsItIs,
            then: Then::GoOn,
        }
    }

    /// It is gone when its time has come.
    pub(crate) fn lost(self) -> Self {
        let carried = Carried::Lost;
        Self { carried, ..self }
    }

    /// Other bytes go on in its place.
    pub(crate) fn changed(self, data: Bytes) -> Self {
        let carried = Carried::Changed(data);
        Self { carried, ..self }
    }

    /// What happens to the connection after it.
    pub(crate) fn and_then(self, then: Then) -> Self {
        Self { then, ..self }
    }
}

/// What must be buffered so that a delay does not limit the throughput, and no more than that.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Room {
    /// How long data may be under way.
    pub(crate) delay: Duration,
    /// How many bytes per second get through.
    pub(crate) rate: Option<u64>,
    /// Nothing gets through.
    pub(crate) held: bool,
}

impl Room {
    const LEAST: usize = Share::EACH;
    /// With what it takes to keep it, 64 MiB.
    const MOST: usize = 60 * 1024 * 1024;
    /// What a rate needs beyond the delay so that the next piece is always there in time.
    const SLACK: Duration = Duration::from_millis(50);

    /// The room for both.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            delay: self.delay + other.delay,
            rate: match (self.rate, other.rate) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            },
            held: self.held || other.held,
        }
    }

    /// How many bytes may be buffered.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "clamped"
    )]
    pub(crate) fn bytes(self) -> usize {
        match self.rate {
            _ if self.held => Self::LEAST,
            Some(rate) => {
                let bytes = rate as f64 * (self.delay + Self::SLACK).as_secs_f64();
                (bytes as usize).clamp(Self::LEAST, Self::MOST)
            }
            None if self.delay > Duration::ZERO => Self::MOST,
            None => Self::LEAST,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_what_is_under_way_and_no_more() {
        let delay = Room {
            delay: Duration::from_millis(500),
            ..Room::default()
        };
        let rate = Room {
            rate: Some(1_000_000),
            ..Room::default()
        };
        let held = Room {
            held: true,
            ..Room::default()
        };
        assert_eq!(Room::default().bytes(), Room::LEAST);
        assert_eq!(delay.bytes(), Room::MOST);
        assert_eq!(rate.bytes(), Room::LEAST);
        assert_eq!(delay.and(rate).bytes(), 550_000);
        assert_eq!(delay.and(held).bytes(), Room::LEAST);
    }
}
