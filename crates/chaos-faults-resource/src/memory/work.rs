//! Filled memory, as a change.

use super::{filler::fill, room::Room};
use crate::crew::{Crew, Shared};
use chaos_core::{Change, FaultError, InProcess, Reach, units::Size};

#[derive(Debug)]
pub(super) struct Work {
    pub(super) bytes: usize,
    pub(super) size: Size,
}

impl InProcess for Work {
    type Held = Crew;

    fn change(&self) -> Change {
        let mut summary = format!("fill {} of memory", self.size);
        if matches!(self.size, Size::Percent(_)) {
            summary += &format!(" ({} MiB)", self.bytes >> 20);
        }
        Change::new(summary, "memory", Reach::Host)
    }

    fn apply(&self) -> Result<Crew, FaultError> {
        let bytes = self.bytes;
        Crew::start(
            "chaos-mem",
            [move |shared: &Shared| fill(bytes, Room::look, shared)],
        )
    }
}
