//! One run in the page.

use super::{
    curve_panel,
    frame::{Frame, LEFT, Panel, RIGHT, WIDTH},
    heatmap_panel, latency_panel, mini, outages_panel,
    page::Mark,
    phases_panel, resource_table, resources_panel,
    slo_rows::{self, SloRow},
    strip_panel,
    tables::{self, Fact, Table},
    throughput_panel,
    tiles::{self, Tile},
};
use crate::report::Advice;
use crate::{judge::Judgement, report::Report};
use serde::Serialize;

/// One run, as the template takes it.
#[derive(Debug, Serialize)]
pub(super) struct Section {
    id: String,
    name: String,
    verdict: Mark,
    why: String,
    facts: Vec<Fact>,
    instrument: Mark,
    glance: Panel,
    tiles: Vec<Tile>,
    notes: Vec<Note>,
    width: f64,
    plot: [f64; 2],
    end: f64,
    panels: Vec<Panel>,
    curve: Option<Panel>,
    curve_width: f64,
    slos: Vec<SloRow>,
    advice: Vec<Advice>,
    phases: Table,
    endpoints: Option<Table>,
    hypotheses: Option<Table>,
    edges: Option<Table>,
    outages: Option<Table>,
    shifts: Option<Table>,
    resources: Option<Table>,
    seconds: Table,
    /// When each row of those begins, in seconds.
    starts: Vec<f64>,
    health: Vec<Fact>,
    setup: Vec<Fact>,
    reproduce: String,
}

/// Something that a reader should know.
#[derive(Debug, Serialize)]
struct Note {
    sign: &'static str,
    text: String,
}

impl Section {
    pub(super) fn of(report: &Report, number: usize) -> Self {
        let frame = Frame::of(report);
        let panels = [
            phases_panel::panel,
            strip_panel::panel,
            outages_panel::panel,
            latency_panel::panel,
            heatmap_panel::panel,
            throughput_panel::panel,
        ];
        Self {
            id: format!("s{number}"),
            name: report.run.name.clone(),
            verdict: Mark::of(report.verdict.conclusion),
            why: report.verdict.why.clone(),
            facts: tables::facts(report),
            instrument: tables::instrument(report),
            glance: mini::panel(&frame),
            tiles: tiles::of(report),
            notes: notes(report),
            width: WIDTH,
            plot: [LEFT, RIGHT],
            end: frame.end.as_secs_f64(),
            panels: panels
                .into_iter()
                .map(|panel| panel(&frame))
                .chain(resources_panel::panel(&frame))
                .collect(),
            curve: (!curve_panel::is_empty(report)).then(|| curve_panel::panel(report)),
            curve_width: curve_panel::WIDTH,
            slos: slo_rows::of(report),
            advice: report.advice(),
            phases: tables::phases(report),
            endpoints: tables::endpoints(report),
            hypotheses: tables::hypotheses(report),
            edges: tables::edges(report),
            outages: tables::outages(report),
            shifts: tables::shifts(report),
            resources: resource_table::by_phase(report),
            seconds: tables::seconds(&frame),
            starts: frame
                .columns
                .iter()
                .map(|c| c.start.as_secs_f64())
                .collect(),
            health: tables::health(report),
            setup: tables::setup(report),
            reproduce: report.reproduce(),
        }
    }
}

/// Why something cannot be told, and what else a reader should know.
fn notes(report: &Report) -> Vec<Note> {
    let mut notes: Vec<Note> = Vec::new();
    // The same reason often holds for several promises.
    let mut unclear: Vec<(String, Vec<String>)> = Vec::new();
    for result in &report.slos {
        let Judgement::Inconclusive { why, fix } = &result.judgement else {
            continue;
        };
        let reason = format!("{why}; to tell: {fix}");
        match unclear.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, slos)) => slos.push(result.slo.to_string()),
            None => unclear.push((reason, vec![result.slo.to_string()])),
        }
    }
    let text = |(reason, slos): (String, Vec<String>)| format!("{}: {reason}", slos.join(", "));
    notes.extend(unclear.into_iter().map(|u| Note {
        sign: "?",
        text: text(u),
    }));
    for left in &report.run.left {
        let text = format!("left on the host: {} ({})", left.change, left.why);
        notes.push(Note { sign: "✗", text });
    }
    let warnings = report.warnings.iter().chain(&report.lints);
    notes.extend(warnings.map(|w| Note {
        sign: "!",
        text: w.clone(),
    }));
    notes
}
