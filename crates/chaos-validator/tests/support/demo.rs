//! Reports of runs as they happen, for looking at.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::allow_attributes,
    reason = "every user of it needs a part"
)]

#[path = "used.rs"]
mod used;

use chaos_core::Run;
use chaos_validator::{Class, Exchange, Recording, Report, Slos, Summary};
use serde_json::{Value, json};
use std::time::Duration;

/// A run of three phases and its load; times in seconds.
pub struct Demo {
    pub name: &'static str,
    pub baseline: f64,
    pub fault: f64,
    pub end: f64,
    pub rate: f64,
    pub outcome: Value,
    /// When the fault is in place, again and again.
    pub faults: Vec<(f64, f64)>,
    pub warnings: Vec<String>,
}

/// What becomes of the request of a time, and in how many milliseconds.
pub type Fate = (f64, Class);

impl Demo {
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            baseline: 20.0,
            fault: 50.0,
            end: 80.0,
            rate: 50.0,
            outcome: json!({ "outcome": "held" }),
            faults: vec![(20.0, 50.0)],
            warnings: Vec::new(),
        }
    }

    pub fn run(&self) -> Run {
        let span =
            |phase: &str, from: f64, to: f64| json!({ "phase": phase, "start": from, "end": to });
        let edge = |kind: &str, at: f64, confirmed: f64, repetition: usize| {
            json!({
                "kind": kind, "fault": "net.latency", "target": "orders → db:5432", "index": 0,
                "repetition": repetition, "requested": at, "confirmed": confirmed,
                "hits": if kind == "recovered" { json!(1499) } else { Value::Null }, "detail": null,
            })
        };
        let edges = self.faults.iter().enumerate().flat_map(|(i, (from, to))| {
            [
                edge("injected", *from, from + 0.4, i),
                edge("recovered", *to, to + 0.6, i),
            ]
        });
        serde_json::from_value(json!({
            "name": self.name,
            "seed": 4711,
            "started": "2026-11-22T12:00:00.000Z",
            "took": self.end + 1.2,
            "outcome": self.outcome,
            "phases": [
                span("baseline", 0.0, self.baseline), span("fault", self.baseline, self.fault),
                span("recovery", self.fault, self.end),
            ],
            "edges": edges.collect::<Vec<_>>(),
            "changes": ["delay answers of db:5432 to orders by 400 ms ± 50 ms"],
            "judged": [
                { "name": "orders are accepted", "phase": "baseline", "verdict": { "verdict": "held" } },
            ],
            "left": [],
            "warnings": self.warnings,
            "stopped": null,
            "samples": {},
        }))
        .unwrap()
    }

    pub fn recording(&self, fate: impl Fn(f64, f64) -> Option<Fate>) -> Recording {
        let exchanges = (0..(self.rate * self.end) as u64).filter_map(|i| {
            let at = i as f64 / self.rate;
            let (took, class) = fate(at, noise(i))?;
            let intended = Duration::from_secs_f64(at);
            let sent = intended + Duration::from_secs_f64(0.000_2 * noise(i + 7));
            let done = intended + Duration::from_secs_f64(took.max(0.21) / 1e3);
            Some(Exchange::new(intended, sent, done, class).with_endpoint(i as usize % 3))
        });
        let words = format!(
            "POST http://orders.local/orders at {}/s, timeout 2s",
            self.rate
        );
        let endpoints = ["POST /orders", "GET /orders/{id}", "GET /health"];
        Recording::new(
            words,
            self.rate,
            Duration::from_secs(2),
            exchanges.collect(),
        )
        .with_endpoints(endpoints)
    }

    pub fn report(&self, fate: impl Fn(f64, f64) -> Option<Fate>) -> Report {
        Report::new(self.run(), &self.recording(fate), &Slos::default())
    }
}

/// Evenly spread from 0 to 1, and always the same.
fn noise(i: u64) -> f64 {
    let mut x = i.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((x ^ (x >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

/// What a healthy service takes: mostly 12 ms, with a tail.
fn healthy(noise: f64) -> f64 {
    9.0 + 5.0 * noise + 1.5 / (1.003 - noise)
}

fn ok(ms: f64) -> Option<Fate> {
    Some((ms.min(1_900.0), Class::Ok))
}

pub fn held() -> Report {
    Demo::new("orders survive a slow database").report(|at, noise| match at {
        20.4..50.6 => ok(healthy(noise) + 380.0 + 40.0 * noise),
        _ => ok(healthy(noise)),
    })
}

/// Out for 17 s, slow to come back.
pub fn outage() -> Report {
    let mut demo = Demo::new("checkout survives the loss of its cache");
    demo.warnings
        .push("left alone, it is not ours: qdisc 8001: on eth0".into());
    demo.report(|at, noise| match at {
        22.0..31.0 => Some((2000.0, Class::Timeout)),
        31.0..39.0 if noise < 0.7 => Some((1.0, Class::Refused)),
        31.0..39.0 => Some((4.0, Class::BadStatus)),
        39.0..50.6 => ok(healthy(noise) * 14.0),
        50.6..63.0 if noise > 0.93 => Some((30.0, Class::BadStatus)),
        50.6..63.0 => ok(healthy(noise) * (1.0 + (63.0 - at) * 0.6)),
        _ => ok(healthy(noise)),
    })
}

/// With two targets that were watched.
pub fn watched() -> Report {
    let mut report = Demo::new("orders survive the loss of their cache").report(|at, noise| {
        let slower = if (20.4..50.6).contains(&at) {
            60.0
        } else {
            0.0
        };
        ok(healthy(noise) + slower)
    });
    report.resources = used::resources(20.0, 50.0, 80.0);
    report
}

/// Out until the end.
pub fn open() -> Report {
    Demo::new("the queue drains after a partition").report(|at, noise| match at {
        24.0.. => Some((
            1.0,
            if noise < 0.5 {
                Class::Reset
            } else {
                Class::Refused
            },
        )),
        _ => ok(healthy(noise)),
    })
}

/// Too few requests, with a hole.
pub fn unclear() -> Report {
    let mut demo = Demo::new("search survives a slow disk");
    demo.rate = 1.5;
    demo.report(|at, noise| match at {
        33.0..46.0 => None,
        _ => ok(healthy(noise)),
    })
}

pub fn flapping() -> Report {
    let mut demo = Demo::new("sessions survive a flapping link");
    demo.faults = (0..8)
        .map(|i| (20.0 + 8.0 * f64::from(i), 23.0 + 8.0 * f64::from(i)))
        .collect();
    (demo.fault, demo.end) = (84.0, 110.0);
    demo.report(|at, noise| match (at - 20.0) % 8.0 {
        phase if (20.0..84.0).contains(&at) && phase < 3.4 => Some((1.0, Class::Unreachable)),
        _ => ok(healthy(noise)),
    })
}

/// An hour at 20 requests per second.
pub fn hour() -> Report {
    let mut demo = Demo::new("an hour of game day");
    (demo.baseline, demo.fault, demo.end, demo.rate) = (600.0, 2400.0, 3600.0, 20.0);
    demo.faults = vec![(600.0, 2400.0)];
    demo.report(|at, noise| {
        let wave = 1.0 + 0.4 * (at / 170.0).sin();
        match at {
            900.0..960.0 => Some((2000.0, Class::Timeout)),
            600.0..2400.0 if noise > 0.985 => Some((3.0, Class::BadStatus)),
            600.0..2400.0 => ok(healthy(noise) * 9.0 * wave + 80.0 * noise),
            _ => ok(healthy(noise) * wave),
        }
    })
}

pub fn no_traffic() -> Report {
    Report::new(
        Demo::new("nobody asked").run(),
        &Recording::none(),
        &Slos::default(),
    )
}

pub fn not_steady() -> Report {
    let mut demo = Demo::new("billing survives a full disk");
    demo.outcome = json!({ "outcome": "not_steady", "why": "17 of 250 requests failed before any fault; at most 5 % may" });
    demo.faults.clear();
    (demo.fault, demo.end) = (20.0, 20.0);
    demo.report(|_, noise| match noise {
        0.0..0.07 => Some((2.0, Class::BadStatus)),
        _ => ok(healthy(noise)),
    })
}

pub fn interrupted() -> Report {
    let mut demo = Demo::new("mail survives a dead relay");
    demo.outcome = json!({ "outcome": "interrupted", "by": "SIGINT" });
    (demo.fault, demo.end) = (31.0, 31.0);
    demo.faults = vec![(20.0, 31.0)];
    demo.report(|at, noise| {
        if at > 30.5 {
            Some((0.0, Class::Cancelled))
        } else {
            ok(healthy(noise))
        }
    })
}

/// Of somebody who tries.
pub fn hostile() -> Report {
    let mut demo = Demo::new("</script><img src=x onerror=alert(1)> '\"&{{ 7 * 7 }}");
    demo.warnings
        .push("</style></title><script>alert(2)</script>\u{1b}[31m".into());
    let run = demo.run();
    let recording = demo.recording(|at, noise| match at {
        22.0..31.0 => Some((2000.0, Class::Timeout)),
        _ => ok(healthy(noise)),
    });
    let names = [
        "<img src=x onerror=alert(3)>",
        "\"><svg onload=alert(4)>",
        "c",
    ];
    let mut report = Report::new(run, &recording.with_endpoints(names), &Slos::default());
    report.load.description = "GET http://x/?<script>alert(5)</script>".into();
    for edge in &mut report.run.edges {
        edge.target = "</text></svg><script>alert(6)</script>".into();
        edge.fault = "x\" onfocus=\"alert(7)".into();
    }
    report.resources = used::resources(20.0, 50.0, 80.0);
    report.resources.sites[0].name = "</text></svg><img src=x onerror=alert(8)>".into();
    report
}

pub fn several() -> Summary {
    let mut summary = Summary::new([held(), outage(), unclear(), not_steady()]);
    summary.refuse(
        "payments survive a dead host",
        "production needs `--approve`",
    );
    summary.not_run.push("nothing is left of the night".into());
    summary
}

/// All of them, with names for files.
pub fn pages() -> Vec<(&'static str, String)> {
    let page = |report: Report| report.to_html().unwrap();
    vec![
        ("held", page(held())),
        ("outage", page(outage())),
        ("watched", page(watched())),
        ("open", page(open())),
        ("unclear", page(unclear())),
        ("flapping", page(flapping())),
        ("hour", page(hour())),
        ("no-traffic", page(no_traffic())),
        ("not-steady", page(not_steady())),
        ("interrupted", page(interrupted())),
        ("hostile", page(hostile())),
        ("several", several().to_html().unwrap()),
    ]
}
