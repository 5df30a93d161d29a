//! What a fault does to one direction of one connection.

use std::{fmt, time::Duration};
use tokio::time::Instant;

/// One step on the way of the data through a connection. Stages are stacked; each gets the data when the one
/// before it lets it go. The order of the data is kept by the [`pipe`](super::pipe), which asks about one piece
/// at a time.
pub(crate) trait Stage: fmt::Debug + Send {
    /// When `piece` may go on; `None`: not until the faults change. Asked again for the same piece only after
    /// the faults changed.
    fn due(&mut self, piece: &Piece) -> Option<Instant>;

    /// The piece that was asked about last is on its way.
    fn passed(&mut self) {}

    /// The longest piece that it can handle.
    fn longest(&self) -> usize {
        usize::MAX
    }

    /// What must be buffered for it.
    fn room(&self) -> Room {
        Room::default()
    }
}

/// A piece of the stream that reaches a stage.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Piece {
    /// When it reaches the stage.
    pub(crate) at: Instant,
    /// The time.
    pub(crate) now: Instant,
    /// How many bytes it has; the end of the stream has none.
    pub(crate) len: usize,
    /// The length of what was read at once, for its first piece only: what is random is drawn once for it.
    pub(crate) chunk: Option<usize>,
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
    const LEAST: usize = 64 * 1024;
    const MOST: usize = 64 * 1024 * 1024;
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
