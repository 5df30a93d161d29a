//! What losses do to datagrams.

use crate::{
    draws::Draws,
    proxy::{Datagram, DatagramStage, Hits, Onward},
};

/// The losses of datagrams in one direction of one session.
#[derive(Debug)]
pub(super) struct Losses {
    pub(super) draws: Draws,
    pub(super) hits: Hits,
}

impl DatagramStage for Losses {
    fn judge(&mut self, datagram: &Datagram<'_>) -> Onward {
        if self.draws.draw() {
            self.hits.hit();
            return Onward::Lost;
        }
        Onward::At(datagram.at)
    }
}
