//! A small HTTP client: kept connections, no redirects, no retries, nothing kept in memory that nobody wants.

mod address;
mod channel;
mod dial;
mod endpoint;
mod error;
mod http1;
mod http2;
mod message;
mod reply;
#[cfg(feature = "tls")]
mod tls;
#[cfg(not(feature = "tls"))]
#[path = "no_tls.rs"]
mod tls;

pub(crate) use address::host_and_port;
pub(crate) use channel::{Channel, Shared};
pub(crate) use dial::{Dialer, connect};
pub(crate) use endpoint::Endpoint;
pub(crate) use error::class_of_io;
pub(crate) use message::Message;
pub(crate) use reply::{Keep, Reply};
