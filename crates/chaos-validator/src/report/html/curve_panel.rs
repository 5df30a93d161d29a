//! Latency by percentile, before and with the fault.

use super::{
    frame::{LEFT, Panel},
    scale::{Linear, Log},
    svg::{At, Line, Svg},
    words,
};
use crate::{
    measure::{Percentile, Timing},
    report::Report,
};

const TOP: f64 = 10.0;
const BOTTOM: f64 = 250.0;
pub(super) const WIDTH: f64 = 620.0;
const RIGHT: f64 = WIDTH - 16.0;

pub(super) fn panel(report: &Report) -> Panel {
    let timeline = &report.timeline;
    let mut svg = Svg::default();
    svg.rect("plot", (LEFT, TOP), (RIGHT - LEFT, BOTTOM - TOP));
    let points = || timeline.baseline.iter().chain(&timeline.fault);
    let times = points().map(|p| p.latency.lower());
    if let Some((fastest, slowest)) = times.clone().min().zip(times.max()) {
        let y = Log::new(fastest, slowest, (BOTTOM, TOP));
        for tick in y.ticks() {
            let at = y.at(tick);
            svg.line("grid", (LEFT, at), (RIGHT, at));
            svg.text("tick e", (LEFT - 6.0, at + 4.0), &words::tick(tick));
        }
        let mut marked: Vec<f64> = points().map(|p| p.quantile).collect();
        marked.sort_unstable_by(f64::total_cmp);
        marked.dedup();
        for quantile in marked {
            let x = x(quantile);
            svg.line("grid", (x, TOP), (x, BOTTOM));
            svg.text("tick m", (x, BOTTOM + 15.0), &name(quantile));
        }
        curve(
            &mut svg,
            &y,
            &timeline.baseline,
            "before",
            "before the fault",
        );
        curve(&mut svg, &y, &timeline.fault, "with", "with the fault");
    } else {
        svg.rect("nodata", (LEFT, TOP), (RIGHT - LEFT, BOTTOM - TOP));
        let middle = (f64::midpoint(LEFT, RIGHT), f64::midpoint(TOP, BOTTOM));
        svg.text("empty m", middle, "nothing to compare");
    }
    let at = |points: &[Percentile]| {
        let p99 = points.iter().find(|p| (p.quantile - 0.99).abs() < 1e-9);
        p99.map_or_else(|| "unknown".to_owned(), |p| words::timing(p.latency))
    };
    Panel {
        id: "percentiles",
        title: "Latency by percentile",
        summary: format!(
            "p99 {} before and {} with the fault",
            at(&timeline.baseline),
            at(&timeline.fault)
        ),
        legend: vec![
            ("l-before", "○ before".into()),
            ("l-with", "■ with the fault".into()),
            ("l-censored", "▲ no answer within the timeout".into()),
        ],
        height: BOTTOM + 22.0,
        svg: svg.finish(),
        timed: false,
    }
}

/// By the number of nines, as HdrHistogram draws it; the slowest is at the end.
fn x(quantile: f64) -> f64 {
    let nines = if quantile >= 1.0 {
        4.6
    } else {
        -(1.0 - quantile).log10()
    };
    Linear {
        from: (0.2, 4.8),
        to: (LEFT, RIGHT),
    }
    .at(nines)
}

fn name(quantile: f64) -> String {
    match quantile {
        q if q >= 1.0 => "max".to_owned(),
        q => format!("p{}", words::trimmed(q * 100.0)),
    }
}

fn curve(svg: &mut Svg, y: &Log, points: &[Percentile], class: &str, when: &str) {
    let mut line = Line::default();
    for point in points {
        line.to(x(point.quantile), y.at(point.latency.lower()));
    }
    svg.path(&format!("line {class}"), &line.finish());
    for point in points {
        let (x, at) = (x(point.quantile), y.at(point.latency.lower()));
        let label = format!(
            "{} {when}: {}",
            name(point.quantile),
            words::timing(point.latency)
        );
        svg.open_point(&label);
        mark(svg, class, point.latency, (x, at));
        svg.close();
    }
}

fn mark(svg: &mut Svg, class: &str, latency: Timing, (x, y): (f64, f64)) {
    let mark = format!("mark {class}-mark");
    match (latency, class) {
        (Timing::AtLeast(_), _) => svg.path(&mark, &format!("M{} {}l5 9h-10z", At(x), At(y - 5.0))),
        (_, "before") => svg.raw(format_args!(
            r#"<circle class="{mark}" cx="{}" cy="{}" r="4"/>"#,
            At(x),
            At(y)
        )),
        _ => svg.rect(&mark, (x - 4.0, y - 4.0), (8.0, 8.0)),
    };
}

/// Whether there is something to compare.
pub(super) fn is_empty(report: &Report) -> bool {
    report.timeline.baseline.is_empty() && report.timeline.fault.is_empty()
}

/// By how much the p99 differs; none when one is not known.
pub(super) fn p99(report: &Report) -> Option<(Timing, Timing)> {
    let of = |p: &Option<crate::measure::PhaseMetrics>| Some(p.as_ref()?.latency?.p99);
    of(&report.metrics.baseline).zip(of(&report.metrics.fault))
}

/// The difference of two times in seconds.
pub(super) fn less(a: Timing, b: Timing) -> f64 {
    let seconds = |t: Timing| t.lower().as_secs_f64();
    seconds(a) - seconds(b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn every_nine_is_as_wide() {
        let step = x(0.99) - x(0.9);
        assert!((x(0.999) - x(0.99) - step).abs() < 1e-6);
        assert!(x(1.0) > x(0.9999));
        assert_eq!(
            [0.5, 0.999, 0.9999, 1.0].map(name),
            ["p50", "p99.9", "p99.99", "max"]
        );
        assert_eq!(
            less(
                Timing::AtLeast(Duration::from_secs(2)),
                Timing::Exactly(Duration::from_secs(3))
            ),
            -1.0
        );
    }
}
