//! The outages and the way back to normal, with what is not known of their edges.

use super::{
    frame::{Frame, LEFT, Panel, RIGHT},
    svg::Svg,
    words,
};
use crate::measure::{Outage, Timing};

const TOP: f64 = 8.0;
const LANE: f64 = 34.0;
const BOTTOM: f64 = TOP + 2.0 * LANE;
const BAR: f64 = 14.0;

pub(super) fn panel(frame: &Frame<'_>) -> Panel {
    let mut svg = frame.begin(TOP, BOTTOM);
    svg.line("grid", (LEFT, TOP + LANE), (RIGHT, TOP + LANE));
    svg.text("tick e", (LEFT - 6.0, TOP + 22.0), "outages");
    svg.text("tick e", (LEFT - 6.0, TOP + LANE + 22.0), "recovery");
    let metrics = &frame.report.metrics;
    let mut free = f64::MIN;
    for outage in &metrics.outages {
        free = bar(frame, outage, free, &mut svg);
    }
    if metrics.outages.is_empty() {
        svg.text("empty", (LEFT + 8.0, TOP + 22.0), "no outage was seen");
    }
    recovery(frame, &mut svg);
    let longest = metrics.mttr.as_ref().map(|m| words::timing(m.longest));
    Panel {
        id: "outages",
        title: "Outages and recovery",
        summary: match longest {
            Some(longest) => format!("{} outages, the longest {longest}", metrics.outages.len()),
            None => "no outage".to_owned(),
        },
        legend: vec![
            ("l-detect", "until it could be known".into()),
            ("l-outage", "until it answered again".into()),
            ("l-whisker", "what an edge may be".into()),
            (
                "l-recovery",
                "from the removal of the fault to normal".into(),
            ),
        ],
        height: Frame::height(BOTTOM),
        svg: svg.finish(),
        timed: true,
    }
}

/// Draws an outage and, if there is room from `free` on, its length; gives back where there is room again.
fn bar(frame: &Frame<'_>, outage: &Outage, free: f64, svg: &mut Svg) -> f64 {
    let y = TOP + 16.0;
    let middle = y + BAR / 2.0;
    let (from, to) = (frame.x(outage.failed), frame.x(outage.end()));
    let known = frame.x(outage.detected).clamp(from, to);
    let length = words::timing(outage.length());
    let until = match outage.recovered {
        Some(time) => format!("answered again at {}", words::short(time)),
        None => "never seen to answer again".to_owned(),
    };
    svg.open_point(&format!(
        "outage of {length}: failed at {}, could be known at {}, {until}",
        words::short(outage.failed),
        words::short(outage.detected)
    ));
    svg.rect("outage", (from, y), ((to - from).max(2.0), BAR));
    svg.rect("detect", (from, y), (known - from, BAR));
    whisker(svg, frame.x(outage.failed_earliest), from, middle);
    match outage.recovered_earliest {
        Some(earliest) => whisker(svg, frame.x(earliest), to, middle),
        None => arrow(svg, to, middle),
    }
    let wide = 8.0 + 7.0 * length.chars().count() as f64;
    let at = from.max(LEFT + 2.0).min(RIGHT - wide);
    let free = if at >= free {
        svg.text("value", (at, y - 4.0), &length);
        at + wide
    } else {
        free
    };
    svg.close();
    free
}

fn whisker(svg: &mut Svg, from: f64, to: f64, y: f64) {
    let (from, to) = (from.min(to), from.max(to));
    svg.line("whisker", (from, y), (to, y));
    svg.line("whisker", (from, y - 4.0), (from, y + 4.0));
    svg.line("whisker", (to, y - 4.0), (to, y + 4.0));
}

/// The end was not seen.
fn arrow(svg: &mut Svg, x: f64, y: f64) {
    let x = x.min(RIGHT - 9.0);
    svg.path(
        "arrow",
        &format!(
            "M{} {}l9 7l-9 7",
            super::svg::At(x),
            super::svg::At(y - 7.0)
        ),
    );
}

fn recovery(frame: &Frame<'_>, svg: &mut Svg) {
    let metrics = &frame.report.metrics;
    let y = TOP + LANE + 16.0;
    let Some((removed, time)) = metrics.windows.removed.zip(metrics.recovery_time) else {
        svg.text(
            "empty",
            (LEFT + 8.0, y + 6.0),
            "nothing was seen after a fault",
        );
        return;
    };
    let (from, to) = (frame.x(removed), frame.x(removed + time.lower()));
    let said = match time {
        Timing::Exactly(time) if time.is_zero() => "normal at once".to_owned(),
        Timing::Exactly(_) => format!("normal after {}", words::timing(time)),
        Timing::AtLeast(_) => format!("not normal after {}", words::timing(time)),
    };
    svg.open_point(&format!(
        "recovery: removed at {}, {said}",
        words::short(removed)
    ));
    svg.line("removed", (from, TOP + LANE), (from, BOTTOM));
    svg.rect("recovery", (from, y), ((to - from).max(2.0), BAR));
    if matches!(time, Timing::AtLeast(_)) {
        arrow(svg, to, y + BAR / 2.0);
    }
    let (anchor, at) = if from > 860.0 {
        ("value e", RIGHT - 2.0)
    } else {
        ("value", from + 4.0)
    };
    svg.text(anchor, (at, y - 4.0), &said);
    svg.close();
}
