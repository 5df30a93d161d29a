//! Killed with SIGKILL at every point of an injection that pauses one container and stops another.

use super::{
    client::Box,
    trial,
    victim::{Victim, second_process_recovers},
};
use chaos_core::testing::crash_points;
use libtest_mimic::Trial;
use std::os::unix::process::ExitStatusExt;

pub(crate) fn trials() -> Vec<Trial> {
    vec![trial(
        "killed_at_every_point_a_second_process_recovers",
        killed_at_every_point,
    )]
}

/// What the two containers do when the victim is killed at a point.
fn at(point: &str) -> [&'static str; 2] {
    let (at, n) = point.split_once(':').unwrap();
    let changed = match at {
        "after-intent" | "after-undo" | "after-undone" => n.parse().unwrap(),
        "after-apply" | "after-applied" | "before-undo" => n.parse::<usize>().unwrap() + 1,
        _ => 0,
    };
    [
        ["running", "running"],
        ["paused", "running"],
        ["paused", "exited"],
    ][changed]
}

async fn killed_at_every_point() {
    let boxes = [Box::start(), Box::start()];
    let points = crash_points(2);
    assert_eq!(points.len(), 14);
    for point in points {
        let state = tempfile::tempdir().unwrap();
        let victim = Victim::new("crash", &state, &[&boxes[0], &boxes[1]]);
        let mut victim = victim.env("CHAOS_CRASH_AT", &point).spawn();
        let status = victim.wait().unwrap();
        assert_eq!(status.signal(), Some(9), "killed at {point}? {status}");
        assert_eq!(boxes.each_ref().map(Box::status), at(&point), "{point}");
        second_process_recovers(&state).await;
        boxes.iter().for_each(Box::works);
    }
}
