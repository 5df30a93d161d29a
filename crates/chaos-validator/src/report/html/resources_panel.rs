//! What the targets used, a picture for each measure.

use super::{
    frame::{Frame, LEFT, Panel, RIGHT},
    scale::{Linear, round_ticks},
    svg::{Line, Svg},
    words,
};
use crate::{
    report::{
        resources::{Unit, bytes, cores},
        width::shorten,
    },
    resource::{ResourcePoint, ResourceUse, SiteResources},
};
use chaos_core::Phase;

/// More sites than this are only in the table.
const MOST_SITES: usize = 6;
/// More points than this are not seen apart.
const MOST_POINTS: usize = 600;
const TOP: f64 = 6.0;
const NAME: f64 = 18.0;
const PLOT: f64 = 52.0;
/// Room for the axis below each.
const ROW: f64 = PLOT + 26.0;

/// One measure of a site.
struct Measure {
    name: &'static str,
    line: &'static str,
    of: fn(&ResourcePoint) -> Option<f64>,
    /// What is said of a part of the run.
    say: fn(&ResourceUse) -> Option<String>,
    tick: fn(f64, Unit) -> String,
}

#[expect(
    clippy::cast_precision_loss,
    reason = "bytes and counts stay below 2^52"
)]
const MEASURES: [Measure; 3] = [
    Measure {
        name: "CPU, cores",
        line: "p50",
        of: |p| p.cpu,
        say: |u| {
            let (mean, max) = (u.cpu_mean?, u.cpu_max?);
            Some(format!("CPU {} cores, at most {}", cores(mean), cores(max)))
        },
        tick: |value, _| words::trimmed(value),
    },
    Measure {
        name: "memory",
        line: "p95",
        of: |p| p.memory_max.map(|bytes| bytes as f64),
        say: |u| {
            let (mean, max) = (u.memory_mean?, u.memory_max?);
            Some(format!("memory {}, at most {}", bytes(mean), bytes(max)))
        },
        tick: |value, unit| format!("{}\u{a0}{}", words::trimmed(value / unit.bytes), unit.name),
    },
    Measure {
        name: "descriptors",
        line: "p99",
        of: |p| p.descriptors.map(|n| n as f64),
        say: |u| {
            Some(format!(
                "at most {} descriptors",
                words::count(u.descriptors_max?)
            ))
        },
        tick: |value, _| words::trimmed(value),
    },
];

/// None when nobody was watched.
pub(super) fn panel(frame: &Frame<'_>) -> Option<Panel> {
    let sites = &frame.report.resources.sites;
    let mut svg = Svg::default();
    let mut top = TOP;
    for site in sites.iter().take(MOST_SITES) {
        svg.text("fault-name", (LEFT, top + 12.0), &shorten(&site.name, 90));
        top += NAME;
        for measure in &MEASURES {
            plot(frame, site, measure, top, &mut svg);
            top += ROW;
        }
    }
    let gone = sites
        .iter()
        .any(|s| s.points.iter().any(ResourcePoint::is_gap));
    let mut legend: Vec<(&'static str, String)> = vec![
        ("l-p50", "CPU".into()),
        ("l-p95", "memory".into()),
        ("l-p99", "descriptors".into()),
    ];
    legend.extend(gone.then(|| ("l-nodata", "not there".into())));
    (!sites.is_empty()).then(|| Panel {
        id: "resources",
        title: "Resources of the target",
        summary: summary(sites),
        legend,
        height: top,
        svg: svg.finish(),
        timed: true,
    })
}

fn summary(sites: &[SiteResources]) -> String {
    let site = |site: &SiteResources| {
        let part = |(name, used): (&str, &ResourceUse)| format!("{name} {}", said(used));
        let parts: Vec<String> = site.parts().map(part).collect();
        format!("{}: {}", site.name, parts.join("; "))
    };
    let sites: Vec<String> = sites.iter().take(MOST_SITES).map(site).collect();
    sites.join(". ")
}

fn said(used: &ResourceUse) -> String {
    let say = |m: &Measure| (m.say)(used);
    let said: Vec<String> = MEASURES.iter().filter_map(say).collect();
    match said.is_empty() {
        true => "not known".to_owned(),
        false => said.join(", "),
    }
}

fn plot(frame: &Frame<'_>, site: &SiteResources, measure: &Measure, top: f64, svg: &mut Svg) {
    let bottom = top + PLOT;
    svg.raw(frame.begin(top, bottom).finish());
    let together = site.points.len().div_ceil(MOST_POINTS).max(1);
    let points: Vec<ResourcePoint> = site
        .points
        .chunks(together)
        .filter_map(ResourcePoint::merge)
        .collect();
    let most = points.iter().filter_map(measure.of).fold(0.0, f64::max);
    if !points.iter().any(|p| (measure.of)(p).is_some()) {
        frame.nothing(svg, top, bottom, &format!("{}: not known", measure.name));
        return;
    }
    // With room for what is said above the line.
    let high = if most > 0.0 { most * 1.6 } else { 1.0 };
    let y = Linear {
        from: (0.0, high),
        to: (bottom, top),
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a size that was seen"
    )]
    let unit = Unit::of(most as u64);
    // Round in the unit, which is no power of ten.
    let scale = if measure.line == "p95" {
        unit.bytes
    } else {
        1.0
    };
    for tick in round_ticks(0.0, high / scale, 3.0) {
        let at = y.at(tick * scale);
        svg.line("grid", (LEFT, at), (RIGHT, at));
        svg.text(
            "tick e",
            (LEFT - 6.0, at + 4.0),
            &(measure.tick)(tick * scale, unit),
        );
    }
    for gap in points.chunk_by(|a, b| a.is_gap() && b.is_gap()) {
        if let (Some(first), Some(last)) = (gap.first(), gap.last())
            && first.is_gap()
        {
            let (from, to) = (frame.x(first.from), frame.x(last.to));
            svg.rect("nodata", (from, top), (to - from, PLOT));
        }
    }
    let mut line = Line::default();
    for point in &points {
        let (from, to) = (frame.x(point.from), frame.x(point.to));
        match (measure.of)(point) {
            Some(value) => {
                line.to(from, y.at(value));
                line.to(to, y.at(value));
            }
            None => line.lift(),
        }
    }
    svg.path(&format!("line {}", measure.line), &line.finish());
    parts(frame, site, measure, top, svg);
}

/// What is said of each part of the run, where it begins; the arrow keys and a reader come along here.
fn parts(frame: &Frame<'_>, site: &SiteResources, measure: &Measure, top: f64, svg: &mut Svg) {
    let windows = &frame.report.metrics.windows;
    let parts = [
        (Phase::Baseline, &site.baseline, windows.baseline),
        (Phase::Fault, &site.fault, windows.fault),
        (Phase::Recovery, &site.recovery, windows.recovery),
    ];
    for (phase, used, window) in parts {
        let said = used.as_ref().and_then(measure.say);
        let (Some(said), Some(window)) = (said, window) else {
            continue;
        };
        let (from, to) = (frame.x(window.start), frame.x(window.end));
        svg.open_point(&format!("{}, {phase}: {said}", site.name));
        // As wide as a letter is on average.
        if to - from > 8.0 + 6.0 * said.chars().count() as f64 {
            svg.text("ref-name", (from + 4.0, top + 12.0), &said);
        } else {
            svg.text("ref-name", (from + 1.0, top + 12.0), "·");
        }
        svg.close();
    }
}
