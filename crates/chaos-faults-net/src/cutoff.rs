//! The stage that ends a connection, after so many bytes or at a time.

use crate::proxy::{Fate, Hits, Piece, Stage, Then};
use std::time::Instant;

/// Ends a connection once so many bytes have gone one way, or at a time.
#[derive(Debug)]
pub(crate) struct Cutoff {
    /// How many bytes may still go; `None`: any number.
    left: Option<u64>,
    /// When it ends anyway.
    at: Option<Instant>,
    then: Then,
    /// How many bytes went.
    gone: u64,
    /// How much of the piece that was asked about goes on.
    asked: u64,
    /// Whether the piece that was asked about is the last.
    last: bool,
    hits: Hits,
}

impl Cutoff {
    pub(crate) fn new(left: Option<u64>, at: Option<Instant>, then: Then, hits: Hits) -> Self {
        Self {
            left,
            at,
            then,
            gone: 0,
            asked: 0,
            last: false,
            hits,
        }
    }
}

impl Stage for Cutoff {
    fn judge(&mut self, piece: &Piece<'_>) -> Fate {
        let fate = Fate::at(piece.at);
        let len = piece.data.len() as u64;
        self.asked = len.min(self.left.unwrap_or(len));
        self.last = len > 0 && self.left.is_some_and(|left| left <= len);
        match self.last {
            false => fate,
            // With nothing left the first byte that comes ends it, and does not arrive.
            true if self.asked == 0 => fate.lost().and_then(self.then),
            true => fate.and_then(self.then),
        }
    }

    fn passed(&mut self) {
        self.left = self.left.map(|left| left - self.asked);
        self.gone += self.asked;
        if self.last {
            self.hits.hit();
        }
    }

    fn back(&mut self, bytes: usize) {
        self.left = self.left.map(|left| left + bytes as u64);
        self.gone = self.gone.saturating_sub(bytes as u64);
    }

    fn longest(&mut self) -> usize {
        let left = self.left.and_then(|left| usize::try_from(left).ok());
        left.unwrap_or(usize::MAX).max(1)
    }

    fn deadline(&self) -> Option<(Instant, Then)> {
        Some((self.at?, self.then))
    }

    fn expired(&mut self) {
        self.hits.hit();
    }

    fn counted(&self) -> u64 {
        self.gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::Carried;

    fn judge(cutoff: &mut Cutoff, data: &[u8]) -> Fate {
        let now = Instant::now();
        cutoff.judge(&Piece {
            at: now,
            now,
            data,
            chunk: Some(data.len()),
        })
    }

    #[test]
    fn the_last_byte_that_may_go_is_the_last() {
        let hits = Hits::default();
        let mut cutoff = Cutoff::new(Some(5), None, Then::Close, hits.clone());
        assert_eq!(cutoff.longest(), 5);
        assert_eq!(judge(&mut cutoff, b"123").then, Then::GoOn);
        cutoff.passed();
        assert_eq!(cutoff.longest(), 2);
        // One of them was not sent before the faults changed.
        cutoff.back(1);
        assert_eq!((cutoff.longest(), cutoff.counted()), (3, 2));
        assert_eq!(judge(&mut cutoff, b"").then, Then::GoOn, "the end");
        cutoff.passed();
        let fate = judge(&mut cutoff, b"345");
        assert!(matches!(fate.carried, Carried::AsItIs));
        assert_eq!((fate.then, hits.get()), (Then::Close, 0));
        cutoff.passed();
        assert_eq!(hits.get(), 1);
    }

    #[test]
    fn with_nothing_left_the_first_byte_ends_it() {
        let mut cutoff = Cutoff::new(Some(0), None, Then::Reset, Hits::default());
        assert_eq!(cutoff.longest(), 1);
        assert_eq!(judge(&mut cutoff, b"").then, Then::GoOn);
        let fate = judge(&mut cutoff, b"1");
        assert!(matches!(fate.carried, Carried::Lost));
        assert_eq!(fate.then, Then::Reset);
    }
}
