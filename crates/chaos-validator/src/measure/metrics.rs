//! All numbers of a run.

use super::{
    Detection, Detector, Outage, Part, PhaseMetrics, Repair, Shift, Timing, Windows,
    quantile::{DEGRADATION_QUANTILE, Ranked, lateness},
    recovery::{Hold, Norm, noise},
    starved::starved,
    window::Window,
};
use crate::load::{Class, Counts, Exchange, Recording};
use chaos_core::{Run, seconds};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// All numbers of a run. Times are seconds since its start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Metrics {
    /// The parts of the run.
    pub windows: Windows,
    /// Before the fault.
    pub baseline: Option<PhaseMetrics>,
    /// With the fault in place.
    pub fault: Option<PhaseMetrics>,
    /// After the fault.
    pub recovery: Option<PhaseMetrics>,
    /// With the fault and after it: what error rate and availability are judged on.
    pub judged: Option<PhaseMetrics>,
    /// When the target was out, in the judged part.
    pub outages: Vec<Outage>,
    /// How long it took to recover from outages; none without one.
    pub mttr: Option<Repair>,
    /// How long it took, from the removal of the fault, until things were normal again.
    pub recovery_time: Option<Timing>,
    /// How much slower it was with the fault.
    pub degradation: Option<Degradation>,
    /// By how much p50, p95, p99 and p99.9 are higher with the fault, and how sure that is.
    #[serde(default)]
    pub shifts: Vec<Shift>,
    /// When the target failed, and when that could be known; none without an outage.
    #[serde(default)]
    pub detection: Option<Detection>,
    /// The share of the good answers per second that was lost with the fault, 0 to 1; below 0 there were more.
    #[serde(default)]
    pub throughput_loss: Option<f64>,
    /// Whether the instrument can be trusted.
    pub instrument: Instrument,
}

/// How much slower it was with the fault than before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Degradation {
    /// Which quantile of the latency is compared.
    pub quantile: f64,
    /// Before the fault.
    pub baseline: Timing,
    /// With the fault.
    pub fault: Timing,
    /// The difference in seconds; when `fault` is censored it is at least this.
    pub seconds: f64,
    /// What the difference may be, for the generator's own lateness is in both.
    pub bounds: (f64, f64),
    /// What the halves of the baseline differ by: less than this is no difference.
    #[serde(with = "seconds")]
    pub noise: Duration,
    /// The slowest with the fault against the fastest before, in seconds: no quantile can differ by more.
    pub most: Option<f64>,
    /// The median with the fault against the quantile before, in seconds.
    pub median: f64,
    /// How many requests there were before the fault.
    pub n_baseline: u64,
    /// How many with it.
    pub n_fault: u64,
}

/// Whether the instrument can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Instrument {
    /// All requests of the load; `planned` was counted when they were due, the others when they were over.
    pub counts: Counts,
    /// How late the generator was at the median.
    #[serde(with = "seconds")]
    pub late_p50: Duration,
    /// How late it was at the 99 % quantile.
    #[serde(with = "seconds")]
    pub late_p99: Duration,
    /// How late it was at most.
    #[serde(with = "seconds")]
    pub late_max: Duration,
    /// How many requests failed because all slots were taken by others that were answered in time: there were too few.
    #[serde(default)]
    pub starved: u64,
    /// The shortest outage that is found for sure.
    #[serde(with = "seconds")]
    pub shortest_outage: Duration,
}

impl Metrics {
    /// The numbers of a run and what its load saw.
    pub fn of(run: &Run, recording: &Recording) -> Self {
        let windows = Windows::of(run);
        let detector = Detector::at(recording.rate());
        let watched = watched_until(recording, &windows);
        let from = windows.baseline.map_or(Duration::ZERO, |w| w.start);
        let outages = detector.find(recording.between(from, Duration::MAX), watched);
        let phase = |window: Option<Window>| {
            window.map(|window| {
                let seen = Part::of(recording, &windows, window);
                PhaseMetrics::of(seen, recording, &outages, window)
            })
        };
        let (baseline, fault, recovery, judged) = (
            phase(windows.baseline),
            phase(windows.fault),
            phase(windows.recovery),
            phase(windows.judged),
        );
        let outages: Vec<Outage> = outages
            .into_iter()
            .filter(|o| windows.judged.is_some_and(|w| o.end() > w.start))
            .collect();
        Self {
            mttr: Repair::of(&outages.iter().collect::<Vec<_>>()),
            recovery_time: recovery_time(recording, &windows, watched),
            degradation: degradation(recording, &windows),
            shifts: shifts(recording, &windows),
            detection: Detection::of(run, &windows, &outages),
            throughput_loss: lost(baseline.as_ref(), fault.as_ref()),
            instrument: Instrument::of(recording, detector),
            windows,
            baseline,
            fault,
            recovery,
            judged,
            outages,
        }
    }
}

impl Instrument {
    fn of(recording: &Recording, detector: Detector) -> Self {
        let exchanges = recording.exchanges().iter();
        let [late_p50, late_p99, late_max] = lateness(exchanges, [0.5, 0.99, 1.0]);
        Self {
            counts: recording.counts(),
            late_p50,
            late_p99,
            late_max,
            starved: starved(recording.exchanges().iter(), recording.timeout()),
            shortest_outage: detector.shortest(recording.timeout()),
        }
    }
}

/// The end of the judged window, when the load ran until there; else the last request that counts.
fn watched_until(recording: &Recording, windows: &Windows) -> Duration {
    let end = windows.judged.map_or(Duration::ZERO, |w| w.end);
    let last = recording
        .exchanges()
        .iter()
        .rfind(|e| e.class().counts())
        .map_or(Duration::ZERO, Exchange::intended);
    let grace = super::error_rate::time_of(2, recording.rate());
    if last + grace >= end {
        end.max(last)
    } else {
        last
    }
}

/// None when no fault was removed, or nothing was watched after it.
fn recovery_time(recording: &Recording, windows: &Windows, watched: Duration) -> Option<Timing> {
    let removed = windows.removed?;
    let baseline = windows.baseline?;
    windows.recovery?;
    let norm = Norm::of(Part::of(recording, windows, baseline).iter());
    // What was cancelled was not answered, so what came after it does not show that all was well.
    let settled = recording
        .exchanges()
        .iter()
        .find(|e| e.class() == Class::Cancelled)
        .map_or(Duration::MAX, Exchange::intended);
    let after = recording.between(removed, settled);
    if after.is_empty() {
        return None;
    }
    Some(norm.recovery(after, removed, watched, Hold::at(recording.rate())))
}

fn degradation(recording: &Recording, windows: &Windows) -> Option<Degradation> {
    let part = |window| Part::of(recording, windows, window);
    let (before, with) = (part(windows.baseline?), part(windows.fault?));
    let q = DEGRADATION_QUANTILE;
    let ranked_before = Ranked::of(before.iter(), recording.timeout());
    let ranked_with = Ranked::of(with.iter(), recording.timeout());
    let [fastest, baseline] = ranked_before.timings([0.0, q])?;
    let [median, fault, slowest] = ranked_with.timings([0.5, q, 1.0])?;
    let less = |a: Timing, b: Timing| a.lower().as_secs_f64() - b.lower().as_secs_f64();
    let late_by = |part: Part<'_>| lateness(part.iter(), [q])[0].as_secs_f64();
    let seconds = less(fault, baseline);
    Some(Degradation {
        quantile: q,
        baseline,
        fault,
        seconds,
        bounds: (seconds - late_by(with), seconds + late_by(before)),
        noise: noise(before.iter()),
        most: slowest.exact().map(|_| less(slowest, fastest)),
        median: less(median, baseline),
        n_baseline: ranked_before.len(),
        n_fault: ranked_with.len(),
    })
}

fn shifts(recording: &Recording, windows: &Windows) -> Vec<Shift> {
    let part = |window| Part::of(recording, windows, window);
    match (windows.baseline.map(part), windows.fault.map(part)) {
        (Some(before), Some(with)) => Shift::of(before, with, recording.timeout()),
        _ => Vec::new(),
    }
}

/// The share of the good answers per second that was lost.
fn lost(before: Option<&PhaseMetrics>, with: Option<&PhaseMetrics>) -> Option<f64> {
    let (before, with) = (before?.good_per_second, with?.good_per_second);
    (before > 0.0).then(|| 1.0 - with / before)
}

/// How many requests it takes until ten are beyond the quantile `q`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a small number"
)]
pub(crate) fn least_for_quantile(q: f64) -> u64 {
    (10.0 / (1.0 - q)).round() as u64
}
