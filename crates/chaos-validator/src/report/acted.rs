//! How often the faults of a run have acted.

use chaos_core::{Edge, EdgeKind, Run};
use std::collections::BTreeMap;

/// The domains whose faults act on requests, connections and packets. Pieces of memory or of work mean nothing to a reader.
const DOMAINS: [&str; 4] = ["net.", "http.", "dns.", "db."];

/// How often a fault had acted on requests, connections or packets by this edge, in words; `None` when that is not known or
/// means nothing to a reader.
pub fn acted(edge: &Edge) -> Option<String> {
    let domains = DOMAINS.iter();
    let counts = domains.into_iter().any(|of| edge.fault.starts_with(of));
    edge.hits.filter(|_| counts).map(times)
}

/// The same for all faults of a run, each with all of its repetitions.
pub(super) fn all(run: &Run) -> Option<String> {
    let mut faults: BTreeMap<usize, (&Edge, u64)> = BTreeMap::new();
    for edge in run.edges.iter().filter(|e| e.kind == EdgeKind::Recovered) {
        if let (Some(hits), Some(_)) = (edge.hits, acted(edge)) {
            faults.entry(edge.index).or_insert((edge, 0)).1 += hits;
        }
    }
    let told = |(edge, hits): &(&Edge, u64)| {
        format!("{} on {} acted {}", edge.fault, edge.target, times(*hits))
    };
    let told: Vec<String> = faults.values().map(told).collect();
    (!told.is_empty()).then(|| told.join(", "))
}

fn times(hits: u64) -> String {
    match hits {
        1 => "1 time".to_owned(),
        n => format!("{n} times"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recovered(fault: &str, hits: u64) -> Edge {
        let edge = serde_json::json!({
            "kind": "recovered", "fault": fault, "target": "host", "index": 0, "repetition": 0,
            "requested": 0.0, "confirmed": 0.0, "hits": hits, "detail": null,
        });
        serde_json::from_value(edge).unwrap()
    }

    #[test]
    fn only_what_acts_on_requests_connections_and_packets_is_told() {
        assert_eq!(acted(&recovered("mem.fill", 12800)), None);
        assert_eq!(acted(&recovered("net.latency", 1)).unwrap(), "1 time");
        assert_eq!(acted(&recovered("dns.delay", 7)).unwrap(), "7 times");
    }
}
