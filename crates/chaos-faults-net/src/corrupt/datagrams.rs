//! The wrong bits of datagrams.

use crate::{
    draws::Draws,
    proxy::{Datagram, DatagramStage, Hits, Onward},
};
use bytes::BytesMut;
use rand::RngExt;

/// The wrong bits of datagrams in one direction of one session.
#[derive(Debug)]
pub(super) struct WrongBits {
    pub(super) draws: Draws,
    pub(super) hits: Hits,
}

impl DatagramStage for WrongBits {
    fn judge(&mut self, datagram: &Datagram<'_>) -> Onward {
        // What is empty has no bit that could be wrong.
        if datagram.data.is_empty() || !self.draws.draw() {
            return Onward::At(datagram.at);
        }
        self.hits.hit();
        let mut data = BytesMut::from(datagram.data);
        let rng = self.draws.rng();
        let byte = rng.random_range(0..data.len());
        data[byte] ^= 1 << rng.random_range(0..8);
        Onward::Changed(data.freeze(), datagram.at)
    }
}
