//! Runs and recordings whose truth is known.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::allow_attributes,
    reason = "every test binary uses a part of it"
)]

use chaos_core::Run;
use chaos_validator::{Class, Exchange, Recording, Report, Slos};
use std::time::Duration;

/// Baseline 0–10 s, fault 10–20 s, recovery 20–30 s.
pub struct Trace {
    pub rate: f64,
    pub outcome: serde_json::Value,
    pub hits: Option<u64>,
    pub injected: bool,
    pub left: serde_json::Value,
    pub warnings: Vec<String>,
}

impl Default for Trace {
    fn default() -> Self {
        Self {
            rate: 50.0,
            outcome: serde_json::json!({ "outcome": "held" }),
            hits: Some(7),
            injected: true,
            left: serde_json::json!([]),
            warnings: Vec::new(),
        }
    }
}

/// Answered after so many milliseconds, or not.
pub type Fate = (u64, Class);

pub const fn ok(ms: u64) -> Fate {
    (ms, Class::Ok)
}

impl Trace {
    pub fn run(&self) -> Run {
        let span = |phase: &str, from: u64, to: u64| serde_json::json!({ "phase": phase, "start": secs(from), "end": secs(to) });
        let edge = |kind: &str, at: u64, hits: Option<u64>| {
            serde_json::json!({
                "kind": kind, "fault": "net.latency", "target": "db", "index": 0, "repetition": 0,
                "requested": secs(at), "confirmed": secs(at), "hits": hits, "detail": null,
            })
        };
        let edges = if self.injected {
            vec![edge("injected", 10, None), edge("recovered", 20, self.hits)]
        } else {
            Vec::new()
        };
        serde_json::from_value(serde_json::json!({
            "name": "slow database",
            "seed": 7,
            "started": "2026-11-22T12:00:00.000Z",
            "took": secs(30),
            "outcome": self.outcome,
            "phases": [span("baseline", 0, 10), span("fault", 10, 20), span("recovery", 20, 30)],
            "edges": edges,
            "changes": ["delay answers of db by 500ms"],
            "judged": [],
            "left": self.left,
            "warnings": self.warnings,
            "stopped": null,
            "samples": {},
        }))
        .unwrap()
    }

    /// Requests from 0 to 30 s; `fate` says what became of the one meant for that time in ms.
    pub fn recording(&self, fate: impl Fn(u64) -> Fate) -> Recording {
        let exchanges = (0..(self.rate * 30.0) as u64)
            .map(|i| {
                let at = Duration::from_secs_f64(i as f64 / self.rate);
                let (took, class) = fate(at.as_millis() as u64);
                Exchange::new(at, at, at + Duration::from_millis(took), class)
            })
            .collect();
        let words = format!("GET http://127.0.0.1:8000/ at {}/s, timeout 2s", self.rate);
        Recording::new(words, self.rate, Duration::from_secs(2), exchanges)
    }

    pub fn report(&self, fate: impl Fn(u64) -> Fate) -> Report {
        self.report_with(fate, &Slos::default())
    }

    pub fn report_with(&self, fate: impl Fn(u64) -> Fate, slos: &Slos) -> Report {
        Report::new(self.run(), &self.recording(fate), slos)
    }
}

fn secs(secs: u64) -> serde_json::Value {
    serde_json::json!(secs)
}
