//! What the targets used, as numbers.

use super::{
    columns::Column,
    tables::{Table, none},
    words::{count, short},
};
use crate::{
    report::{
        Report,
        resources::{bytes, cores},
        width::shorten,
    },
    resource::{ResourcePoint, SiteResources},
};

/// Of more sites than this nothing is told when hovering.
const MOST_SITES: usize = 3;

/// By part of the run.
pub(super) fn by_phase(report: &Report) -> Option<Table> {
    let rows = report.resources.sites.iter().flat_map(|site| {
        site.parts().map(|(phase, used)| {
            let source = site.lives.last().map(|life| life.source.to_string());
            vec![
                site.name.clone(),
                phase.to_owned(),
                used.cpu_mean.map_or_else(none, cores),
                used.cpu_max.map_or_else(none, cores),
                used.memory_mean.map_or_else(none, bytes),
                used.memory_max.map_or_else(none, bytes),
                used.descriptors_max.map_or_else(none, count),
                used.threads_max.map_or_else(none, count),
                short(used.missing),
                source.unwrap_or_else(none),
            ]
        })
    });
    let head = [
        "target",
        "phase",
        "CPU, cores",
        "at most",
        "memory",
        "at most",
        "descriptors",
        "threads",
        "not there",
        "seen by",
    ];
    Table::some(&head, 2, rows.collect())
}

/// The heads of [`cells`].
pub(super) fn heads(report: &Report) -> impl Iterator<Item = String> {
    let sites = &report.resources.sites;
    sites.iter().take(MOST_SITES).flat_map(|site| {
        let of = match sites.len() {
            1 => String::new(),
            _ => format!(" of {}", shorten(&site.name, 40)),
        };
        ["CPU cores", "memory", "descriptors"].map(|what| format!("{what}{of}"))
    })
}

/// What was used in the time of a column.
pub(super) fn cells(report: &Report, column: &Column) -> impl Iterator<Item = String> {
    let sites = report.resources.sites.iter().take(MOST_SITES);
    sites.flat_map(|site| {
        let used = within(site, column);
        let of = |value: Option<u64>, say: fn(u64) -> String| value.map_or_else(none, say);
        [
            used.and_then(|p| p.cpu).map_or_else(none, cores),
            of(used.and_then(|p| p.memory_max), bytes),
            of(used.and_then(|p| p.descriptors), count),
        ]
    })
}

/// The points whose middle is in a column, or else the one that the column is in.
fn within(site: &SiteResources, column: &Column) -> Option<ResourcePoint> {
    let points = &site.points;
    let middle = |p: &ResourcePoint| p.from + p.length() / 2;
    let first = points.partition_point(|p| middle(p) < column.start);
    let end = points.partition_point(|p| middle(p) < column.end);
    match points.get(first..end) {
        Some(inside @ [_, ..]) => ResourcePoint::merge(inside),
        _ => {
            let at = column.start + column.end.saturating_sub(column.start) / 2;
            let next = points.get(points.partition_point(|p| p.to < at))?;
            (next.from <= at).then_some(*next)
        }
    }
}
