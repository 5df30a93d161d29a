//! The latency over time.

use super::{
    frame::{Frame, LEFT, Panel, RIGHT},
    scale::Log,
    svg::{At, Line, Svg},
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
        references(frame, &mut svg, &y, timeout);
        for (name, of) in LINES {
            draw(frame, &mut svg, &y, name, of);
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
        legend: vec![
            ("l-p50", "p50".into()),
            ("l-p95", "p95".into()),
            ("l-p99", "p99".into()),
            ("l-censored", "▲ no answer within the timeout".into()),
        ],
        height: Frame::height(BOTTOM),
        svg: svg.finish(),
        timed: true,
    }
}

/// The times at the side, with lines.
pub(super) fn ticks(svg: &mut Svg, y: &Log) {
    for tick in y.ticks() {
        let at = y.at(tick);
        svg.line("grid", (LEFT, at), (RIGHT, at));
        svg.text("tick e", (LEFT - 6.0, at + 4.0), &words::tick(tick));
    }
}

/// The baseline, what is promised, and the longest that was waited.
fn references(frame: &Frame<'_>, svg: &mut Svg, y: &Log, timeout: Option<Duration>) {
    let report = frame.report;
    let before = report.metrics.baseline.as_ref().and_then(|b| b.latency);
    let promised = report.targets.threshold(Slo::LatencyDegradation);
    let mut labels: Vec<f64> = Vec::new();
    let mut line = |class: &str, time: Duration, text: String| {
        let at = y.at(time);
        svg.line(class, (LEFT, at), (RIGHT, at));
        // Labels that would be on each other go below their lines.
        let below = labels.iter().any(|other| (other - at).abs() < 13.0);
        let place = if below { at + 12.0 } else { at - 4.0 };
        labels.push(at);
        svg.text("ref-name e", (RIGHT - 4.0, place), &text);
    };
    if let Some(timeout) = timeout {
        line(
            "ref-timeout",
            timeout,
            format!("timeout {}", words::short(timeout)),
        );
    }
    let Some(p95) = before.and_then(|l| l.p95.exact()) else {
        return;
    };
    let more = promised.and_then(|ms| Duration::try_from_secs_f64(ms / 1e3).ok());
    if let Some(most) = more.and_then(|more| p95.checked_add(more)) {
        line(
            "ref-slo",
            most,
            format!("promised p95 ≤ {}", words::short(most)),
        );
    }
    line(
        "ref-base",
        p95,
        format!("baseline p95 {}", words::short(p95)),
    );
}

fn draw(frame: &Frame<'_>, svg: &mut Svg, y: &Log, name: &str, of: Quantile) {
    let mut line = Line::default();
    let mut marks = String::new();
    for column in &frame.columns {
        let (x, width) = frame.span(column);
        let middle = x + width / 2.0;
        let Some(worst) = column.sum.latency.map(|l| of(&l)) else {
            line.lift();
            continue;
        };
        let best = column.best.map_or(worst, |l| of(&l));
        if frame.columns.len() < 200 {
            // A level for as long as it was measured.
            line.to(x, y.at(worst.lower()));
            line.to(x + width, y.at(worst.lower()));
        } else {
            line.to(middle, y.at(best.lower()));
            line.to(middle, y.at(worst.lower()));
        }
        if matches!(worst, Timing::AtLeast(_)) {
            let at = y.at(worst.lower());
            marks += &format!("M{} {}l3.5 6h-7z", At(middle), At(at - 3.0));
        }
    }
    svg.path(&format!("line {name}"), &line.finish());
    svg.path(&format!("censored {name}-mark"), &marks);
}
