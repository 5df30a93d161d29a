//! What the pictures of one run share: the axis of time, and the faults behind everything.

use super::{
    columns::{Column, columns},
    fault_bar::FaultBar,
    scale::{Linear, clock_ticks},
    svg::Svg,
    words,
};
use crate::report::Report;
use std::time::Duration;

/// The width of every picture, in its own units.
pub(super) const WIDTH: f64 = 1080.0;
/// Where the plot begins and ends.
pub(super) const LEFT: f64 = 64.0;
pub(super) const RIGHT: f64 = 1068.0;
/// A picture has no more columns than it can show.
const MOST_COLUMNS: usize = 600;
/// How high the axis of time is.
const AXIS: f64 = 22.0;

/// What the pictures of one run share.
#[derive(Debug)]
pub(super) struct Frame<'a> {
    pub(super) report: &'a Report,
    pub(super) columns: Vec<Column>,
    pub(super) faults: Vec<FaultBar<'a>>,
    /// The end of the axis.
    pub(super) end: Duration,
    x: Linear,
}

/// One picture and what is said of it.
#[derive(Debug, serde::Serialize)]
pub(super) struct Panel {
    /// Its name in the page.
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    /// What it shows, for those who cannot see it.
    pub(super) summary: String,
    /// What its colours and signs mean: a class and words.
    pub(super) legend: Vec<(&'static str, String)>,
    pub(super) height: f64,
    pub(super) svg: String,
    /// Its time goes along with that of the others.
    pub(super) timed: bool,
}

impl<'a> Frame<'a> {
    pub(super) fn of(report: &'a Report) -> Self {
        let (run, timeline) = (&report.run, &report.timeline);
        let phases = run.phases.iter().map(|span| span.end);
        let edges = run.edges.iter().map(|edge| edge.confirmed);
        let last = timeline.start_of(timeline.slices.len().saturating_sub(1));
        let end = phases.chain(edges).chain([last]).max();
        let end = end.filter(|end| !end.is_zero()).unwrap_or(run.took);
        let end = end.max(Duration::from_millis(100));
        Self {
            report,
            columns: columns(timeline, MOST_COLUMNS),
            faults: FaultBar::all(run),
            end,
            x: Linear {
                from: (0.0, end.as_secs_f64()),
                to: (LEFT, RIGHT),
            },
        }
    }

    /// Where a time is.
    pub(super) fn x(&self, time: Duration) -> f64 {
        self.x.at(time.as_secs_f64())
    }

    /// From where to where a column is, and how wide it is.
    pub(super) fn span(&self, column: &Column) -> (f64, f64) {
        let from = self.x(column.start);
        (from, self.x(column.end) - from)
    }

    /// How long a column is; the last may be cut off by the end of the run.
    pub(super) fn seconds(&self, column: &Column) -> f64 {
        let length = column.end.min(self.end).saturating_sub(column.start);
        length.as_secs_f64().max(0.2)
    }

    /// A picture whose plot goes from `top` to `bottom`, with the faults behind it and the axis below.
    pub(super) fn begin(&self, top: f64, bottom: f64) -> Svg {
        let mut svg = Svg::default();
        svg.rect("plot", (LEFT, top), (RIGHT - LEFT, bottom - top));
        for fault in &self.faults {
            let (from, to) = (self.x(fault.start()), self.x(fault.end(self.end)));
            svg.rect("shade", (from, top), ((to - from).max(1.0), bottom - top));
        }
        for tick in clock_ticks(self.end.as_secs_f64(), 10.0) {
            let x = self.x.at(tick);
            let time = Duration::from_secs_f64(tick);
            svg.line("grid", (x, top), (x, bottom));
            let anchor = if x > RIGHT - 20.0 { "tick e" } else { "tick m" };
            svg.text(anchor, (x, bottom + 15.0), &words::clock(time, self.end));
        }
        svg
    }

    /// The height of a picture whose plot ends at `bottom`.
    pub(super) const fn height(bottom: f64) -> f64 {
        bottom + AXIS
    }

    /// Hatches what was not observed.
    pub(super) fn hatch_gaps(&self, svg: &mut Svg, top: f64, bottom: f64) {
        let mut gap: Option<(f64, f64)> = None;
        for column in &self.columns {
            let (x, width) = self.span(column);
            match (&mut gap, column.sum.done() == 0) {
                (Some((_, end)), true) => *end = x + width,
                (None, true) => gap = Some((x, x + width)),
                (_, false) => {
                    if let Some((from, to)) = gap.take() {
                        svg.rect("nodata", (from, top), (to - from, bottom - top));
                    }
                }
            }
        }
        if let Some((from, to)) = gap {
            svg.rect("nodata", (from, top), (to - from, bottom - top));
        }
    }

    /// Says over a plot that there is nothing to show.
    pub(super) fn nothing(&self, svg: &mut Svg, top: f64, bottom: f64, why: &str) {
        svg.rect("nodata", (LEFT, top), (RIGHT - LEFT, bottom - top));
        let middle = ((LEFT + RIGHT) / 2.0, f64::midpoint(top, bottom) + 4.0);
        svg.text("empty m", middle, why);
    }
}
