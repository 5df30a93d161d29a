//! Every fault keeps the promises that every fault keeps.
#![cfg(target_os = "linux")]

#[expect(dead_code, reason = "not all of it is used here")]
mod world;

use chaos_core::{FaultExt, Host, testing::Conformance};
use chaos_faults_resource::{CpuBurn, Pause, Process};
use std::sync::Arc;
use world::{Victim, eventually, letter, registry, threads};

/// A record of version 1, as it stands in logs.
const CONTINUE_1: &str =
    r#"{"process":{"pid":4711,"started":123456,"boot":"0e6f3c6e-9f0f-4e0c-8f5b-1f8a4d1f0a11"}}"#;

#[tokio::test]
async fn pause() {
    let victim = Arc::new(Victim::sleeping());
    let pid = victim.pid();
    // Running and sleeping is the same here: it goes on.
    let look = move || {
        let stopped = letter(pid) == 'T';
        format!("stopped: {stopped}")
    };
    Conformance::new(registry(), move || Pause::new().on(&Process::pid(pid)))
        .world(look)
        .foreign(move || {
            victim.signal("-STOP");
            eventually("stopped by somebody else", || letter(pid) == 'T');
            let victim = Arc::clone(&victim);
            move || victim.signal("-CONT")
        })
        .record("resource.continue_process", 1, CONTINUE_1)
        .run()
        .await;
}

#[tokio::test]
async fn cpu_burn() {
    let make = || CpuBurn::workers(2).load(5).on(&Host).allow_host();
    Conformance::new(registry(), make)
        .world(|| threads("chaos-cpu").len().to_string())
        .run()
        .await;
}
