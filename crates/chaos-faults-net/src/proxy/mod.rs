//! A TCP proxy inside this process, on whose connections faults are put.
//!
//! [`handle`] is what a user holds; [`shared`] is what it has in common with its faults; [`door`] is the port,
//! [`accept`] the loop behind it, [`connection`] one client and its upstream, [`pipe`] one direction of that.
//! A fault is an [`effect`] in the [`stack`]; per direction of a connection it becomes a [`stage`].

mod accept;
mod config;
mod connection;
mod door;
mod effect;
mod handle;
mod pipe;
mod place;
mod queue;
mod runtime;
mod scratch;
mod shared;
mod stack;
mod stage;
mod stages;

pub use config::ProxyConfig;
pub(crate) use effect::{Effect, Gate, Hits};
pub use handle::Proxy;
pub(crate) use place::{InPlace, change, plan_on_proxies, proxies};
pub(crate) use shared::Shared;
pub(crate) use stage::{Piece, Room, Stage};
