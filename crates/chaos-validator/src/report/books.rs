//! What became of all requests, and what was lost, in words.

use super::{Report, short::Short};

/// `803 planned = 552 good + 251 bad + 0 unsent + 0 cancelled, sent 1.9 ms late (p99), 3.4 ms at most`; none without traffic.
pub(super) fn balance(report: &Report) -> Option<String> {
    let instrument = &report.metrics.instrument;
    let counts = instrument.counts;
    (counts.planned > 0).then(|| {
        format!(
            "{} planned = {} good + {} bad + {} unsent + {} cancelled, sent {} late (p99), {} at most",
            counts.planned,
            counts.good,
            counts.bad,
            counts.unsent,
            counts.cancelled,
            Short(instrument.late_p99),
            Short(instrument.late_max)
        )
    })
}

/// The share of the good answers per second that the fault has taken, from one in a hundred on.
pub(super) fn throughput(report: &Report) -> Option<String> {
    let lost = report.metrics.throughput_loss?;
    (lost >= 0.01).then(|| format!("{:.0} % of the good answers per second", lost * 100.0))
}

/// How long it was out after the fault was gone.
pub(super) fn residual(report: &Report) -> Option<String> {
    let residual = report.metrics.detection.as_ref()?.residual_downtime;
    (!residual.is_zero()).then(|| format!("out for {} after the fault was gone", Short(residual)))
}

/// Both in a line.
pub(super) fn losses(report: &Report) -> Option<String> {
    let both: Vec<String> = [throughput(report), residual(report)]
        .into_iter()
        .flatten()
        .collect();
    (!both.is_empty()).then(|| both.join("; "))
}
