//! The stages of one direction of one connection.

use super::stage::{Carried, Fate, Piece, Room, Stage, Then};
use std::time::{Duration, Instant};

/// A stage and the fault that made it.
#[derive(Debug)]
pub(crate) struct Made {
    /// The id of the fault.
    pub(crate) fault: u64,
    /// How often the fault had been changed by then.
    pub(crate) revision: u64,
    pub(crate) stage: Box<dyn Stage>,
}

/// The stages of one direction of one connection, in the order of the faults.
#[derive(Debug, Default)]
pub(crate) struct Stages {
    stages: Vec<Step>,
    /// How many of them were asked about the piece.
    asked: usize,
    /// When all of them let it go.
    at: Option<Instant>,
}

/// One of them.
#[derive(Debug)]
struct Step {
    made: Made,
    /// When it let go the piece that was asked about.
    let_go: Option<Instant>,
    /// How much later than by it the piece that passed last was let go by those behind it. Pieces are asked about one
    /// by one, but on the way they are one behind the other.
    behind: Duration,
}

impl Stages {
    /// The stage of a fault, taken out, so that it keeps what it has counted and drawn.
    pub(crate) fn take(&mut self, fault: u64) -> Option<Made> {
        let at = self
            .stages
            .iter()
            .position(|step| step.made.fault == fault)?;
        Some(self.stages.remove(at).made)
    }

    pub(crate) fn push(&mut self, made: Made) {
        self.stages.push(Step {
            made,
            let_go: None,
            behind: Duration::ZERO,
        });
    }

    /// What happens to the connection when the faults of all of them are taken off.
    pub(crate) fn taken_off(&self) -> Then {
        let thens = self.stages.iter().map(|step| step.made.stage.taken_off());
        thens.max().unwrap_or(Then::GoOn)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.stages.is_empty()
    }

    /// What must be buffered for all of them.
    pub(crate) fn room(&self) -> Room {
        let rooms = self.stages.iter().map(|step| step.made.stage.room());
        rooms.fold(Room::default(), Room::and)
    }

    /// How much longer than usual the connection is kept when its sender is gone.
    pub(crate) fn linger(&self) -> Duration {
        let lingers = self.stages.iter().map(|step| step.made.stage.linger());
        lingers.fold(Duration::ZERO, Duration::saturating_add)
    }

    /// The longest piece that all of them can handle.
    pub(crate) fn longest(&mut self) -> usize {
        let longest = self.stages.iter_mut().map(|step| step.made.stage.longest());
        longest.min().unwrap_or(usize::MAX).max(1)
    }

    /// What happens to a piece.
    pub(crate) fn judge(&mut self, piece: &Piece<'_>) -> Fate {
        let mut fate = Fate::at(piece.at);
        self.asked = 0;
        for step in &mut self.stages {
            let Some(at) = fate.at else { break };
            let data = match &fate.carried {
                Carried::AsItIs => piece.data,
                Carried::Changed(data) => data,
                Carried::Lost => break,
            };
            self.asked += 1;
            // When it could have been asked if it had not been for those behind it.
            let now = piece.now.checked_sub(step.behind).unwrap_or(piece.now);
            let piece = Piece {
                at,
                now,
                data,
                ..*piece
            };
            let Fate { at, carried, then } = step.made.stage.judge(&piece);
            step.let_go = at;
            fate.at = at;
            if !matches!(carried, Carried::AsItIs) {
                fate.carried = carried;
            }
            fate.then = fate.then.max(then);
        }
        self.at = fate.at;
        fate
    }

    /// The piece that was asked about last is on its way.
    pub(crate) fn passed(&mut self) {
        for step in self.stages.iter_mut().take(self.asked) {
            step.made.stage.passed();
            if let (Some(all), Some(it)) = (self.at, step.let_go) {
                step.behind = all.saturating_duration_since(it);
            }
        }
    }

    /// So many bytes of the piece that passed last did not go out, and will be asked about again.
    pub(crate) fn back(&mut self, bytes: usize) {
        for step in self.stages.iter_mut().take(self.asked) {
            step.made.stage.back(bytes);
        }
    }

    /// What one of them, whose time has come, does to the connection.
    pub(crate) fn expire(&mut self, now: Instant) -> Option<Then> {
        let is_over = |(at, then)| (at <= now).then_some(then);
        self.stages.iter_mut().find_map(|step| {
            let then = step.made.stage.deadline().and_then(is_over)?;
            step.made.stage.expired();
            Some(then)
        })
    }

    /// When one of them ends the connection of its own accord.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let deadlines = self
            .stages
            .iter()
            .filter_map(|step| step.made.stage.deadline());
        deadlines.map(|(at, _)| at).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    /// Has one fate for everything, and counts what passed and how long it was.
    #[derive(Debug)]
    struct Fixed(Fate, Arc<AtomicUsize>, Arc<AtomicUsize>);

    impl Stage for Fixed {
        fn judge(&mut self, piece: &Piece<'_>) -> Fate {
            self.2.store(piece.data.len(), Ordering::Relaxed);
            self.0.clone()
        }

        fn passed(&mut self) {
            self.1.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_stage_gets_what_the_one_before_it_makes_of_a_piece() {
        let now = Instant::now();
        let [passed, seen] = [0; 2].map(|_| Arc::new(AtomicUsize::new(0)));
        let mut stages = Stages::default();
        for (id, fate) in [
            Fate::at(now).changed(Bytes::from_static(b"longer")),
            Fate::at(now).and_then(Then::Close),
            Fate::at(now).lost(),
            Fate::held(),
        ]
        .into_iter()
        .enumerate()
        {
            let stage = Fixed(fate, Arc::clone(&passed), Arc::clone(&seen));
            stages.push(Made {
                fault: id as u64,
                revision: 0,
                stage: Box::new(stage),
            });
        }
        let fate = stages.judge(&Piece {
            at: now,
            now,
            data: b"short",
            chunk: None,
        });
        assert!(matches!(fate.carried, Carried::Lost));
        assert_eq!((fate.at, fate.then), (Some(now), Then::Close));
        assert_eq!(seen.load(Ordering::Relaxed), "longer".len());
        stages.passed();
        assert_eq!(passed.load(Ordering::Relaxed), 3, "the last was not asked");
    }
}
