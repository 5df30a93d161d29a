//! How many answers took how long, second by second.

use super::{
    columns::columns,
    frame::{Frame, LEFT, Panel, RIGHT},
    svg::{Boxes, Svg},
    words,
};
use crate::measure::{BUCKETS_PER_DECADE, share};
use std::time::Duration;

const TOP: f64 = 26.0;
const BOTTOM: f64 = 186.0;
/// How many shades there are.
const SHADES: usize = 7;
/// More columns would be thinner than their edges.
const MOST_COLUMNS: usize = 300;
/// The row of the failures, above the others.
const FAILED: (f64, f64) = (6.0, 14.0);

pub(super) fn panel(frame: &Frame<'_>) -> Panel {
    let mut svg = frame.begin(TOP, BOTTOM);
    let columns = columns(&frame.report.timeline, MOST_COLUMNS);
    let cells = || columns.iter().flat_map(|c| &c.sum.histogram);
    let lowest = cells().map(|(bucket, _)| bucket.number()).min();
    let highest = cells().map(|(bucket, _)| bucket.number()).max();
    let most = cells().map(|(_, n)| *n).max().unwrap_or(1);
    let failed: Vec<f64> = columns
        .iter()
        .map(|c| share(c.sum.bad(), c.sum.done()))
        .collect();
    // A handful of rows, so that one bucket is not a wall.
    let rows = lowest
        .zip(highest)
        .map(|(low, high)| (low.saturating_sub(2), high + 2));
    if let Some((low, high)) = rows {
        let height = (BOTTOM - TOP) / f64::from(high - low + 1);
        let mut shades = vec![Boxes::default(); SHADES];
        for column in &columns {
            let (x, width) = frame.span(column);
            for (bucket, n) in &column.sum.histogram {
                let y = BOTTOM - height * f64::from(bucket.number() - low + 1);
                shades[shade(*n, most)].add((x, y), (width, height));
            }
        }
        for (i, boxes) in shades.iter().enumerate() {
            svg.path(&format!("heat h{i}"), boxes.d());
        }
        side(&mut svg, low, high, height);
    } else {
        frame.nothing(&mut svg, TOP, BOTTOM, "nothing was answered");
    }
    if failed.iter().any(|share| *share > 0.0) {
        svg.text("tick e", (LEFT - 6.0, FAILED.0 + 11.0), "failed");
        svg.rect("plot", (LEFT, FAILED.0), (RIGHT - LEFT, FAILED.1));
        let mut shades = vec![Boxes::default(); 4];
        for (column, share) in columns
            .iter()
            .zip(&failed)
            .filter(|(_, share)| **share > 0.0)
        {
            let (x, width) = frame.span(column);
            let level = [0.05, 0.3, 0.8]
                .iter()
                .filter(|limit| share > *limit)
                .count();
            shades[level].add((x, FAILED.0), (width, FAILED.1));
        }
        for (i, boxes) in shades.iter().enumerate() {
            svg.path(&format!("heat f{i}"), boxes.d());
        }
    }
    let range = lowest.zip(highest).map_or_else(
        || "no answers".to_owned(),
        |_| {
            let starts = cells().map(|(bucket, _)| bucket.start());
            let ends = cells().map(|(bucket, _)| bucket.end());
            format!(
                "answers took from {} to {}",
                words::short(starts.min().unwrap_or_default()),
                words::short(ends.max().unwrap_or_default())
            )
        },
    );
    Panel {
        id: "heatmap",
        title: "Latency of the good answers, by how many",
        summary: range,
        legend: vec![
            ("l-h1", "1".into()),
            ("l-h3", "some".into()),
            (
                "l-h6",
                format!("{} in a cell", words::count(u64::from(most))),
            ),
        ],
        height: Frame::height(BOTTOM),
        svg: svg.finish(),
        timed: true,
    }
}

/// By the logarithm: one slow answer among thousands is seen.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "less than seven"
)]
fn shade(n: u32, most: u32) -> usize {
    let part = f64::from(n.max(1)).ln() / f64::from(most.max(2)).ln();
    ((part * (SHADES - 1) as f64).round() as usize).min(SHADES - 1)
}

/// The times at the side: each decade, and three times it where there is room.
fn side(svg: &mut Svg, low: u8, high: u8, height: f64) {
    let decade = f64::from(BUCKETS_PER_DECADE);
    let digits: &[f64] = if decade * height < 60.0 {
        &[1.0]
    } else {
        &[1.0, 3.0]
    };
    let times = (0..9).flat_map(|power| digits.iter().map(move |d| d * 10_f64.powi(power)));
    for micros in times {
        let rows = micros.log10() * decade - f64::from(low);
        if (0.0..=f64::from(high - low + 1)).contains(&rows) {
            let y = BOTTOM - height * rows;
            svg.line("grid over", (LEFT, y), (RIGHT, y));
            let time = Duration::from_secs_f64(micros / 1e6);
            svg.text("tick e", (LEFT - 6.0, y + 4.0), &words::tick(time));
        }
    }
}
