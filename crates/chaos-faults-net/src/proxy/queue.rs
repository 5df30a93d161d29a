//! What was read and may not be sent yet.

use super::{stage::Piece, stages::Stages};
use bytes::{Buf, Bytes};
use std::collections::VecDeque;
use tokio::time::Instant;

/// What arrived at one end of a connection.
#[derive(Debug)]
pub(crate) enum Arrival {
    /// Data.
    Data(Bytes),
    /// The sender has nothing more to say (FIN).
    End,
    /// The sender is gone (RST).
    Reset,
}

#[derive(Debug)]
struct Item {
    arrival: Arrival,
    at: Instant,
    /// Not the rest of something of which a piece was cut off.
    first: bool,
}

/// What is to happen with the head of the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Head {
    /// There is none.
    Empty,
    /// It is held until the faults change.
    Held,
    /// It may be sent from then on.
    Due(Instant),
}

/// What was read and may not be sent yet, in order.
///
/// Only the head is asked about, when it is its turn: so a change of the faults needs to touch nothing else.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    items: VecDeque<Item>,
    bytes: usize,
    head: Option<Head>,
    /// The head was let go by the stages, so they have counted it.
    going: bool,
}

impl Queue {
    /// What one item costs beside its bytes.
    const ITEM: usize = 64;

    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// How much memory it takes.
    pub(crate) fn size(&self) -> usize {
        self.bytes + self.items.len() * Self::ITEM
    }

    pub(crate) fn push(&mut self, arrival: Arrival, at: Instant) {
        if let Arrival::Data(data) = &arrival {
            self.bytes += data.len();
        }
        self.items.push_back(Item {
            arrival,
            at,
            first: true,
        });
    }

    /// When the head may be sent.
    pub(crate) fn head(&mut self, stages: &mut Stages, now: Instant) -> Head {
        if let Some(head) = self.head {
            return head;
        }
        self.cut(stages.longest());
        let Some(item) = self.items.front() else {
            return Head::Empty;
        };
        let len = match &item.arrival {
            Arrival::Data(data) => data.len(),
            Arrival::End | Arrival::Reset => 0,
        };
        // The rest of a chunk may be cut again; its whole length is then only of interest for its first piece.
        let chunk = item.first.then(|| len + self.rest());
        let due = stages.due(Piece {
            at: item.at,
            now,
            len,
            chunk,
        });
        let head = due.map_or(Head::Held, Head::Due);
        self.head = Some(head);
        head
    }

    /// The head goes out now: from here on it is only a matter of the receiver's window.
    pub(crate) fn go(&mut self, stages: &mut Stages) -> Option<&Arrival> {
        if !std::mem::replace(&mut self.going, true) {
            stages.passed();
        }
        self.items.front().map(|item| &item.arrival)
    }

    /// So many bytes of the head were sent; whether that was all of it.
    pub(crate) fn sent(&mut self, bytes: usize) -> bool {
        self.bytes -= bytes;
        if let Some(Item {
            arrival: Arrival::Data(data),
            ..
        }) = self.items.front_mut()
            && bytes < data.len()
        {
            data.advance(bytes);
            return false;
        }
        self.items.pop_front();
        self.head = None;
        self.going = false;
        true
    }

    /// The faults changed: the head is asked about again.
    pub(crate) fn faults_changed(&mut self) {
        self.head = None;
        self.going = false;
        if let Some(item) = self.items.front_mut() {
            item.first = true;
        }
    }

    /// Cuts the head to at most `longest` bytes.
    fn cut(&mut self, longest: usize) {
        let Some(item) = self.items.front_mut() else {
            return;
        };
        let Arrival::Data(data) = &mut item.arrival else {
            return;
        };
        if data.len() > longest {
            let piece = Item {
                arrival: Arrival::Data(data.split_to(longest)),
                at: item.at,
                first: std::mem::replace(&mut item.first, false),
            };
            self.items.push_front(piece);
        }
    }

    /// How many bytes of the same chunk come after the head.
    fn rest(&self) -> usize {
        match self.items.get(1) {
            Some(Item {
                arrival: Arrival::Data(data),
                first: false,
                ..
            }) => data.len(),
            _ => 0,
        }
    }
}
