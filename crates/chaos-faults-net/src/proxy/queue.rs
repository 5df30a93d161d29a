//! What was read and may not be sent yet.

use super::{
    in_all::Share,
    stage::{Carried, Fate, Piece, Then},
    stages::Stages,
};
use bytes::{Buf, Bytes};
use std::{collections::VecDeque, time::Instant};

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

impl Arrival {
    /// Its bytes.
    pub(crate) fn data(&self) -> &[u8] {
        match self {
            Self::Data(data) => data,
            Self::End | Self::Reset => &[],
        }
    }
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

/// What is left of the head to be done now.
#[derive(Debug)]
pub(crate) enum Going<'a> {
    /// There is none, or nothing of it goes on.
    Nothing,
    /// These bytes are to be sent; tell [`Queue::sent`].
    Data(&'a [u8]),
    /// The sender has nothing more to say.
    End,
    /// The sender is gone.
    Reset,
}

/// What was read and may not be sent yet, in order.
///
/// Only the head is asked about, when it is its turn: so a change of the faults needs to touch nothing else.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    items: VecDeque<Item>,
    bytes: usize,
    share: Share,
    /// What the stages decided about the head.
    fate: Option<Fate>,
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
    fn size(&self) -> usize {
        self.bytes + self.items.len() * Self::ITEM
    }

    /// Whether it may take no more although it has less than `room`: others have all there is.
    pub(crate) fn waits_for_others(&self, room: usize) -> bool {
        self.size() < room && !self.share.may_grow()
    }

    /// Whether it may take more, up to `room` bytes and no more than there is for all queues.
    pub(crate) fn has_room(&self, room: usize) -> bool {
        self.size() < room && self.share.may_grow()
    }

    pub(crate) fn push(&mut self, arrival: Arrival, at: Instant) {
        self.bytes += arrival.data().len();
        self.items.push_back(Item {
            arrival,
            at,
            first: true,
        });
        self.share.is(self.size());
    }

    /// When the head may be sent.
    pub(crate) fn head(&mut self, stages: &mut Stages, now: Instant) -> Head {
        if self.items.is_empty() {
            return Head::Empty;
        }
        if self.fate.is_none() {
            self.cut(stages.longest());
            self.fate = self.judge(stages, now);
        }
        match self.fate {
            Some(Fate { at: Some(at), .. }) => Head::Due(at),
            _ => Head::Held,
        }
    }

    /// Whether the head is held, or due only after a time.
    pub(crate) fn waits_beyond(&self, until: Instant) -> bool {
        let fate = self.fate.as_ref();
        fate.is_some_and(|fate| fate.at.is_none_or(|at| at > until))
    }

    fn judge(&self, stages: &mut Stages, now: Instant) -> Option<Fate> {
        let item = self.items.front()?;
        let data = item.arrival.data();
        Some(stages.judge(&Piece {
            at: item.at,
            now,
            data,
            // The rest of a chunk may be cut again; its whole length is only of interest for its first piece.
            chunk: item.first.then(|| data.len() + self.rest()),
        }))
    }

    /// The head goes out now: from here on it is only a matter of the receiver's window.
    pub(crate) fn go(&mut self, stages: &mut Stages) -> Going<'_> {
        if !std::mem::replace(&mut self.going, true) {
            stages.passed();
            let carried = self.fate.as_mut().map(|fate| {
                // It is carried out here and now.
                std::mem::replace(&mut fate.carried, Carried::AsItIs)
            });
            let instead = match carried {
                Some(Carried::Changed(data)) => Some(data),
                Some(Carried::Lost) => Some(Bytes::new()),
                Some(Carried::AsItIs) | None => None,
            };
            if let (Some(instead), Some(item)) = (instead, self.items.front_mut()) {
                self.bytes = self.bytes - item.arrival.data().len() + instead.len();
                item.arrival = Arrival::Data(instead);
                self.share.is(self.size());
            }
        }
        match self.items.front().map(|item| &item.arrival) {
            Some(Arrival::Data(data)) if !data.is_empty() => Going::Data(data),
            Some(Arrival::End) => Going::End,
            Some(Arrival::Reset) => Going::Reset,
            Some(Arrival::Data(_)) | None => Going::Nothing,
        }
    }

    /// So many bytes of the head were sent. Returns, once that is all of it, what happens then.
    pub(crate) fn sent(&mut self, bytes: usize) -> Option<Then> {
        self.bytes -= bytes;
        if let Some(Item {
            arrival: Arrival::Data(data),
            ..
        }) = self.items.front_mut()
            && bytes < data.len()
        {
            data.advance(bytes);
            self.share.is(self.size());
            return None;
        }
        self.items.pop_front();
        self.share.is(self.size());
        self.going = false;
        let fate = self.fate.take();
        Some(fate.map_or(Then::GoOn, |fate| fate.then))
    }

    /// How many bytes of the head are left, if it was let go.
    pub(crate) fn going(&self) -> Option<usize> {
        let head = self.items.front().filter(|_| self.going)?;
        Some(head.arrival.data().len())
    }

    /// The faults changed: the head is asked about again.
    pub(crate) fn faults_changed(&mut self) {
        self.fate = None;
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
