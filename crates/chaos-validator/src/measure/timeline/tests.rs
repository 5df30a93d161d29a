use super::*;
use crate::{Slos, report::Report};
use proptest::prelude::*;

/// A run of so many seconds: a third of it baseline, a third fault, a third recovery.
fn run(length: u64) -> Run {
    let third = length / 3;
    let span = |phase: &str, from: u64, to: u64| serde_json::json!({ "phase": phase, "start": from, "end": to });
    serde_json::from_value(serde_json::json!({
        "name": "any", "seed": 1, "started": "2026-11-22T12:00:00.000Z", "took": length,
        "outcome": { "outcome": "held" },
        "phases": [
            span("baseline", 0, third), span("fault", third, 2 * third),
            span("recovery", 2 * third, length),
        ],
        "edges": [], "changes": [], "judged": [], "left": [], "warnings": [], "stopped": null,
        "samples": {},
    }))
    .unwrap()
}

fn timeline(length: u64, recording: &Recording) -> (Timeline, Windows) {
    let run = run(length);
    let windows = Windows::of(&run);
    (Timeline::of(&run, recording, &windows), windows)
}

fn any_exchange() -> impl Strategy<Value = Exchange> {
    let class = prop::sample::select(Class::ALL.to_vec());
    (0_u64..90_000, 0_u64..3_000_000, class, 0_usize..3).prop_map(|(at, took, class, endpoint)| {
        let at = Duration::from_millis(at);
        Exchange::new(at, at, at + Duration::from_micros(took), class).with_endpoint(endpoint)
    })
}

proptest! {
    #[test]
    fn nothing_is_lost_between_the_slices(exchanges in prop::collection::vec(any_exchange(), 0..400)) {
        let recording = Recording::new("any", 50.0, Duration::from_secs(2), exchanges);
        let (timeline, _) = timeline(90, &recording);
        let counts = recording.counts();
        let sum = |of: fn(&Slice) -> u64| timeline.slices.iter().map(of).sum::<u64>();
        prop_assert_eq!(sum(|s| s.offered), counts.planned);
        prop_assert_eq!(sum(|s| s.good), counts.good);
        prop_assert_eq!(sum(Slice::bad), counts.bad);
        prop_assert_eq!(sum(Slice::done), counts.done());
        prop_assert_eq!(sum(|s| s.classes.values().sum()), counts.planned);
        prop_assert_eq!(sum(|s| s.histogram.iter().map(|(_, n)| u64::from(*n)).sum()), counts.good);
    }

    #[test]
    fn quantiles_are_those_of_the_requests(exchanges in prop::collection::vec(any_exchange(), 1..400)) {
        let timeout = Duration::from_secs(2);
        let recording = Recording::new("any", 50.0, timeout, exchanges).with_endpoints(["a", "b", "c"]);
        let (timeline, windows) = timeline(90, &recording);
        for (i, slice) in timeline.slices.iter().enumerate() {
            let these = recording.between(timeline.start_of(i), timeline.start_of(i + 1));
            let ranked = Ranked::of(these.iter(), timeout).timings([0.5, 0.95, 0.99]);
            prop_assert_eq!(slice.latency.map(|l| [l.p50, l.p95, l.p99]), ranked);
        }
        for (curve, window) in [(&timeline.baseline, windows.baseline), (&timeline.fault, windows.fault)] {
            let seen = Part::of(&recording, &windows, window.unwrap());
            let ranked = Ranked::of(seen.iter(), timeout);
            for point in curve {
                prop_assert_eq!(Some(point.latency), ranked.quantile(point.quantile));
            }
            prop_assert_eq!(curve.is_empty(), ranked.len() == 0);
        }
        for (number, endpoint) in timeline.endpoints.iter().enumerate() {
            for (phase, window) in [(endpoint.baseline, windows.baseline), (endpoint.fault, windows.fault)] {
                let seen = Part::of(&recording, &windows, window.unwrap());
                let its = seen.iter().filter(|e| e.endpoint() == number);
                let ranked = Ranked::of(its, timeout).timings([0.5, 0.95]);
                prop_assert_eq!(phase.map(|p| [p.p50, p.p95]), ranked);
            }
        }
    }
}

#[test]
fn long_runs_and_slow_loads_have_longer_slices() {
    let s = Duration::from_secs;
    assert_eq!(cut(s(30), s(1)), (s(1), 30));
    assert_eq!(cut(s(3600), s(1)), (s(1), 3600));
    assert_eq!(cut(s(3601), s(1)), (s(2), 1801));
    assert_eq!(cut(s(100), s(20)), (s(20), 5));
    assert_eq!(cut(s(86_400 * 13), s(1)).0, s(312));
    assert_eq!(cut(Duration::ZERO, s(1)), (s(1), 1));
}

#[test]
fn seconds_without_traffic_are_there_and_empty() {
    let at = Duration::from_secs(1);
    let recording = Recording::new("any", 1e3, at, vec![Exchange::new(at, at, at, Class::Ok)]);
    let (timeline, _) = timeline(30, &recording);
    assert_eq!(timeline.slices.len(), 30);
    assert_eq!(timeline.slices[7], Slice::default());
    assert_eq!(
        super::tests::timeline(30, &Recording::none()).0,
        Timeline::default()
    );
}

/// A report of before there was a timeline is still read, and one with it comes back as it was.
#[test]
fn the_timeline_is_part_of_the_json_and_may_be_missing() {
    let at = Duration::from_millis(1234);
    let exchange = Exchange::new(at, at, at + Duration::from_micros(777), Class::Ok);
    let recording = Recording::new("any", 50.0, Duration::from_secs(2), vec![exchange]);
    let report = Report::new(run(30), &recording, &Slos::default());
    let json = report.to_json().unwrap();
    assert_eq!(Report::from_json(&json).unwrap().timeline, report.timeline);
    let mut old: serde_json::Value = serde_json::from_str(&json).unwrap();
    old.as_object_mut().unwrap().remove("timeline").unwrap();
    let old = Report::from_json(&old.to_string()).unwrap();
    assert_eq!(old.timeline, Timeline::default());
}
