//! The wrong bits of a stream.

use crate::proxy::{Fate, Hits, Piece, Stage};
use bytes::BytesMut;
use rand::{RngExt, rngs::StdRng};
use std::collections::VecDeque;

/// The wrong bits in one direction of one connection.
#[derive(Debug)]
pub(super) struct Flips {
    share: f64,
    /// What is still to come in the chunk that is on its way: the number of a byte, and its bit.
    flips: VecDeque<(usize, u8)>,
    /// How much of the chunk went on.
    at: usize,
    /// How much of it goes on with the piece that was asked about.
    asked: usize,
    rng: StdRng,
    hits: Hits,
}

impl Flips {
    /// What a packet carries on Ethernet, as net.loss has it.
    const SEGMENT: usize = 1448;

    pub(super) fn new(share: f64, rng: StdRng, hits: Hits) -> Self {
        Self {
            share,
            flips: VecDeque::new(),
            at: 0,
            asked: 0,
            rng,
            hits,
        }
    }

    /// Draws the wrong bits of a chunk.
    fn draw(&mut self, len: usize) {
        self.at = 0;
        self.flips.clear();
        for start in (0..len).step_by(Self::SEGMENT) {
            if self.rng.random_bool(self.share) {
                let end = len.min(start + Self::SEGMENT);
                let byte = self.rng.random_range(start..end);
                self.flips.push_back((byte, self.rng.random_range(0..8)));
            }
        }
    }

    /// Those that are within the piece that was asked about.
    fn within(&self) -> impl Iterator<Item = (usize, u8)> {
        let (start, end) = (self.at, self.at + self.asked);
        let flips = self.flips.iter().take_while(move |(byte, _)| *byte < end);
        flips.map(move |(byte, bit)| (byte - start, *bit))
    }
}

impl Stage for Flips {
    fn judge(&mut self, piece: &Piece<'_>) -> Fate {
        if let Some(len) = piece.chunk {
            self.draw(len);
        }
        self.asked = piece.data.len();
        let fate = Fate::at(piece.at);
        if self.within().next().is_none() {
            return fate;
        }
        let mut data = BytesMut::from(piece.data);
        for (byte, bit) in self.within() {
            data[byte] ^= 1 << bit;
        }
        fate.changed(data.freeze())
    }

    fn passed(&mut self) {
        let count = self.within().count();
        self.flips.drain(..count);
        (0..count).for_each(|_| self.hits.hit());
        self.at += self.asked;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::Carried;
    use chaos_core::Seed;
    use std::time::Instant;

    /// What becomes of a chunk of zeros that is cut into pieces of `longest` bytes.
    fn becomes(flips: &mut Flips, len: usize, longest: usize) -> Vec<u8> {
        let now = Instant::now();
        let mut all = Vec::new();
        while all.len() < len {
            let data = vec![0; longest.min(len - all.len())];
            let fate = flips.judge(&Piece {
                at: now,
                now,
                data: &data,
                chunk: all.is_empty().then_some(len),
            });
            match fate.carried {
                Carried::Changed(data) => all.extend(data),
                _ => all.extend(data),
            }
            flips.passed();
        }
        all
    }

    fn flips(share: f64, seed: u64) -> Flips {
        Flips::new(share, Seed::new(seed).rng(), Hits::default())
    }

    fn wrong_bits(data: &[u8]) -> u32 {
        data.iter().map(|byte| byte.count_ones()).sum()
    }

    #[test]
    fn each_packet_that_is_hit_has_one_wrong_bit() {
        let mut all = flips(1.0, 1);
        let data = becomes(&mut all, 10 * Flips::SEGMENT + 1, usize::MAX);
        assert!(data.chunks(Flips::SEGMENT).all(|c| wrong_bits(c) == 1));
        assert_eq!(all.hits.get(), 11);
        let mut some = flips(0.1, 1);
        let data = becomes(&mut some, 1000 * Flips::SEGMENT, usize::MAX);
        assert!((70..130).contains(&wrong_bits(&data)));
        assert_eq!(some.hits.get(), u64::from(wrong_bits(&data)));
    }

    #[test]
    fn the_seed_says_which_bits_however_the_data_is_cut() {
        let len = 100 * Flips::SEGMENT;
        let whole = becomes(&mut flips(0.5, 1), len, usize::MAX);
        assert_eq!(whole, becomes(&mut flips(0.5, 1), len, 7));
        assert_ne!(whole, becomes(&mut flips(0.5, 2), len, usize::MAX));
    }
}
