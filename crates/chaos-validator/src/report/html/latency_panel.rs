//! The latency over time.

use super::{
    frame::{Frame, LEFT, Panel, RIGHT},
    scale::Log,
    svg::{At, Boxes, Line, Svg},
    words,
};
use crate::{
    judge::Slo,
    measure::{SliceLatency, Timing},
};
use std::time::Duration;

const TOP: f64 = 10.0;
const BOTTOM: f64 = 210.0;

/// A quantile of a column.
type Quantile = fn(&SliceLatency) -> Timing;

/// The lines, from the slowest to the fastest, so that the median is on top.
const LINES: [(&str, Quantile); 3] = [("p99", |l| l.p99), ("p95", |l| l.p95), ("p50", |l| l.p50)];

pub(super) fn panel(frame: &Frame<'_>) -> Panel {
    let mut svg = frame.begin(TOP, BOTTOM);
    let timeout = Some(frame.report.load.timeout)
        .filter(|t| !t.is_zero() && *t < Duration::from_secs(1 << 20));
    let exact = |frame: &Frame<'_>| -> Vec<Duration> {
        let all = frame
            .columns
            .iter()
            .flat_map(|c| [c.best, c.sum.latency])
            .flatten();
        all.flat_map(|l| LINES.map(|(_, of)| of(&l).exact()))
            .flatten()
            .collect()
    };
    let seen = exact(frame);
    let any = frame.columns.iter().any(|c| c.sum.latency.is_some());
    if any {
        let ends = seen.iter().copied().chain(timeout);
        let slowest = ends.clone().max().unwrap_or(Duration::from_secs(1));
        let fastest = ends.min().unwrap_or(Duration::from_millis(1));
        let y = Log::new(fastest, slowest, (BOTTOM, TOP));
        ticks(&mut svg, &y);
        frame.hatch_gaps(&mut svg, TOP, BOTTOM);
        let labels = references(frame, &mut svg, &y, timeout);
        for (name, of) in LINES {
            draw(frame, &mut svg, &y, name, of);
        }
        for (place, text) in labels {
            svg.text("ref-name e", (RIGHT - 4.0, place), &text);
        }
    } else {
        frame.nothing(
            &mut svg,
            TOP,
            BOTTOM,
            "no request was answered or failed: there is no latency",
        );
    }
    let summary = match (&frame.report.metrics.baseline, &frame.report.metrics.fault) {
        (Some(before), Some(with)) => {
            let p95 = |p: &crate::measure::PhaseMetrics| {
                p.latency
                    .map_or_else(|| "–".to_owned(), |l| words::timing(l.p95))
            };
            format!(
                "latency over time; p95 {} before and {} with the fault",
                p95(before),
                p95(with)
            )
        }
        _ => "latency over time".to_owned(),
    };
    Panel {
        id: "latency",
        title: "Latency",
        summary,
        legend: legend(frame),
        height: Frame::height(BOTTOM),
        svg: svg.finish(),
        timed: true,
    }
}

fn legend(frame: &Frame<'_>) -> Vec<(&'static str, String)> {
    let mut legend = vec![
        ("l-p50", "p50".to_owned()),
        ("l-p95", "p95".to_owned()),
        ("l-p99", "p99".to_owned()),
        ("l-censored", "▲ no answer within the timeout".to_owned()),
    ];
    let column = frame
        .columns
        .first()
        .map_or(Duration::ZERO, |c| c.end - c.start);
    let slice = frame.report.timeline.slice;
    if column > slice {
        let (column, slice) = (words::short(column), words::short(slice));
        legend.push(("l-band", format!("best to worst {slice} of {column}")));
    }
    legend
}

/// The times at the side, with lines.
fn ticks(svg: &mut Svg, y: &Log) {
    for tick in y.ticks() {
        let at = y.at(tick);
        svg.line("grid", (LEFT, at), (RIGHT, at));
        svg.text("tick e", (LEFT - 6.0, at + 4.0), &words::tick(tick));
    }
}

/// The baseline, what is promised, and the longest that was waited; gives back their names and where these are.
fn references(
    frame: &Frame<'_>,
    svg: &mut Svg,
    y: &Log,
    timeout: Option<Duration>,
) -> Vec<(f64, String)> {
    let report = frame.report;
    let before = report.metrics.baseline.as_ref().and_then(|b| b.latency);
    let p95 = before.and_then(|l| l.p95.exact());
    let promised = report.targets.threshold(Slo::LatencyDegradation);
    let more = promised.and_then(|ms| Duration::try_from_secs_f64(ms / 1e3).ok());
    let most = p95.zip(more).and_then(|(p95, more)| p95.checked_add(more));
    let lines = [
        ("ref-timeout", "timeout", timeout),
        ("ref-slo", "promised p95 ≤", most),
        ("ref-base", "baseline p95", p95),
    ];
    let mut labels: Vec<(f64, String)> = Vec::new();
    for (class, name, time) in lines {
        let Some(time) = time else {
            continue;
        };
        let at = y.at(time);
        svg.line(class, (LEFT, at), (RIGHT, at));
        // A name that would be on another goes below its line.
        let above = at - 4.0;
        let taken = labels.iter().any(|(other, _)| (other - above).abs() < 12.0);
        let place = if taken || above < TOP + 8.0 {
            at + 12.0
        } else {
            above
        };
        labels.push((place, format!("{name} {}", words::short(time))));
    }
    labels
}

/// The line of a quantile. Where a column is several slices, it is the one in the middle, in a band from the best to the worst.
fn draw(frame: &Frame<'_>, svg: &mut Svg, y: &Log, name: &str, of: Quantile) {
    let merged = frame
        .columns
        .first()
        .is_some_and(|c| c.end - c.start > frame.report.timeline.slice);
    let mut line = Line::default();
    let mut band = Boxes::default();
    let mut marks = String::new();
    for column in &frame.columns {
        let (x, width) = frame.span(column);
        let at = |latency: Option<SliceLatency>| latency.map(|l| (of(&l), y.at(of(&l).lower())));
        let (Some((timing, middle)), Some((_, best)), Some((_, worst))) =
            (at(column.typical), at(column.best), at(column.sum.latency))
        else {
            line.lift();
            continue;
        };
        line.to(x, middle);
        line.to(x + width, middle);
        if merged {
            band.add((x, worst), (width, best - worst));
        }
        if matches!(timing, Timing::AtLeast(_)) {
            let (x, y) = (At(x + width / 2.0), At(middle - 3.0));
            marks += &format!("M{x} {y}l3.5 6h-7z");
        }
    }
    svg.path(&format!("pile band {name}"), band.d());
    svg.path(&format!("line {name}"), &line.finish());
    svg.path(&format!("censored {name}-mark"), &marks);
}
