//! A resilience test as a stranger writes it, after
//! `cargo add --dev chaos-core chaos-faults-net chaos-validator`.

use chaos_examples::{Care, Orders, Stock};

// README: begin
use chaos_core::{Engine, Experiment, FaultExt};
use chaos_faults_net::{Latency, Proxy};
use chaos_validator::{HttpLoad, Slos};
use std::time::Duration;

#[tokio::test]
async fn orders_survive_a_slow_stock_server() -> Result<(), Box<dyn std::error::Error>> {
    let stock = Stock::start().await?; // any TCP server: a database, a cache, another service
    let proxy = Proxy::in_front_of(stock.address()).await?;
    let orders = Orders::start(proxy.address().to_string(), None, Care::Resilient).await?; // your service

    let slow = Experiment::named("slow stock server")
        .baseline(Duration::from_secs(3))
        .hold(Duration::from_secs(3))
        .fault(Latency::ms(500).on(&proxy));
    let load = HttpLoad::get(orders.url("/orders")).rate(100.0);
    let report = chaos_validator::run(&Engine::open().await?, slow, load, &Slos::default()).await?;
    report.assert_held();
    Ok(())
}
// README: end

/// The same without the service's timeout, retry and fallback: a test that could not fail would prove nothing.
#[tokio::test]
async fn without_care_the_same_test_fails() -> Result<(), Box<dyn std::error::Error>> {
    let stock = Stock::start().await?;
    let proxy = Proxy::in_front_of(stock.address()).await?;
    let orders = Orders::start(proxy.address().to_string(), None, Care::Fragile).await?;

    let slow = Experiment::named("slow stock server")
        .baseline(Duration::from_secs(3))
        .hold(Duration::from_secs(3))
        .fault(Latency::ms(800).on(&proxy));
    let load = HttpLoad::get(orders.url("/orders")).rate(100.0);
    let report = chaos_validator::run(&Engine::open().await?, slow, load, &Slos::default()).await?;
    assert_eq!(
        report.exit_code(),
        1,
        "{}",
        report.table(chaos_validator::Paint::Plain)
    );
    Ok(())
}

/// What the README shows is what is tested here.
#[test]
fn the_readme_shows_this_test() {
    let test = include_str!("resilience.rs");
    let shown = test
        .split("// README: begin\n")
        .nth(1)
        .and_then(|rest| rest.split("// README: end").next());
    assert!(
        include_str!("../../README.md").contains(shown.unwrap_or("?").trim()),
        "the README shows another test"
    );
}
