//! Every fault keeps the promises that every fault keeps.

use chaos_core::{Fault, FaultExt, Registry, testing::Conformance};
use chaos_faults_http::{Abort, Delay, HttpProxy, Patch, Replace, Requests, register};
use serde_json::json;

async fn keeps_the_promises<F: Fault>(make: impl Fn() -> F + Send + Sync + 'static) {
    let proxy = HttpProxy::in_front_of("http://127.0.0.1:9").await.unwrap();
    let mut registry = Registry::new();
    register(&mut registry);
    Conformance::new(registry, move || make().on(&proxy))
        .run()
        .await;
}

#[tokio::test]
async fn delay() {
    keeps_the_promises(|| Delay::ms(5).jitter(std::time::Duration::from_millis(5))).await;
}

#[tokio::test]
async fn abort() {
    keeps_the_promises(|| Abort::status(503).requests(Requests::all().share(50.0))).await;
}

#[tokio::test]
async fn reset() {
    keeps_the_promises(Abort::reset).await;
}

#[tokio::test]
async fn replace() {
    keeps_the_promises(|| Replace::response().status(500)).await;
}

#[tokio::test]
async fn patch() {
    keeps_the_promises(|| Patch::response().json(json!({ "a": 1 }))).await;
}
