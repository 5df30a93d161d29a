//! When which fault was in place.

use chaos_core::{Edge, EdgeKind, Run};
use std::time::Duration;

/// One time that a fault was in place, with both of its edges as they were asked for and confirmed.
#[derive(Debug, Clone)]
pub(super) struct FaultBar<'a> {
    /// Its beginning.
    pub(super) from: &'a Edge,
    /// Its end; none when it was not seen to end.
    pub(super) until: Option<&'a Edge>,
}

impl<'a> FaultBar<'a> {
    /// All of a run, in the order of their beginnings.
    pub(super) fn all(run: &'a Run) -> Vec<Self> {
        let begun = run.edges.iter().filter(|e| e.kind == EdgeKind::Injected);
        let ends = [EdgeKind::Recovered, EdgeKind::Over, EdgeKind::Lost];
        let bar = |from: &'a Edge| {
            let same = |e: &&Edge| (e.index, e.repetition) == (from.index, from.repetition);
            let after = run
                .edges
                .iter()
                .filter(same)
                .filter(|e| ends.contains(&e.kind));
            let until = after.min_by_key(|e| e.confirmed);
            Self { from, until }
        };
        begun.map(bar).collect()
    }

    /// From the request on, because a fault bites while it is put in place.
    pub(super) fn start(&self) -> Duration {
        self.from.requested.min(self.from.confirmed)
    }

    /// Until it was confirmed gone, or the end of the run.
    pub(super) fn end(&self, run_end: Duration) -> Duration {
        self.until
            .map_or(run_end, |e| e.confirmed)
            .max(self.start())
    }
}
