//! What the tests share: a real server and clients on loopback, and a fault in place.

mod client;
pub(crate) mod raw;
mod server;

pub(crate) use client::{Client, Speaks};
pub(crate) use server::Server;

use chaos_core::{Engine, Fault, FaultExt, Injection, Recovered};
use chaos_faults_http::HttpProxy;
use peak_alloc::PeakAlloc;
use std::{
    future::Future,
    time::{Duration, Instant},
};
use tokio::time::timeout;

/// Nothing here takes longer unless it hangs.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// Puts a fault on a proxy.
pub(crate) async fn put(fault: impl Fault, proxy: &HttpProxy) -> Injection {
    let engine = Engine::open().await.unwrap();
    within(engine.inject(fault.on(proxy))).await.unwrap()
}

/// Takes a fault off again.
pub(crate) async fn take_off(injection: Injection) -> Recovered {
    within(injection.recover()).await.unwrap()
}

/// Fails when `work` hangs.
pub(crate) async fn within<T>(work: impl Future<Output = T>) -> T {
    timeout(LIMIT, work).await.expect("it hangs")
}

/// Waits until `done`, and fails when that never is.
pub(crate) async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < LIMIT, "never: {what}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Counts what is allocated, as the memory that a process has from its kernel is also what the arenas of its threads keep.
#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

/// How much memory is ours, in bytes.
pub(crate) fn memory() -> usize {
    ALLOCATED.current_usage()
}
