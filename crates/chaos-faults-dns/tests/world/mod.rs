//! What the tests share: an upstream and clients on loopback, and a fault in place.

mod client;
mod upstream;

pub(crate) use client::{Query, Tcp, udp};
pub(crate) use upstream::{Upstream, echo};

use chaos_core::{Engine, Fault, FaultExt, Injection, Recovered};
use chaos_faults_dns::DnsProxy;
use std::{
    future::Future,
    time::{Duration, Instant},
};
use tokio::time::timeout;

/// Nothing here takes longer unless it hangs.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// Puts a fault on a proxy.
pub(crate) async fn put(fault: impl Fault, proxy: &DnsProxy) -> Injection {
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
