//! The numbers of each endpoint of a load.

use super::{Part, Timing, Windows, quantile::rank, window::Window};
use crate::load::{Counts, Exchange, MOST_ENDPOINTS, Recording};
use serde::{Deserialize, Serialize};

/// What one endpoint of the load did before and with the fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EndpointMetrics {
    /// Its name.
    pub name: String,
    /// Before the fault.
    pub baseline: Option<EndpointPhase>,
    /// With the fault in place.
    pub fault: Option<EndpointPhase>,
}

/// The numbers of one endpoint in one part of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EndpointPhase {
    /// How many requests there were.
    pub counts: Counts,
    /// Half were faster; failures are infinitely slow.
    pub p50: Timing,
    /// 95 % were faster.
    pub p95: Timing,
}

/// The numbers of each endpoint; none when the load tells fewer than two apart.
pub(super) fn endpoints(recording: &Recording, windows: &Windows) -> Vec<EndpointMetrics> {
    let names = recording.endpoints();
    if names.len() < 2 {
        return Vec::new();
    }
    let phases = |window: Option<Window>| match window {
        Some(window) => of(Part::of(recording, windows, window), recording),
        None => [None; MOST_ENDPOINTS],
    };
    let (baseline, fault) = (phases(windows.baseline), phases(windows.fault));
    let both = baseline.into_iter().zip(fault);
    let named = names.iter().zip(both);
    let metrics = named.map(|(name, (baseline, fault))| EndpointMetrics {
        name: name.clone(),
        baseline,
        fault,
    });
    metrics.collect()
}

fn of(part: Part<'_>, recording: &Recording) -> [Option<EndpointPhase>; MOST_ENDPOINTS] {
    let mut counts = [Counts::default(); MOST_ENDPOINTS];
    for exchange in part.iter() {
        counts[exchange.endpoint()].add(exchange.class(), 1);
    }
    let ranks = counts.map(|c| [0.5, 0.95].map(|q| rank(q, c.done().max(1))));
    let mut wanted = [[0; 2]; MOST_ENDPOINTS];
    for ((wanted, ranks), counts) in wanted.iter_mut().zip(ranks).zip(counts) {
        *wanted = ranks.map(|rank| rank.min(counts.good.saturating_sub(1)));
    }
    let good = part.iter().filter(|e| e.class().is_good());
    let found = select_each(good.map(|e| (e.endpoint(), e.latency_code())), wanted);
    let mut phases = [None; MOST_ENDPOINTS];
    for (endpoint, phase) in phases.iter_mut().enumerate() {
        let counts = counts[endpoint];
        let timing = |i: usize| match ranks[endpoint][i] < counts.good {
            true => Timing::Exactly(Exchange::latency_of_code(found[endpoint][i])),
            false => Timing::AtLeast(recording.timeout()),
        };
        *phase = (counts.done() > 0).then(|| EndpointPhase {
            counts,
            p50: timing(0),
            p95: timing(1),
        });
    }
    phases
}

/// The codes at two ranks of each group, from 0, as [`select`](super::quantile::select) finds them: digit by digit from the
/// top, for all groups at once.
fn select_each(
    codes: impl Iterator<Item = (usize, u32)> + Clone,
    mut ranks: [[u64; 2]; MOST_ENDPOINTS],
) -> [[u32; 2]; MOST_ENDPOINTS] {
    /// How far to the right each digit is; each has 8 bits.
    const DIGITS: [u32; 4] = [24, 16, 8, 0];
    let mut found = [[0_u32; 2]; MOST_ENDPOINTS];
    for shift in DIGITS {
        let mut counts = [[[0_u64; 256]; 2]; MOST_ENDPOINTS];
        for (group, code) in codes.clone() {
            let top = code.checked_shr(shift + 8).unwrap_or(0);
            let digit = (code >> shift) as usize & 0xff;
            for (known, counts) in found[group].iter().zip(&mut counts[group]) {
                counts[digit] += u64::from(*known == top);
            }
        }
        let places = found.as_flattened_mut().iter_mut();
        let ranks = ranks.as_flattened_mut().iter_mut();
        for ((known, rank), counts) in places.zip(ranks).zip(counts.as_flattened()) {
            let mut digit = 0;
            for n in &counts[..255] {
                if *rank < *n {
                    break;
                }
                *rank -= n;
                digit += 1;
            }
            *known = *known << 8 | digit;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_selected_is_what_a_sort_of_each_group_finds(
            codes in prop::collection::vec((0_usize..4, any::<u32>()), 1..300),
            near in prop::collection::vec((0_usize..4, 0_u32..3000), 0..300),
            at in prop::array::uniform2(0.0_f64..1.0),
        ) {
            let codes: Vec<_> = codes.into_iter().chain(near).collect();
            let mut ranks = [[0; 2]; MOST_ENDPOINTS];
            let mut sorted = vec![Vec::new(); MOST_ENDPOINTS];
            for (group, code) in &codes {
                sorted[*group].push(*code);
            }
            for (group, sorted) in sorted.iter_mut().enumerate() {
                sorted.sort_unstable();
                ranks[group] = at.map(|q| rank(q, sorted.len().max(1) as u64));
            }
            let found = select_each(codes.iter().copied(), ranks);
            for (group, sorted) in sorted.iter().enumerate().filter(|(_, s)| !s.is_empty()) {
                prop_assert_eq!(found[group], ranks[group].map(|rank| sorted[rank as usize]));
            }
        }
    }
}
