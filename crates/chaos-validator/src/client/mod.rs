//! A small HTTP/1.1 client: one kept connection, no redirects, no retries, nothing kept in memory.

mod connection;
mod endpoint;

pub(crate) use connection::{Connection, connect};
pub(crate) use endpoint::Endpoint;
