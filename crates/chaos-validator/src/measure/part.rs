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
    /// Some of these belong to it: those that were under way at `judged`, or those that were not.
    first: &'a [Exchange],
    /// All of these do.
    rest: &'a [Exchange],
    /// Whether `rest` comes before `first`.
    rest_leads: bool,
    /// When the first fault was put in place.
    judged: Duration,
    wants_under_way: bool,
}

impl<'a> Part<'a> {
    pub(crate) fn of(recording: &'a Recording, windows: &Windows, window: Window) -> Self {
        let inside = recording.between(window.start, window.end);
        let Some(judged) = windows.judged.map(|window| window.start) else {
            return Self::whole(inside);
        };
        // Where the first is that was under way; before it there is nothing to be told apart.
        let edge = |exchanges: &[Exchange]| {
            let first = exchanges.iter().position(|e| is_under_way(e, judged));
            first.unwrap_or(exchanges.len())
        };
        if window.start < judged {
            let (rest, first) = inside.split_at(edge(inside));
            return Self {
                first,
                rest,
                rest_leads: true,
                judged,
                wants_under_way: false,
            };
        }
        let before = match windows.baseline {
            Some(baseline) if window.start == judged => recording.between(baseline.start, judged),
            _ => &[],
        };
        Self {
            first: &before[edge(before)..],
            rest: inside,
            rest_leads: false,
            judged,
            wants_under_way: true,
        }
    }

    /// All of them.
    pub(crate) fn whole(rest: &'a [Exchange]) -> Self {
        Self {
            first: &[],
            rest,
            rest_leads: true,
            judged: Duration::ZERO,
            wants_under_way: false,
        }
    }

    /// In the order in which they were meant to be sent. Fast when it is folded (`for_each`, `count`, `collect`), not when it
    /// is asked one by one.
    pub(crate) fn iter(self) -> impl Iterator<Item = &'a Exchange> + Clone {
        let (leading, trailing): (&[_], &[_]) = match self.rest_leads {
            true => (self.rest, &[]),
            false => (&[], self.rest),
        };
        let wanted = move |e: &&Exchange| is_under_way(e, self.judged) == self.wants_under_way;
        let first = self.first.iter().filter(wanted);
        leading.iter().chain(first).chain(trailing)
    }
}

/// Whether it was sent before and not over.
fn is_under_way(exchange: &Exchange, judged: Duration) -> bool {
    exchange.class().counts() && exchange.done() > judged
}
