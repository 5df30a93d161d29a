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

/// The same for all faults of a run, each with all of its repetitions. Where it is known of some of them only, it is that often
/// at least.
pub(super) fn all(run: &Run) -> Option<String> {
    of(&run.edges)
}

fn of(edges: &[Edge]) -> Option<String> {
    let mut faults: BTreeMap<usize, Vec<&Edge>> = BTreeMap::new();
    for edge in edges.iter().filter(|e| e.kind == EdgeKind::Recovered) {
        faults.entry(edge.index).or_default().push(edge);
    }
    let told = |rounds: &Vec<&Edge>| {
        let known: Vec<u64> = rounds.iter().filter_map(|edge| edge.hits).collect();
        let edge = rounds.iter().find(|edge| acted(edge).is_some())?;
        let least = match known.len() < rounds.len() {
            true => "at least ",
            false => "",
        };
        let times = times(known.iter().sum());
        Some(format!(
            "{} on {} acted {least}{times}",
            edge.fault, edge.target
        ))
    };
    let told: Vec<String> = faults.values().filter_map(told).collect();
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

    fn recovered(fault: &str, hits: impl Into<Option<u64>>) -> Edge {
        let edge = serde_json::json!({
            "kind": "recovered", "fault": fault, "target": "host", "index": 0, "repetition": 0,
            "requested": 0.0, "confirmed": 0.0, "hits": hits.into(), "detail": null,
        });
        serde_json::from_value(edge).unwrap()
    }

    #[test]
    fn only_what_acts_on_requests_connections_and_packets_is_told() {
        assert_eq!(acted(&recovered("mem.fill", 12800)), None);
        assert_eq!(acted(&recovered("net.latency", 1)).unwrap(), "1 time");
        assert_eq!(acted(&recovered("dns.delay", 7)).unwrap(), "7 times");
    }

    #[test]
    fn rounds_of_which_nothing_is_known_may_have_acted() {
        let (known, not) = (recovered("net.loss", 7), recovered("net.loss", None));
        let told = |rounds: &[&Edge]| of(&rounds.iter().copied().cloned().collect::<Vec<_>>());
        let both = told(&[&known, &known]).unwrap();
        assert_eq!(both, "net.loss on host acted 14 times");
        let one = told(&[&not, &known]).unwrap();
        assert_eq!(one, "net.loss on host acted at least 7 times");
        assert_eq!(told(&[&not]), None);
    }
}
