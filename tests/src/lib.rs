//! What tests across the crates share: tiers, real servers, and a service that depends on them.

#[cfg(target_os = "linux")]
mod database;
#[cfg(target_os = "linux")]
mod server;
#[cfg(target_os = "linux")]
mod service;
mod tier;

#[cfg(target_os = "linux")]
pub use database::Database;
#[cfg(target_os = "linux")]
pub use server::{
    Chromedriver, Dnsmasq, Nginx, Postgres, Prometheus, Redis, RedisContainer, Server,
};
#[cfg(target_os = "linux")]
pub use service::{Care, Service};
pub use tier::Tier;
