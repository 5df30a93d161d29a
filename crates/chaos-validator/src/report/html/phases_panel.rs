//! The phases, and the faults with their edges as asked for and as confirmed.

use super::{
    fault_bar::FaultBar,
    frame::{Frame, LEFT, Panel, RIGHT},
    svg::Svg,
    words,
};
use chaos_core::EdgeKind;

const TOP: f64 = 6.0;
const PHASE: f64 = 20.0;
const ROW: f64 = 36.0;
const BAR: f64 = 14.0;
/// More faults than this are not told apart by rows.
const MOST_ROWS: usize = 12;

pub(super) fn panel(frame: &Frame<'_>) -> Panel {
    let mut rows: Vec<usize> = frame.faults.iter().map(|f| f.from.index).collect();
    rows.sort_unstable();
    rows.dedup();
    rows.truncate(MOST_ROWS);
    #[expect(clippy::cast_precision_loss, reason = "at most twelve")]
    let bottom = TOP + PHASE + 4.0 + ROW * rows.len() as f64;
    let mut svg = frame.begin(TOP, bottom);
    for span in &frame.report.run.phases {
        let (from, to) = (frame.x(span.start), frame.x(span.end));
        let name = span.phase.to_string();
        let length = words::short(span.end.saturating_sub(span.start));
        svg.open_point(&format!("{name}, {length}"));
        svg.rect(&format!("phase ph-{name}"), (from, TOP), (to - from, PHASE));
        if to - from > 60.0 {
            svg.text("phase-name m", (f64::midpoint(from, to), TOP + 14.0), &name);
        }
        svg.close();
    }
    let mut y = TOP + PHASE + 4.0;
    for row in &rows {
        let bars = frame.faults.iter().filter(|f| f.from.index == *row);
        let mut labelled = false;
        for fault in bars {
            if !labelled {
                let name = format!("{} on {}", fault.from.fault, fault.from.target);
                let at = frame.x(fault.start());
                let (anchor, at) = if at > 700.0 {
                    ("fault-name e", RIGHT - 4.0)
                } else {
                    ("fault-name", at)
                };
                svg.text(anchor, (at.max(LEFT + 2.0), y + 12.0), &cut(&name));
                labelled = true;
            }
            bar(frame, fault, y + 17.0, &mut svg);
        }
        y += ROW;
    }
    let what = match frame.faults.len() {
        0 => "no fault was put in place".to_owned(),
        1 => "1 fault".to_owned(),
        n => format!("{n} times a fault was in place"),
    };
    Panel {
        id: "phases",
        title: "Phases and faults",
        summary: format!("{} phases, {what}", frame.report.run.phases.len()),
        legend: vec![
            ("l-fault", "confirmed in place".into()),
            ("l-edge", "from asked for to confirmed".into()),
        ],
        height: Frame::height(bottom),
        svg: svg.finish(),
        timed: true,
    }
}

fn bar(frame: &Frame<'_>, fault: &FaultBar<'_>, y: f64, svg: &mut Svg) {
    let from = fault.from;
    let gone = fault.end(frame.end);
    let asked_gone = fault
        .until
        .map_or(frame.end, |e| e.requested)
        .max(from.confirmed);
    let (x0, x1) = (frame.x(fault.start()), frame.x(from.confirmed));
    let (x2, x3) = (frame.x(asked_gone), frame.x(gone));
    let end = match fault.until {
        Some(edge) => format!(
            "{} asked for at {}, confirmed at {}",
            match edge.kind {
                EdgeKind::Lost => "lost,",
                EdgeKind::Over => "over,",
                _ => "removal",
            },
            words::short(edge.requested),
            words::short(edge.confirmed)
        ),
        None => "never seen gone".to_owned(),
    };
    let label = format!(
        "{} on {}: asked for at {}, confirmed at {}; {end}",
        from.fault,
        from.target,
        words::short(from.requested),
        words::short(from.confirmed)
    );
    svg.open_point(&label);
    svg.rect("edge", (x0, y), ((x1 - x0).max(1.0), BAR));
    svg.rect("fault", (x1, y), ((x2 - x1).max(2.0), BAR));
    svg.rect("edge", (x2, y), ((x3 - x2).max(0.0), BAR));
    match fault.until.map(|e| e.kind) {
        None => {
            svg.text("open-end", (x3 - 12.0, y + 11.0), "▶");
        }
        Some(EdgeKind::Lost) => {
            svg.text("open-end", (x3 + 2.0, y + 11.0), "✗ lost");
        }
        Some(_) => {}
    }
    svg.close();
}

/// A name that fits.
fn cut(name: &str) -> String {
    crate::report::width::shorten(name, 90)
}
