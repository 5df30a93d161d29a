//! Every fault keeps the promises that every fault keeps.

use chaos_core::{Fault, FaultExt, Registry, testing::Conformance};
use chaos_faults_dns::{
    Delay, DnsProxy, Nxdomain, Queries, Refuse, Servfail, Spoof, Timeout, Truncate, register,
};
use std::{net::Ipv4Addr, time::Duration};

async fn keeps_the_promises<F: Fault>(make: impl Fn() -> F + Send + Sync + 'static) {
    let proxy = DnsProxy::in_front_of("127.0.0.1:9").await.unwrap();
    let mut registry = Registry::new();
    register(&mut registry);
    Conformance::new(registry, move || make().on(&proxy))
        .run()
        .await;
}

#[tokio::test]
async fn nxdomain() {
    keeps_the_promises(|| Nxdomain::new().queries(Queries::name("*.internal"))).await;
}

#[tokio::test]
async fn servfail() {
    keeps_the_promises(|| Servfail::new().queries(Queries::all().share(50.0))).await;
}

#[tokio::test]
async fn refuse() {
    keeps_the_promises(|| Refuse::new().queries(Queries::all().types(["SRV"]))).await;
}

#[tokio::test]
async fn delay() {
    keeps_the_promises(|| Delay::ms(5).jitter(Duration::from_millis(5))).await;
}

#[tokio::test]
async fn timeout() {
    keeps_the_promises(Timeout::new).await;
}

#[tokio::test]
async fn truncate() {
    keeps_the_promises(Truncate::new).await;
}

#[tokio::test]
async fn spoof() {
    keeps_the_promises(|| Spoof::addresses([Ipv4Addr::LOCALHOST])).await;
}
