//! `limit_data`: so many bytes, then the connection is closed.

use crate::{
    cutoff::Cutoff,
    proxy::{Fate, Leg, Piece, Stage, Then},
};

/// `limit_data`: so many bytes, then the connection is closed. What a connection has had already counts when the toxic is
/// changed.
#[derive(Debug)]
pub(in crate::toxiproxy) struct Limited {
    /// How many bytes went before the toxic was changed.
    before: u64,
    /// `None`: the toxic does not hit this connection for now.
    cutoff: Option<Cutoff>,
}

impl Limited {
    pub(in crate::toxiproxy) fn new(bytes: u64, leg: &Leg<'_>) -> Self {
        let before = before(leg);
        let left = Some(bytes.saturating_sub(before));
        let cutoff = Cutoff::new(left, None, Then::Close, leg.hits.clone());
        Self {
            before,
            cutoff: Some(cutoff),
        }
    }

    /// Nothing is closed, and nothing is counted.
    pub(in crate::toxiproxy) fn spared(leg: &Leg<'_>) -> Self {
        Self {
            before: before(leg),
            cutoff: None,
        }
    }
}

fn before(leg: &Leg<'_>) -> u64 {
    leg.before.map_or(0, Stage::counted)
}

impl Stage for Limited {
    fn judge(&mut self, piece: &Piece<'_>) -> Fate {
        match &mut self.cutoff {
            Some(cutoff) => cutoff.judge(piece),
            None => Fate::at(piece.at),
        }
    }

    fn passed(&mut self) {
        if let Some(cutoff) = &mut self.cutoff {
            cutoff.passed();
        }
    }

    fn back(&mut self, bytes: usize) {
        if let Some(cutoff) = &mut self.cutoff {
            cutoff.back(bytes);
        }
    }

    fn longest(&mut self) -> usize {
        self.cutoff.as_mut().map_or(usize::MAX, Cutoff::longest)
    }

    fn counted(&self) -> u64 {
        self.before + self.cutoff.as_ref().map_or(0, Cutoff::counted)
    }
}
