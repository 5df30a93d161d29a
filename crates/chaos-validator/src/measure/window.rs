//! The parts of a run that are measured.

use chaos_core::{EdgeKind, Phase, Run, seconds};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// From when to when. Times count from the start of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Window {
    /// The start.
    #[serde(with = "seconds")]
    pub start: Duration,
    /// The end.
    #[serde(with = "seconds")]
    pub end: Duration,
}

impl Window {
    pub(crate) fn new(start: Duration, end: Duration) -> Self {
        Self {
            start,
            end: end.max(start),
        }
    }

    /// How long it is.
    pub fn length(&self) -> Duration {
        self.end - self.start
    }
}

/// The parts of a run that are measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Windows {
    /// Before the fault.
    pub baseline: Option<Window>,
    /// From the request for the first fault, because a fault bites while it is put in place, to the moment
    /// when the last one was seen gone.
    pub fault: Option<Window>,
    /// From there to the end.
    pub recovery: Option<Window>,
    /// What is judged: fault and recovery, never padded with baseline.
    pub judged: Option<Window>,
    /// When the last fault was seen gone; none if there was no fault, or it was not recovered.
    #[serde(with = "seconds::option")]
    pub removed: Option<Duration>,
}

impl Windows {
    /// The windows of a run: by the confirmed edges of its faults, and without faults by its phases.
    pub fn of(run: &Run) -> Self {
        let span = |phase| run.phase(phase).map(|s| Window::new(s.start, s.end));
        let (baseline, fault, recovery) = (
            span(Phase::Baseline),
            span(Phase::Fault),
            span(Phase::Recovery),
        );
        let requested = run
            .edges
            .iter()
            .filter(|e| e.kind == EdgeKind::Injected)
            .map(|e| e.requested)
            .min();
        let removed = run.recovered();
        let end = [fault, recovery].into_iter().flatten().map(|w| w.end).max();
        let start = requested.or(fault.map(|w| w.start));
        let gone = removed.or(fault.map(|w| w.end));
        let part = |from: Option<Duration>, to: Option<Duration>| {
            Some(Window::new(from?, to?)).filter(|w| w.length() > Duration::ZERO)
        };
        Self {
            baseline,
            fault: part(start, gone),
            recovery: part(gone.filter(|_| recovery.is_some()), end),
            judged: part(start, end.max(gone)),
            removed,
        }
    }
}
