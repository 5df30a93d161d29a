//! What the probe says of a container through its life.

use super::{client::Box, client::docker, registry, trial};
use chaos_core::{Parameters, Probe, Value};
use chaos_faults_container::{ContainerLook, ContainerProbe};
use libtest_mimic::Trial;
use std::time::{Duration, Instant};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("a_probe_sees_what_a_container_does", through_its_life),
        trial("a_probe_believes_the_health_check", health_check),
        trial("a_probe_counts_restarts", restarts),
        trial("a_probe_from_a_file_finds_its_container", from_a_file),
    ]
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

async fn through_its_life() {
    let made = Box::start();
    let healthy = ContainerProbe::named(&made.name);
    let status = ContainerProbe::named(&made.id[..12]).look(ContainerLook::Status);
    for (command, is_healthy, says) in [
        (None, true, "running"),
        (Some("pause"), false, "paused"),
        (Some("unpause"), true, "running"),
        (Some("kill"), false, "exited"),
        (Some("start"), true, "running"),
    ] {
        if let Some(command) = command {
            docker([command, &made.id]);
        }
        assert_eq!(healthy.sample().await.unwrap(), is_healthy.into(), "{says}");
        assert_eq!(status.sample().await.unwrap(), text(says));
    }
    docker(["rm", "-f", &made.id]);
    let error = healthy.sample().await.unwrap_err().to_string();
    assert!(error.contains("knows no container"), "{error}");
}

async fn health_check() {
    let shell = format!("{}:/bin/sh:ro", super::client::busybox().display());
    let made = Box::start_with([
        "-v",
        &shell,
        "--health-cmd",
        "test ! -e /shared/sick",
        "--health-interval",
        "200ms",
        "--health-retries",
        "1",
    ]);
    let probe = ContainerProbe::named(&made.name);
    comes_to(&probe, true).await;
    made.put("sick");
    comes_to(&probe, false).await;
    assert_eq!(made.inspect(".State.Health.Status"), "unhealthy");
    assert_eq!(made.status(), "running");
}

async fn restarts() {
    let made = Box::start_with(["--restart", "always"]);
    let probe = ContainerProbe::named(&made.name).look(ContainerLook::Restarts);
    assert_eq!(probe.sample().await.unwrap(), 0.0.into());
    made.end_from_inside();
    let start = Instant::now();
    while probe.sample().await.unwrap() != 1.0.into() {
        assert!(
            start.elapsed() < Duration::from_secs(30),
            "it was not restarted"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn from_a_file() {
    let made = Box::start();
    let parameters = Parameters::new()
        .with("id", &made.id)
        .with("look", "status");
    let probe = registry().probe("container", parameters).unwrap();
    assert_eq!(probe.sample().await.unwrap(), text("running"));
}

/// Waits until the container is healthy, or is not.
async fn comes_to(probe: &ContainerProbe, healthy: bool) {
    let start = Instant::now();
    while probe.sample().await.unwrap() != healthy.into() {
        assert!(start.elapsed() < Duration::from_secs(30), "never {healthy}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
