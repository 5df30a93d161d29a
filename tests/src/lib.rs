//! What tests across the crates share: tiers, real servers, and a service that depends on them.

mod database;
mod server;
mod service;
mod tier;

pub use database::Database;
pub use server::{Postgres, Redis, Server};
pub use service::{Care, Service};
pub use tier::Tier;
