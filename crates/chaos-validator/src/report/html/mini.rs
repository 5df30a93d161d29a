//! The run at a glance.

use super::{
    classes,
    frame::{Frame, LEFT, Panel, RIGHT},
    strip_panel::piles,
    svg::Svg,
};

const TOP: f64 = 4.0;
const BOTTOM: f64 = 34.0;

pub(super) fn panel(frame: &Frame<'_>) -> Panel {
    let mut svg = Svg::default();
    svg.rect("plot", (LEFT, TOP), (RIGHT - LEFT, BOTTOM - TOP));
    for (class, boxes) in piles(frame, TOP + 4.0, BOTTOM) {
        svg.path(&format!("pile {}", classes::style(class)), boxes.d());
    }
    if frame.columns.is_empty() {
        frame.nothing(&mut svg, TOP, BOTTOM, "no traffic");
    } else {
        frame.hatch_gaps(&mut svg, TOP + 4.0, BOTTOM);
    }
    for fault in &frame.faults {
        let (from, to) = (frame.x(fault.start()), frame.x(fault.end(frame.end)));
        svg.rect(
            "mini-fault",
            (from, TOP),
            ((to - from).max(2.0), BOTTOM - TOP),
        );
        svg.rect("fault", (from, TOP), ((to - from).max(2.0), 4.0));
    }
    let outages = frame.report.metrics.outages.len();
    Panel {
        id: "glance",
        title: "At a glance",
        summary: format!(
            "the run at a glance: {} faults, {outages} outages",
            frame.faults.len()
        ),
        legend: Vec::new(),
        height: BOTTOM + 4.0,
        svg: svg.finish(),
        timed: false,
    }
}
