//! How the requests of each second ended.

use super::{
    classes,
    frame::{Frame, LEFT, Panel},
    svg::Boxes,
    words,
};
use crate::load::{Class, Counts};
use crate::measure::share;

const TOP: f64 = 8.0;
const BOTTOM: f64 = 98.0;

pub(super) fn panel(frame: &Frame<'_>) -> Panel {
    let mut svg = frame.begin(TOP, BOTTOM);
    let piles = piles(frame, TOP, BOTTOM);
    for (class, boxes) in &piles {
        svg.path(&format!("pile {}", classes::style(*class)), boxes.d());
    }
    if frame.columns.is_empty() {
        frame.nothing(&mut svg, TOP, BOTTOM, "no traffic");
    } else {
        frame.hatch_gaps(&mut svg, TOP, BOTTOM);
    }
    for (share, text) in [(0.0, "0"), (0.5, "50"), (1.0, "100 %")] {
        let y = BOTTOM - share * (BOTTOM - TOP);
        svg.text("tick e", (LEFT - 6.0, y + 4.0), text);
    }
    let counts: Counts = frame.report.metrics.instrument.counts;
    let mut legend: Vec<(&'static str, String)> = piles
        .iter()
        .map(|(class, _)| {
            let of =
                |c: &super::columns::Column| c.sum.classes.get(class).copied().unwrap_or_default();
            let n: u64 = frame.columns.iter().map(of).sum();
            (
                classes::style(*class),
                format!("{class} {}", words::count(n)),
            )
        })
        .collect();
    if frame.columns.iter().any(|c| c.sum.done() == 0) || frame.columns.is_empty() {
        legend.push(("l-nodata", "no data".into()));
    }
    Panel {
        id: "outcomes",
        title: "How requests ended",
        summary: format!(
            "share of requests by outcome over time: {} good, {} failed",
            words::count(counts.good),
            words::count(counts.bad)
        ),
        legend,
        height: Frame::height(BOTTOM),
        svg: svg.finish(),
        timed: true,
    }
}

/// The boxes of each class that occurs, piled up.
pub(super) fn piles(frame: &Frame<'_>, top: f64, bottom: f64) -> Vec<(Class, Boxes)> {
    let mut piles: Vec<(Class, Boxes)> = classes::piled().map(|c| (c, Boxes::default())).collect();
    for column in &frame.columns {
        let (x, width) = frame.span(column);
        let all = column.sum.offered;
        let mut y = bottom;
        for (class, boxes) in &mut piles {
            let n = column.sum.classes.get(class).copied().unwrap_or_default();
            if n > 0 {
                // A single failure among thousands is seen.
                let height = (share(n, all) * (bottom - top)).max(1.0).min(y - top);
                y -= height;
                boxes.add((x, y), (width, height));
            }
        }
    }
    piles.retain(|(_, boxes)| !boxes.d().is_empty());
    piles
}
