//! The exchanges that belong to a part of a run.

use super::{Window, Windows};
use crate::load::{Exchange, Recording};
use std::time::Duration;

/// The exchanges that belong to a window: those that were meant to be sent in it. What was under way when
/// the first fault was put in place may have met it, and belongs to the fault and not to the baseline.
///
/// Nothing is copied: a run may have millions of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part<'a> {
    /// Meant to be sent before the window; those that were under way at `judged` belong to it.
    before: &'a [Exchange],
    /// Meant to be sent in it; those that were under way at `judged` do not belong to it, if it ends there.
    inside: &'a [Exchange],
    /// When the first fault was put in place.
    judged: Duration,
    ends_there: bool,
}

impl<'a> Part<'a> {
    pub(crate) fn of(recording: &'a Recording, windows: &Windows, window: Window) -> Self {
        let inside = recording.between(window.start, window.end);
        let Some(judged) = windows.judged else {
            return Self::whole(inside);
        };
        let before = match windows.baseline {
            Some(baseline) if window.start == judged.start => {
                recording.between(baseline.start, judged.start)
            }
            _ => &[],
        };
        Self {
            before,
            inside,
            judged: judged.start,
            ends_there: window.start < judged.start,
        }
    }

    /// All of them.
    pub(crate) fn whole(inside: &'a [Exchange]) -> Self {
        Self {
            before: &[],
            inside,
            judged: Duration::ZERO,
            ends_there: false,
        }
    }

    /// In the order in which they were meant to be sent.
    pub(crate) fn iter(self) -> impl Iterator<Item = &'a Exchange> + Clone {
        let under_way = move |e: &&Exchange| e.class().counts() && e.done() > self.judged;
        let inside = self.inside.iter();
        let before = self.before.iter().filter(under_way);
        before.chain(inside.filter(move |e| !(self.ends_there && under_way(e))))
    }
}
