//! `packet_loss`: some of the data never arrives.

use super::is_end;
use crate::proxy::{Fate, Piece, Stage};
use rand::{RngExt, rngs::StdRng};

/// `packet_loss`: what was read at once is dropped as a whole, by chance, and more likely when what came before it was.
/// The receiver sees a stream with holes, which no network does; it is what Toxiproxy does.
#[derive(Debug)]
pub(in crate::toxiproxy) struct Lossy {
    rate: f64,
    /// What is added to the rate after a loss.
    correlation: f64,
    /// Whether the chunk that is on its way, or came last, is lost.
    lost: bool,
    rng: StdRng,
}

impl Lossy {
    /// Both from 0 to 1.
    pub(in crate::toxiproxy) fn new(rate: f64, correlation: f64, rng: StdRng) -> Self {
        Self {
            rate,
            correlation,
            lost: false,
            rng,
        }
    }

    fn draw(&mut self) -> bool {
        let more = if self.lost { self.correlation } else { 0.0 };
        self.rng.random::<f64>() < self.rate + more
    }
}

impl Stage for Lossy {
    fn judge(&mut self, piece: &Piece<'_>) -> Fate {
        let fate = Fate::at(piece.at);
        if is_end(piece) {
            return fate;
        }
        if piece.chunk.is_some() {
            self.lost = self.draw();
        }
        match self.lost {
            true => fate.lost(),
            false => fate,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::piece, *};
    use crate::proxy::Carried;
    use chaos_core::Seed;
    use std::time::Instant;

    /// Which of ten thousand chunks are lost.
    fn lost(rate: f64, correlation: f64) -> Vec<bool> {
        let mut stage = Lossy::new(rate, correlation, Seed::new(1).rng());
        let now = Instant::now();
        let mut judge = || stage.judge(&piece(b"x", now)).carried;
        (0..10_000)
            .map(|_| matches!(judge(), Carried::Lost))
            .collect()
    }

    fn count(lost: &[bool]) -> usize {
        lost.iter().filter(|lost| **lost).count()
    }

    #[test]
    fn as_many_are_lost_as_the_rate_says() {
        assert_eq!(count(&lost(0.0, 0.0)), 0);
        assert_eq!(count(&lost(1.0, 0.0)), 10_000);
        let some = count(&lost(0.2, 0.0));
        assert!((1800..2200).contains(&some), "{some}");
    }

    #[test]
    fn with_correlation_losses_come_together() {
        let lost = lost(0.1, 0.6);
        let pairs = lost.windows(2).filter(|pair| pair[0]).collect::<Vec<_>>();
        let after = pairs.iter().filter(|pair| pair[1]).count();
        // 0.1 + 0.6 of those after a loss.
        assert!(after * 100 > pairs.len() * 65 && after * 100 < pairs.len() * 75);
    }

    #[test]
    fn the_end_of_the_stream_is_never_lost() {
        let mut stage = Lossy::new(1.0, 1.0, Seed::new(1).rng());
        let fate = stage.judge(&piece(b"", Instant::now()));
        assert!(matches!(fate.carried, Carried::AsItIs));
    }
}
