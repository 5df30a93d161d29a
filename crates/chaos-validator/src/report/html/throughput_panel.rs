//! How many requests per second were meant, sent and answered.

use super::{
    columns::Column,
    frame::{Frame, LEFT, Panel, RIGHT},
    scale::{Linear, round_ticks},
    svg::{At, Line},
    words,
};
use crate::measure::Slice;

const TOP: f64 = 10.0;
const BOTTOM: f64 = 120.0;

pub(super) fn panel(frame: &Frame<'_>) -> Panel {
    let mut svg = frame.begin(TOP, BOTTOM);
    #[expect(clippy::cast_precision_loss, reason = "counts stay below 2^52")]
    let rate =
        |column: &Column, of: fn(&Slice) -> u64| of(&column.sum) as f64 / frame.seconds(column);
    let offered: fn(&Slice) -> u64 = |s| s.offered;
    let most = frame
        .columns
        .iter()
        .map(|c| rate(c, offered))
        .fold(0.0, f64::max);
    let y = Linear {
        from: (0.0, most * 1.1),
        to: (BOTTOM, TOP),
    };
    let line = |of: fn(&Slice) -> u64| {
        let mut line = Line::default();
        for column in &frame.columns {
            let (x, width) = frame.span(column);
            let at = y.at(rate(column, of));
            line.to(x, at);
            line.to(x + width, at);
        }
        line.finish()
    };
    if frame.columns.is_empty() {
        frame.nothing(&mut svg, TOP, BOTTOM, "no traffic");
    } else {
        for tick in round_ticks(0.0, most * 1.1, 4.0) {
            let at = y.at(tick);
            svg.line("grid", (LEFT, at), (RIGHT, at));
            svg.text("tick e", (LEFT - 6.0, at + 4.0), &words::trimmed(tick));
        }
        let good = line(|s| s.good);
        let last = frame.columns.last().map_or(LEFT, |c| {
            let (x, width) = frame.span(c);
            x + width
        });
        let mut area = good.clone();
        area += &format!("L{} {}L{} {}z", At(last), At(BOTTOM), At(LEFT), At(BOTTOM));
        svg.path("area good", &area);
        svg.path("line offered", &line(offered));
        svg.path("line sent", &line(Slice::sent));
        svg.path("line good", &good);
    }
    let per_second = |phase: &Option<crate::measure::PhaseMetrics>| {
        phase
            .as_ref()
            .map_or_else(|| "–".to_owned(), |p| words::number(p.good_per_second))
    };
    let metrics = &frame.report.metrics;
    Panel {
        id: "throughput",
        title: "Requests per second",
        summary: format!(
            "good answers per second: {} before, {} with the fault, {} after it",
            per_second(&metrics.baseline),
            per_second(&metrics.fault),
            per_second(&metrics.recovery)
        ),
        legend: vec![
            ("l-offered", "meant to be sent".into()),
            ("l-sent", "sent".into()),
            ("l-good", "good".into()),
        ],
        height: Frame::height(BOTTOM),
        svg: svg.finish(),
        timed: true,
    }
}
