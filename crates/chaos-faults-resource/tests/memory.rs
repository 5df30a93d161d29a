//! What filled memory looks like from outside. Alone in its process, because it is the whole process that is looked at.
#![cfg(target_os = "linux")]

#[expect(dead_code, reason = "not all of it is used here")]
mod world;

use chaos_core::{FaultExt, Host};
use chaos_faults_resource::MemFill;
use std::fs;
use world::{engine, eventually};

/// The resident memory of this process, in MiB.
fn resident() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|l| l.strip_prefix("VmRSS:"))
        .unwrap();
    let kib: f64 = line.trim().trim_end_matches(" kB").parse().unwrap();
    kib / 1024.0
}

#[tokio::test]
async fn memory_is_resident_and_then_given_back() {
    let state = tempfile::tempdir().unwrap();
    let engine = engine(state.path()).await;
    // The second time, malloc has learnt from the first.
    for size in [96, 40] {
        let before = resident();
        let fill = MemFill::mib(size).on(&Host).allow_host();
        let injection = engine.inject(fill).await.unwrap();
        let more = || (resident() - before) / size as f64;
        eventually("it is resident", || more() > 0.95);
        assert!(more() < 1.05, "{}", more());
        let recovered = injection.recover().await.unwrap();
        assert!(recovered.hits > size, "{} pages", recovered.hits);
        assert!(recovered.lost.is_empty());
        assert!(more() < 0.1, "{} is left", more());
    }
}
