//! The stages of one direction of one connection.

use super::{
    stack::Stack,
    stage::{Piece, Room, Stage},
};
use crate::direction::Flow;
use tokio::time::Instant;

/// The stages of one direction of one connection, in the order of the faults.
#[derive(Debug)]
pub(crate) struct Stages {
    connection: u64,
    flow: Flow,
    stages: Vec<(u64, Box<dyn Stage>)>,
    room: usize,
}

impl Stages {
    pub(crate) fn new(connection: u64, flow: Flow) -> Self {
        Self {
            connection,
            flow,
            stages: Vec::new(),
            room: Room::default().bytes(),
        }
    }

    /// Follows the faults. A fault that stays keeps its stage, and with it what it has counted and drawn.
    pub(crate) fn follow(&mut self, stack: &Stack) {
        let mut old = std::mem::take(&mut self.stages);
        for active in stack.iter() {
            let kept = old.iter().position(|(id, _)| *id == active.id);
            let stage = match kept {
                Some(at) => Some(old.swap_remove(at).1),
                None => active.stage(self.connection, self.flow),
            };
            self.stages.extend(stage.map(|stage| (active.id, stage)));
        }
        let rooms = self.stages.iter().map(|(_, stage)| stage.room());
        self.room = rooms.fold(Room::default(), Room::and).bytes();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.stages.is_empty()
    }

    /// How many bytes may be buffered.
    pub(crate) fn room(&self) -> usize {
        self.room
    }

    /// The longest piece that all of them can handle.
    pub(crate) fn longest(&self) -> usize {
        let longest = self.stages.iter().map(|(_, stage)| stage.longest());
        longest.min().unwrap_or(usize::MAX).max(1)
    }

    /// When a piece may go to the receiver; `None`: not until the faults change.
    pub(crate) fn due(&mut self, mut piece: Piece) -> Option<Instant> {
        for (_, stage) in &mut self.stages {
            piece.at = stage.due(&piece)?;
        }
        Some(piece.at)
    }

    /// The piece that was asked about last is on its way.
    pub(crate) fn passed(&mut self) {
        for (_, stage) in &mut self.stages {
            stage.passed();
        }
    }
}
