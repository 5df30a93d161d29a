//! Killed with SIGKILL at every point of an injection that pauses one container and stops another, and while the
//! engine is at it.

use super::{
    client::Box,
    door::Door,
    trial,
    victim::{Victim, block_on, logs, second_process_recovers},
};
use chaos_core::testing::crash_points;
use libtest_mimic::Trial;
use std::{
    os::unix::process::ExitStatusExt,
    thread,
    time::{Duration, Instant},
};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "killed_at_every_point_a_second_process_recovers",
            killed_at_every_point,
        ),
        trial(
            "killed_while_the_engine_stops_a_container_it_runs_again_and_stays_so",
            killed_in_a_stop,
        ),
        trial(
            "killed_before_the_engine_has_begun_the_container_runs_in_the_end",
            killed_before_it_has_begun,
        ),
    ]
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

/// The container ignores SIGTERM, so that the engine takes all of the grace, 5 s, also when its client has died.
async fn killed_in_a_stop() {
    let moments = [0, 1500, 3000, 4700].map(Duration::from_millis);
    let asked = moments.map(|after| {
        thread::spawn(move || {
            let shown = (0..5).any(|_| killed_after(after));
            assert!(shown, "{after:?}: this machine is too busy");
        })
    });
    for asked in asked {
        asked.join().unwrap();
    }
}

/// Killed so long after the container was asked to end. Nothing is shown when the engine may have ended it before
/// it was looked at.
fn killed_after(after: Duration) -> bool {
    let made = Box::start_stubborn();
    let state = tempfile::tempdir().unwrap();
    let mut victim = Victim::new("stop", &state, &[&made]).spawn();
    made.comes_to("being asked to end", Box::was_asked_to_end);
    let since = || made.asked_to_end().unwrap().elapsed().unwrap();
    thread::sleep(after.saturating_sub(since()));
    victim.kill().unwrap();
    victim.wait().unwrap();
    let found = (made.status(), logs(&state));
    let in_time = since() < Duration::from_millis(4900);
    if in_time {
        assert_eq!(found, ("running".into(), 1));
    }
    runs_in_the_end(&made, &state);
    in_time
}

/// The client's last words are on their way.
async fn killed_before_it_has_begun() {
    for (task, request) in [("pause", "/pause"), ("kill", "/kill"), ("stop", "/stop")] {
        let made = Box::start();
        let run = made.started_at();
        let door = Door::slow_for(request, Duration::from_millis(700));
        let state = tempfile::tempdir().unwrap();
        let victim = Victim::new(task, &state, &[&made]);
        let mut victim = victim.env("DOCKER_HOST", &door.address).spawn();
        made.comes_to("a request", |_| door.has_seen());
        victim.kill().unwrap();
        victim.wait().unwrap();
        assert_eq!((made.started_at(), logs(&state)), (run.clone(), 1));
        runs_in_the_end(&made, &state);
        assert_eq!(made.started_at() == run, task == "pause", "{task}");
    }
}

/// It runs after the recovery, and after all that the engine may have been at.
#[track_caller]
fn runs_in_the_end(made: &Box, state: &tempfile::TempDir) {
    thread::scope(|scope| {
        scope
            .spawn(|| block_on(second_process_recovers(state)))
            .join()
    })
    .unwrap();
    made.works();
    let (run, since) = (made.started_at(), Instant::now());
    while since.elapsed() < Duration::from_secs(6) {
        assert_eq!(
            (made.status(), made.started_at()),
            ("running".into(), run.clone())
        );
        thread::sleep(Duration::from_millis(200));
    }
    made.works();
}
